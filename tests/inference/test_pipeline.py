import numpy as np
import pytest

from inference.buckets import Bucket, Thresholds
from inference.features import Features
from inference.pipeline import CANDIDATES, classify, decide, rank, score
from inference.retrieve import unit
from tests.inference.parts import Words, bundle_of


def vectors(*rows):
    return np.array(rows, dtype=np.float32)


def seen(*rows):
    return Features(vectors(*rows))


def test_a_clear_document_is_accepted_with_its_label():
    bundle = bundle_of((11, 12, 13))
    [verdict] = decide(bundle, score(bundle, seen([0, 1, 0, 0])))
    assert (verdict.bucket, verdict.label_ids) == (Bucket.AUTO, (12,))
    assert verdict.candidates[0][:3] == (12, 1.0, 20.0)


def test_a_document_between_two_labels_goes_to_review_with_both_ahead():
    bundle = bundle_of((11, 12, 13))
    [verdict] = decide(bundle, score(bundle, seen([0.6, 0, 0.59, 0.54])))
    assert verdict.bucket == Bucket.REVIEW
    assert [each.label_id for each in verdict.candidates] == [11, 13, 12]
    assert verdict.margin == pytest.approx(
        verdict.candidates[0].probability - verdict.candidates[1].probability, abs=1e-5
    )


def test_a_document_near_no_label_fits_none_and_is_given_none():
    bundle = bundle_of(thresholds=Thresholds(0.9, floor=5.0))
    [verdict] = decide(bundle, score(bundle, seen([0.1, 0, 0, 0.99])))
    assert (verdict.bucket, verdict.label_ids) == (Bucket.NONE_FITS, ())


def test_a_multi_label_document_gets_every_label_at_its_threshold():
    bundle = bundle_of((11, 12, 13), kind="multi")
    [verdict] = decide(bundle, score(bundle, seen([0.7, 0.7, 0, 0.14])))
    assert (verdict.bucket, verdict.label_ids) == (Bucket.AUTO, (11, 12))


def test_probabilities_cover_all_labels_not_only_candidates():
    count = CANDIDATES + 15
    bundle = bundle_of(
        range(count),
        label_vectors=np.tile(vectors([1, 0, 0, 0]), (count, 1)),
        head=bundle_of().head.zero(count, 4),
    )
    scores = score(bundle, seen([1, 0, 0, 0]))
    [candidates] = rank(bundle, scores)
    assert len(candidates) == CANDIDATES
    assert candidates[0].probability == pytest.approx(1 / count, abs=1e-6)


def test_candidates_come_best_first_as_a_slow_sort_has_them():
    generator = np.random.default_rng(3)
    count = 50
    bundle = bundle_of(
        range(100, 100 + count),
        label_vectors=unit(generator.normal(size=(count, 4)).astype(np.float32)),
        head=bundle_of().head.zero(count, 4),
    )
    scores = score(bundle, Features(unit(generator.normal(size=(6, 4)).astype(np.float32))))
    for logits, candidates in zip(scores.logits, rank(bundle, scores), strict=True):
        slow = sorted(range(count), key=lambda column, row=logits: -row[column])[:CANDIDATES]
        assert [each.label_id for each in candidates] == [100 + column for column in slow]


def test_texts_are_classified_one_verdict_each():
    words = Words("card lost stolen pin")
    verdicts = classify(bundle_of((1, 2, 3)), words, ["stolen", "card"])
    assert [verdict.label_ids for verdict in verdicts] == [(3,), (1,)]
