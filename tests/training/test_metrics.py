import numpy as np
import pytest

from training import metrics

SCORES = np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4], [0.1, 0.6, 0.3], [0.5, 0.4, 0.1]])
TARGETS = np.eye(3, dtype=bool)[[0, 0, 1, 2]]
NOTHING = np.empty((0, 3)), np.empty((0, 3), bool)


def test_recall_counts_documents_with_a_right_label_among_the_first():
    assert metrics.top1(SCORES, TARGETS) == 0.5
    assert metrics.recall_at(1, SCORES, TARGETS) == 0.5
    assert metrics.recall_at(2, SCORES, TARGETS) == 0.75
    assert metrics.recall_at(9, SCORES, TARGETS) == 1


def test_reciprocal_rank_is_one_over_the_place_of_the_first_right_label():
    # Places 1, 2 (of equals the first comes first), 1 and 3.
    expected = (1 + 1 / 2 + 1 + 1 / 3) / 4
    assert metrics.mean_reciprocal_rank(SCORES, TARGETS) == pytest.approx(expected)


def test_document_without_a_right_label_has_no_reciprocal_rank():
    assert metrics.mean_reciprocal_rank(SCORES[:1], np.zeros((1, 3), bool)) == 0


def test_f1_by_hand():
    assigned = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 0]], dtype=bool)
    targets = np.array([[1, 0, 0], [0, 1, 0], [1, 0, 0]], dtype=bool)
    # Label 0: 1 hit, 1 assigned, 2 right. Label 1: 1 hit, 2 assigned, 1 right. Label 2: nowhere.
    assert metrics.micro_f1(assigned, targets) == pytest.approx(2 * 2 / (3 + 3))
    assert metrics.macro_f1(assigned, targets) == pytest.approx((2 / 3 + 2 / 3) / 2)


def test_calibration_error_by_hand():
    # Two bins: [0, ½) holds 0.4 wrong; [½, 1] holds 0.8 right and 0.6 wrong.
    certainties, correct = np.array([0.4, 0.8, 0.6]), np.array([False, True, False])
    expected = (1 / 3) * 0.4 + (2 / 3) * abs(0.7 - 0.5)
    assert metrics.calibration_error(certainties, correct, bins=2) == pytest.approx(expected)


def test_certain_and_right_is_no_calibration_error():
    assert metrics.calibration_error(np.ones(5), np.ones(5, bool)) == 0


def test_precision_is_that_of_accepted_documents_alone():
    accepted, correct = np.array([True, True, False, False]), np.array([True, False, True, True])
    assert metrics.coverage(accepted) == 0.5
    assert metrics.precision(accepted, correct) == 0.5


def test_auroc_is_the_share_of_pairs_in_the_right_order():
    top, fits = np.array([3.0, 1.0, 2.0, 1.0]), np.array([True, True, False, False])
    pairs = [(a > b) + (a == b) / 2 for a in top[fits] for b in top[~fits]]
    assert metrics.out_of_scope_auroc(top, fits) == pytest.approx(np.mean(pairs))


@pytest.mark.parametrize("fits", [True, False])
def test_auroc_needs_both_kinds(fits):
    assert np.isnan(metrics.out_of_scope_auroc(np.arange(3.0), np.full(3, fits)))


def test_what_cannot_be_measured_is_not_a_number():
    for figure in (
        metrics.top1(*NOTHING),
        metrics.recall_at(5, *NOTHING),
        metrics.mean_reciprocal_rank(*NOTHING),
        metrics.micro_f1(NOTHING[1], NOTHING[1]),
        metrics.macro_f1(NOTHING[1], NOTHING[1]),
        metrics.calibration_error(np.empty(0), np.empty(0, bool)),
        metrics.precision(np.zeros(2, bool), np.ones(2, bool)),
    ):
        assert np.isnan(figure)


def test_hierarchical_f1_forgives_a_sibling_half():
    # Leaves 0 and 1 under node 3; leaf 2 under node 4.
    ancestors = np.array([[1, 0, 0, 1, 0], [0, 1, 0, 1, 0], [0, 0, 1, 0, 1]], dtype=bool)
    first, second, third = np.eye(3, dtype=bool)[:, None]  # (1, labels) each
    assert metrics.hierarchical_f1(first, first, ancestors) == 1
    assert metrics.hierarchical_f1(second, first, ancestors) == 0.5
    assert metrics.hierarchical_f1(third, first, ancestors) == 0
    # Both leaves under node 3 right, one given: nodes {0, 3} of {0, 1, 3}, 2·2 / (2 + 3).
    assert metrics.hierarchical_f1(first, first | second, ancestors) == 0.8


def test_confusions_are_counted_by_right_and_given_label():
    targets = np.eye(3, dtype=bool)[[0, 0, 0, 1, 2]]
    given = np.eye(3, dtype=bool)[[1, 1, 2, 1, 0]]
    assert metrics.confusions(given, targets) == [(0, 1, 2), (0, 2, 1), (2, 0, 1)]
    assert metrics.confusions(given, targets, most=1) == [(0, 1, 2)]
    assert metrics.confusions(targets, targets) == []


def test_sibling_confusion_counts_wrong_labels_of_the_same_parent():
    parents = np.array([7, 7, 8])
    siblings = (parents[:, None] == parents) & ~np.eye(3, dtype=bool)
    first, right = np.eye(3)[[1, 0, 2, 0]], np.eye(3, dtype=bool)[[0, 0, 0, 2]]
    assert metrics.sibling_confusion(first, right, siblings) == 0.25


def test_calibration_error_by_chance_is_that_of_true_probabilities():
    # One document of each two: right or wrong by half, so always off by one half.
    assert metrics.calibration_by_chance(np.array([0.5]), seed=0) == pytest.approx(0.5)
    many = np.full(20_000, 0.5)  # the mean of |share - ½| is ½·√(2/π)/√n
    expected = 0.5 * np.sqrt(2 / np.pi) / np.sqrt(20_000)
    assert metrics.calibration_by_chance(many, seed=0) == pytest.approx(expected, rel=0.15)
    assert np.isnan(metrics.calibration_by_chance(np.array([]), seed=0))


def test_difference_pairs_the_documents():
    before, after = np.zeros(400, bool), np.zeros(400, bool)
    before[:100], after[:140] = True, True
    gain = metrics.paired_difference(before, after)
    assert gain.value == pytest.approx(0.1)
    assert 0.05 < gain.low < 0.1 < gain.high < 0.15


def test_a_handful_of_documents_proves_nothing():
    loss = metrics.paired_difference(np.ones(2, bool), np.zeros(2, bool))
    assert loss.low < 0 < loss.high


def test_difference_of_no_documents_is_unmeasured():
    assert np.isnan(metrics.paired_difference(np.empty(0, bool), np.empty(0, bool)).high)
