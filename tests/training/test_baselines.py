import numpy as np
import pytest

from inference.features import Features
from inference.terms import count_terms
from training import baselines

WORDS = ["apple pie", "brown bread", "cold cream"]


def mails(count, *, dense, worded):
    """Documents whose vectors, or words, tell their label, or do not."""
    rng = np.random.default_rng(count)
    which = np.arange(count) % 3
    vectors = (np.eye(3)[which] if dense else np.zeros((count, 3))) + 0.1 * rng.normal(
        size=(count, 3)
    )
    texts = [WORDS[label] if worded else f"word{rng.integers(3)} more" for label in which]
    return Features(vectors.astype(np.float32), count_terms(texts)), np.eye(3, dtype=bool)[which]


@pytest.mark.parametrize("multi", [False, True])
@pytest.mark.parametrize(("dense", "worded"), [(True, False), (False, True)])
def test_each_baseline_sees_its_own_side_alone(dense, worded, multi):
    gold, test = mails(60, dense=dense, worded=worded), mails(90, dense=dense, worded=worded)
    found = baselines.measure(*gold, *test, multi=multi)
    assert (found["vectors_regression"] > 0.9) == dense
    assert (found["words_svm"] > 0.9) == worded


def test_gold_of_one_label_is_no_baseline():
    gold, targets = mails(60, dense=True, worded=True)
    one = np.flatnonzero(targets[:, 0])
    found = baselines.measure(
        gold.take(one), targets[one], *mails(30, dense=True, worded=True), multi=False
    )
    assert all(np.isnan(value) for value in found.values())


def test_label_that_all_gold_has_is_always_given():
    gold, targets = mails(60, dense=True, worded=True)
    test, right = mails(30, dense=True, worded=True)
    always = np.ones((60, 1), bool)
    found = baselines.measure(
        gold, np.hstack([targets, always]), test, np.hstack([right, always[:30]]), multi=True
    )
    assert found["words_svm"] == 1
