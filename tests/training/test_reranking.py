"""What a cross-encoder learns from, and how its word joins the head's."""

import numpy as np
import pytest

from inference.buckets import NEVER
from inference.calibrate import sigmoid
from inference.rerank import Candidates
from training import reranking
from training.acceptance import Judged
from training.examples import relations

NONE = np.zeros((4, 4), dtype=bool)
NOTHING_SAID = (1, 0, 0)


def right(*columns, labels=4):
    return np.eye(labels, dtype=bool)[list(columns)]


def told(found):
    return [(row, columns.tolist()) for row, columns in found]


def test_lists_hold_the_right_label_first_then_the_best_scored_wrong_ones():
    logits = np.array([[9, 1, 2, 3], [9, 1, 8, 2], [1, 2, 3, 9]], dtype=np.float32)
    found = reranking.lists(logits, right(0, 0, 0), NONE, right(0, 0, 0) & False, size=3)
    # Closest calls first: right labels that lead by one, lead by six, and lag by eight.
    assert told(found) == [(1, [0, 2, 3]), (0, [0, 3, 2]), (2, [0, 3, 2])]


def test_what_people_ruled_out_comes_before_better_scored_labels():
    logits = np.array([[9, 1, 8, 7]], dtype=np.float32)
    ruled_out = np.array([[False, True, False, False]])
    assert told(reranking.lists(logits, right(0), NONE, ruled_out, size=2)) == [(0, [0, 1])]


def test_overlaps_and_documents_with_no_or_several_labels_are_left_out():
    overlaps = NONE.copy()
    overlaps[0, 2] = overlaps[2, 0] = True
    targets = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0]], dtype=bool)
    logits = np.tile(np.array([4, 3, 9, 1], dtype=np.float32), (3, 1))
    found = reranking.lists(logits, targets, overlaps, targets & False, size=3)
    assert told(found) == [(0, [0, 1, 3])]


def test_a_label_with_many_overlaps_has_a_shorter_list_and_one_that_overlaps_all_has_none():
    overlaps = NONE.copy()
    overlaps[0, 1:] = overlaps[1:, 0] = True
    overlaps[1, 2] = overlaps[2, 1] = True
    logits = np.tile(np.array([4, 3, 2, 1], dtype=np.float32), (2, 1))
    found = reranking.lists(logits, right(0, 1), overlaps, right(0, 1) & False, size=4)
    assert told(found) == [(1, [1, 3])]


def test_with_several_labels_those_nearest_to_even_are_listed_and_what_was_ruled_out_first():
    logits = np.array([[9, 1, 5, 6.5], [5.5, 4, 9, 2], [0, 0, 0, 0.5]], dtype=np.float32)
    targets = np.array([[1, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0]], dtype=bool)
    ruled_out = np.array([[0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]], dtype=bool)
    found = reranking.lists_of_open(logits, targets, NONE, ruled_out, offset=5.0, size=2)
    # None or half a logit lies between the labels and even; the third document is clear.
    assert told(found) == [(0, [2, 3]), (1, [3, 0]), (2, [3, 0])]


def test_with_several_labels_one_that_overlaps_a_right_one_is_neither_right_nor_wrong():
    overlaps = NONE.copy()
    overlaps[0, 2] = overlaps[2, 0] = overlaps[0, 1] = overlaps[1, 0] = True
    targets = np.array([[1, 1, 0, 0], [1, 0, 0, 0]], dtype=bool)
    logits = np.zeros((2, 4), dtype=np.float32)
    found = reranking.lists_of_open(logits, targets, overlaps, targets & False, offset=0.0, size=4)
    assert told(found) == [(0, [0, 1, 3]), (1, [0, 3])]


def test_the_right_label_of_a_document_is_listed_though_it_overlaps_all_others():
    everything = np.ones((2, 2), dtype=bool)
    targets = np.array([[1, 0]], dtype=bool)
    logits = np.zeros((1, 2), dtype=np.float32)
    found = reranking.lists_of_open(
        logits, targets, everything & ~np.eye(2, dtype=bool), targets & False, offset=0.0, size=4
    )
    assert told(found) == [(0, [0])]


def test_least_doubt_takes_in_as_many_mistaken_labels_as_promised():
    chances = np.linspace(0, 1, 400, dtype=np.float32)[:, None]
    given = chances >= 0.5
    cut = reranking.least_doubt(chances, ~given, given, covered=0.95)
    doubt = np.sort(np.minimum(chances, 1 - chances)[:, 0])
    assert cut == doubt[19]  # every one is mistaken; of 401 twenty may be missed
    nothing = reranking.least_doubt(chances, given, given)
    assert nothing == reranking.WORTH_A_LOOK


def test_in_a_tree_a_sibling_is_less_wrong_than_another():
    tree = relations([1, 2, 3], {1: 8, 2: 8, 3: 9, 8: None, 9: None}, {})
    flat = relations([1, 2, 3], {1: None, 2: None, 3: None}, {})
    columns = np.array([0, 1, 2])
    np.testing.assert_allclose(
        reranking.shares(columns, tree), np.array([1, 0.1, 0.01]) / 1.11, rtol=1e-6
    )
    np.testing.assert_allclose(reranking.shares(columns, flat), [1, 0, 0])


def test_least_candidate_misses_as_few_as_promised():
    """Of documents drawn alike, 95 % have their right label in the set, and hardly more."""
    rng = np.random.default_rng(0)
    chances = rng.random((40_000, 1)).astype(np.float32)
    known, others = chances[:199], chances[199:]
    every = np.ones(199, dtype=bool)
    cut = reranking.least_candidate(known, every[:, None], every, covered=0.95)
    assert cut == np.sort(known[:, 0])[9]  # the tenth smallest of 199: 10 of 200 may be missed
    assert 0.9 < (others >= cut).mean() < 0.99


def test_too_few_documents_make_every_label_a_candidate_that_may_win():
    chances = np.full((50, 3), 1 / 3, dtype=np.float32)
    targets = np.eye(3, dtype=bool)[np.arange(50) % 3]
    found = reranking.least_candidate(chances, targets, np.ones(50, dtype=bool))
    assert found == reranking.WORTH_A_LOOK


def test_what_is_accepted_at_first_sight_leaves_more_room_for_close_calls():
    chances = np.linspace(0, 1, 199, dtype=np.float32)[:, None]
    right, close = np.ones((199, 1), dtype=bool), np.arange(199) % 10 == 0
    cut = reranking.least_candidate(chances, right, close, covered=0.95)
    assert cut == chances[close][9, 0]  # ten of all may be missed: half of the twenty close calls


def read_of(logits, probabilities):
    rows = np.arange(len(logits))
    columns = tuple(np.arange(probabilities.shape[1]) for _ in rows)
    return Candidates(rows, columns, tuple(np.asarray(logits, dtype=np.float32)))


def test_weights_follow_who_is_right():
    rng = np.random.default_rng(1)
    targets = np.eye(3, dtype=bool)[rng.integers(3, size=400)]
    even = np.full((400, 3), 1 / 3, dtype=np.float32)
    telling = np.where(targets, 2.0, 0.0) + rng.normal(size=(400, 3))
    first, second = reranking.fit_combination(read_of(telling, even), even, targets)[:2]
    # Normal noise of width 1 around means 0 and 2: the log-odds of a logit are twice its value.
    assert second == pytest.approx(2.0, abs=0.35)
    assert first == pytest.approx(1.0, abs=0.01)  # of equal chances nothing is learnt


def test_a_reader_that_says_nothing_weighs_nothing():
    rng = np.random.default_rng(2)
    targets = np.eye(3, dtype=bool)[rng.integers(3, size=400)]
    chances = np.where(targets, 0.6, 0.2).astype(np.float32)
    noise = rng.normal(size=(400, 3))
    assert reranking.fit_combination(read_of(noise, chances), chances, targets).second < 0.15


def test_without_a_right_label_among_the_candidates_the_first_look_stands():
    chances = np.full((1, 3), 1 / 3, dtype=np.float32)
    read = read_of(np.zeros((1, 3)), chances)
    assert reranking.fit_combination(read, chances, np.zeros((1, 3), bool)) == NOTHING_SAID


def test_a_reading_that_is_no_number_is_passed_over():
    rng = np.random.default_rng(4)
    targets = np.eye(3, dtype=bool)[rng.integers(3, size=100)]
    even = np.full((100, 3), 1 / 3, dtype=np.float32)
    said = np.where(targets, 2.0, 0.0) + rng.normal(size=(100, 3))
    for fit in (reranking.fit_combination, reranking.fit_odds):
        known = fit(read_of(said[1:], even[1:]), even[1:], targets[1:])
        broken = fit(read_of([[np.nan] * 3, *said[1:]], even), even, targets)
        assert broken == pytest.approx(known)


def test_with_several_labels_weights_are_those_of_a_logistic_regression():
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(3)
    targets = rng.random((4000, 3)) < 0.2
    first = (np.where(targets, 0.5, -1.5) + rng.normal(size=(4000, 3))).astype(np.float32)
    said = np.where(targets, 1.0, -1.0) + rng.normal(size=(4000, 3))
    found = reranking.fit_odds(read_of(said, first), sigmoid(first), targets)
    features = np.stack([first.ravel(), said.ravel()], axis=1)
    free = LogisticRegression(C=1e6).fit(features, targets.ravel())
    wanted = [*free.coef_[0], free.intercept_[0]]
    np.testing.assert_allclose(found, wanted, atol=0.05)  # few bits of a prior


def test_with_several_labels_what_both_looks_know_of_how_rare_labels_are_counts_once():
    """Two independent looks, each calibrated where a tenth of the labels is right."""
    rng = np.random.default_rng(5)
    rare, odds = np.log(0.1 / 0.9), 2.0
    targets = rng.random((20_000, 2)) < 0.1
    first, said = (
        odds * (np.where(targets, odds, 0.0) - odds / 2 + rng.normal(size=targets.shape)) + rare
        for _ in range(2)
    )
    found = reranking.fit_odds(read_of(said, first), sigmoid(first), targets)
    assert found == pytest.approx((1, 1, -rare), abs=0.1)


def test_with_several_labels_and_nothing_read_the_first_look_stands():
    nothing = np.zeros((3, 2), dtype=bool)
    read = Candidates(np.array([], dtype=np.int64), ())
    found = reranking.fit_odds(read, np.full((3, 2), 0.5, np.float32), nothing)
    assert found == NOTHING_SAID


def test_second_looks_are_accepted_only_where_counting_proves_it():
    sure = np.linspace(0.5, 1, 300).astype(np.float32)
    threads = np.arange(300)
    known = Judged(sure, sure > 0.6, threads)
    assert reranking.accept(known, promise=0.98) > 0.59
    few = Judged(sure[:50], sure[:50] > 0, threads[:50])
    assert reranking.accept(few, promise=0.98) == NEVER
    none = Judged(sure[:0], sure[:0] > 0, threads[:0])
    assert reranking.accept(none, promise=0.98) == NEVER
