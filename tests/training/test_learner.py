from dataclasses import replace

import numpy as np
import pytest

from inference.features import Features
from inference.retrieve import unit
from inference.terms import count_terms
from tests.training.test_teaching import DIM, LABELS, untaught
from training.head import fit, folds
from training.learner import FEW_STEPS, Channels, Learner, choose_weights
from training.lexical import regression
from training.teaching import Lesson, teach

NO_OVERLAPS = np.zeros((LABELS, LABELS), dtype=bool)
WORDS = ["apple pie", "brown bread", "cold cream", "dark drink", "early egg"]


def mails(count, seed, *, told=0.25, words=True):
    """Documents whose vectors say little of their label and whose words say nearly all."""
    rng = np.random.default_rng(seed)
    which = rng.integers(LABELS, size=count)
    vectors = told * np.eye(LABELS, DIM)[which] + rng.normal(size=(count, DIM)) / DIM**0.5 / 2
    texts = [f"{WORDS[label]} and {rng.integers(30)} more" for label in which]
    counts = count_terms(texts) if words else None
    return Features(unit(vectors.astype(np.float32)), counts), np.eye(LABELS, dtype=bool)[which]


def lesson(count=150, seed=0, words=True, **changes):
    gold, targets = mails(count, seed, words=words)
    pool, _ = mails(300, 77, words=words)
    return replace(Lesson(gold, targets, NO_OVERLAPS, pool, pool, 0.9), **changes)


def top1(bundle, features, targets):
    return targets[np.arange(len(targets)), bundle.logits(features).argmax(axis=1)].mean()


@pytest.mark.parametrize("kind", ["single", "multi"])
def test_words_that_tell_more_than_vectors_are_read(kind):
    taught = teach(untaught(kind), lesson(), default_offset=7.0)
    features, targets = mails(500, 5)
    assert taught.metrics["words_weight"] > 0
    assert top1(taught.bundle, features, targets) > 0.95
    assert top1(replace(taught.bundle, lexical=None), features, targets) < 0.85


@pytest.mark.parametrize("kind", ["single", "multi"])
def test_words_that_tell_nothing_are_not_read(kind):
    some = lesson()
    noise = count_terms([f"word{n % 7} word{n % 3}" for n in range(150)])
    vectors = unit(some.targets @ np.eye(LABELS, DIM, dtype=np.float32) + 0.1)
    taught = teach(untaught(kind), replace(some, gold=Features(vectors, noise)), default_offset=7.0)
    assert taught.bundle.lexical is None
    assert taught.metrics["words_weight"] == 0


def test_without_counts_there_is_no_lexical_channel():
    assert teach(untaught(), lesson(words=False)).bundle.lexical is None


def test_open_documents_carry_the_words_over():
    """Words that stand in no gold document, but in open ones whose vectors are near gold."""
    rng = np.random.default_rng(3)
    which = np.arange(200) % LABELS
    clear = unit((np.eye(LABELS, DIM)[which] + rng.normal(size=(200, DIM)) / 15).astype("f4"))
    gold = Features(clear[:50], count_terms(["gold says nothing"] * 50))
    pool = Features(clear[50:], count_terms([WORDS[label] for label in which[50:]]))
    targets = np.eye(LABELS, dtype=bool)[which[:50]]
    learner = Learner(untaught(), gold, targets, NO_OVERLAPS, pool)
    _, weights = learner.learn()
    said = learner.lexical(weights, (1.0,)).logits(count_terms(WORDS))
    assert said.argmax(axis=1).tolist() == list(range(LABELS))


def test_out_of_fold_dense_logits_come_from_a_head_that_never_saw_the_document():
    some = lesson(60)
    bundle = untaught()
    learner = Learner(bundle, some.gold, some.targets, NO_OVERLAPS, some.pool)
    channels, fold = learner.out_of_fold(seed=5, count=3), folds(some.targets, 3, seed=5)
    for held in range(3):
        mine = fold == held
        head = fit(
            some.gold.vectors[~mine], some.targets[~mine], bundle.label_vectors, kind="single"
        )
        wanted = head.logits(some.gold.vectors[mine], bundle.label_vectors)
        np.testing.assert_allclose(channels.dense[mine], wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("kind", "self_trains"), [("single", False), ("single", True), ("multi", False)]
)
def test_what_a_document_is_told_does_not_depend_on_its_own_label(kind, self_trains):
    some = lesson(60)
    fold = folds(some.targets, 4, seed=5)
    first = np.flatnonzero(fold == fold[0])

    def said(targets):
        learner = Learner(
            untaught(kind), some.gold, targets, NO_OVERLAPS, some.pool, self_trains=self_trains
        )
        head, weights = learner.learn(fold != fold[0])
        dense = head.logits(some.gold.vectors[first], learner.bundle.label_vectors)
        return np.stack([dense, *(learner.tfidf[first] @ each for each in weights)])

    changed = some.targets.copy()
    changed[first] = np.roll(changed[first], 1, axis=1)
    np.testing.assert_allclose(said(some.targets), said(changed), atol=1e-5)


def test_open_documents_near_gold_teach_a_head_that_trains_itself():
    """Gold of each label lies on one side; open documents lead from it to the other."""
    rng = np.random.default_rng(4)
    which, turn = np.arange(300) % LABELS, np.linspace(0, 1, 300)[:, None]
    begin, end = np.eye(LABELS, DIM)[which], np.roll(np.eye(DIM), LABELS, axis=1)[which]
    around = unit(((1 - turn) * begin + turn * end + rng.normal(size=(300, DIM)) / 50).astype("f4"))
    targets = np.eye(LABELS, dtype=bool)[which[:20]]
    gold, pool = Features(around[:20], None), Features(around[20:], None)

    def told(*, self_trains):
        learner = Learner(untaught(), gold, targets, NO_OVERLAPS, pool, self_trains=self_trains)
        logits = learner.learn()[0].logits(around[250:], untaught().label_vectors)
        return (logits.argmax(axis=1) == which[250:]).mean()

    assert told(self_trains=True) > told(self_trains=False)


def test_single_gold_document_is_judged_by_the_label_texts_alone():
    gold = Features(np.eye(1, DIM, dtype=np.float32), count_terms(["pin"]))
    nobody = Features(np.empty((0, DIM), np.float32), count_terms([]))
    learner = Learner(untaught(), gold, np.eye(1, LABELS, dtype=bool), NO_OVERLAPS, nobody)
    np.testing.assert_allclose(learner.out_of_fold(seed=0).dense, [[20, 0, 0, 0, 0]], atol=1e-5)


def test_gold_that_fits_nothing_teaches_no_words():
    some = lesson(40)
    nothing = np.zeros_like(some.targets)
    learner = Learner(untaught(), some.gold, nothing, NO_OVERLAPS, some.gold.take(np.arange(0)))
    _, words = learner.learn()
    assert not words[0].any()


def test_weight_of_words_that_mislead_is_zero():
    targets = np.eye(3, dtype=bool)[np.arange(60) % 3]
    dense = 5 * targets.astype(np.float32)
    against = Channels(dense, (-3 * targets.astype(np.float32),))
    assert choose_weights(against, targets, multi=False, offset=0) == (0,)


def test_weight_of_words_that_decide_what_vectors_cannot_is_not():
    targets = np.eye(3, dtype=bool)[np.arange(90) % 3]
    rng = np.random.default_rng(1)
    dense = rng.normal(size=targets.shape).astype(np.float32)
    words = (targets + 0.4 * rng.normal(size=targets.shape)).astype(np.float32) * 3
    [weight] = choose_weights(Channels(dense, (words,)), targets, multi=False, offset=0)
    assert weight >= 0.6


def test_second_kind_of_words_weighs_what_it_adds_and_nothing_where_it_misleads():
    targets = np.eye(3, dtype=bool)[np.arange(90) % 3]
    rng = np.random.default_rng(1)
    dense, first = (rng.normal(size=targets.shape).astype(np.float32) for _ in range(2))
    helps = (targets + 0.4 * rng.normal(size=targets.shape)).astype(np.float32) * 3
    for second, wanted in ((helps, True), (-helps, False)):
        weights = choose_weights(Channels(dense, (first, second)), targets, multi=False, offset=0)
        assert (weights[1] > 0) == wanted


def test_with_plenty_of_gold_words_are_learnt_from_gold_alone_too(monkeypatch):
    some = lesson(60)
    learner = Learner(untaught(), some.gold, some.targets, NO_OVERLAPS, some.pool)
    assert len(learner.learn()[1]) == 1
    monkeypatch.setattr("training.learner.PLENTY", 60)
    _, (ratio, few) = learner.learn()
    known = learner.tfidf[:60]
    np.testing.assert_allclose(
        few, regression(known, some.targets, NO_OVERLAPS, iterations=FEW_STEPS), atol=1e-5
    )
    both = learner.lexical((ratio, few), (0.5, 2.0)).weights
    np.testing.assert_allclose(both, 0.5 * ratio + 2 * few, rtol=2e-3, atol=1e-3)
    assert len(learner.out_of_fold(seed=0).words) == 2
    # Weights chosen on less gold, which had learnt one kind only.
    alone = learner.lexical((ratio, few), (0.5,)).weights
    np.testing.assert_allclose(alone, 0.5 * ratio, rtol=2e-3, atol=1e-3)


def test_weight_without_gold_is_zero():
    nothing = np.zeros((0, 3), np.float32)
    told = Channels(nothing, (nothing,))
    assert choose_weights(told, nothing > 0, multi=False, offset=0) == (0,)
