import numpy as np
import pytest
from scipy.optimize import approx_fprime

from training.head import Objective, fit, folds


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def corner():
    """Twelve documents around three of four labels, in six dimensions, float64."""
    rng = np.random.default_rng(3)
    labels = unit(rng.normal(size=(4, 6)))
    which = np.arange(12) % 3
    vectors = unit(labels[which] + 0.4 * rng.normal(size=(12, 6)))
    return vectors, np.eye(4, dtype=bool)[which], labels


OVERLAPS = np.zeros((4, 4), dtype=bool)
OVERLAPS[0, 1] = OVERLAPS[1, 0] = True


@pytest.mark.parametrize("kind", ["single", "multi"])
@pytest.mark.parametrize("overlaps", [None, OVERLAPS], ids=["apart", "overlapping"])
def test_gradient_is_that_of_finite_differences(corner, kind, overlaps):
    vectors, targets, labels = corner
    weights = np.linspace(0.2, 1.5, len(vectors))
    objective = Objective(
        vectors, targets, labels, kind=kind, overlaps=overlaps, weights=weights, offset=2.0
    )
    point = np.random.default_rng(0).normal(scale=0.1, size=4 * 6 + 4)

    numeric = approx_fprime(point, lambda at: objective(at)[0], 1e-6)

    np.testing.assert_allclose(objective(point)[1], numeric, rtol=1e-4, atol=1e-4)


def test_loss_of_the_untaught_head_is_worked_out_by_hand():
    # One document on label 0 of two orthogonal labels, scale 1: logits 1 and 0.
    objective = Objective(
        np.eye(2)[:1], np.eye(2, dtype=bool)[:1], np.eye(2), kind="single", scale=1
    )
    loss, _ = objective(np.zeros(6))
    assert loss == pytest.approx(np.log(1 + np.exp(-1)))


def test_prior_costs_ridge_times_scale_and_half_the_squared_bias():
    nothing = Objective(np.empty((0, 2)), np.empty((0, 2), bool), np.eye(2), kind="multi", scale=20)
    loss, _ = nothing(np.array([1.0, 0, 0, 2.0, 3.0, 0]))
    assert loss == pytest.approx(0.3 * 20 * (1 + 4) + 0.5 * 9)


def test_slow_loop_over_documents_gives_the_same_loss(corner):
    vectors, targets, labels = corner
    delta, bias = np.full((4, 6), 0.05), np.array([0.1, -0.2, 0.3, 0.0])
    slow = 0.3 * 20 * (delta**2).sum() + 0.5 * (bias**2).sum()
    for vector, right in zip(vectors, targets, strict=True):
        logits = [20 * vector @ (labels[k] + delta[k]) + bias[k] for k in range(4)]
        slow += np.log(sum(np.exp(logit) for logit in logits)) - logits[right.argmax()]

    objective = Objective(vectors, targets, labels, kind="single")

    assert objective(np.concatenate([delta.ravel(), bias]))[0] == pytest.approx(slow)


def test_no_gold_gives_the_head_that_has_learnt_nothing():
    labels = np.eye(3, dtype=np.float32)
    head = fit(np.empty((0, 3), np.float32), np.empty((0, 3), bool), labels, kind="single")
    assert not head.delta.any()
    assert not head.bias.any()


def test_one_document_draws_its_label_towards_it_and_leaves_strangers_nearly_alone():
    labels = np.eye(4, dtype=np.float32)
    document = unit(np.array([[1, 1, 0, 0]], dtype=np.float32))
    head = fit(document, np.array([[True, False, False, False]]), labels, kind="single")

    logits = head.logits(document, labels)[0]
    assert logits[0] > logits[1] > logits[2]
    assert np.abs(head.delta[3]).max() < 1e-3


def test_gold_that_fits_nothing_teaches_a_single_label_head_nothing(corner):
    vectors, targets, labels = (part.astype(np.float32) for part in corner)
    targets = targets.astype(bool)
    nothing = np.zeros((2, 4), dtype=bool)

    with_it = fit(
        np.vstack([vectors, vectors[:2]]), np.vstack([targets, nothing]), labels, kind="single"
    )

    np.testing.assert_allclose(with_it.delta, fit(vectors, targets, labels, kind="single").delta)


def test_gold_that_fits_nothing_pushes_all_labels_of_a_multi_label_head_away():
    labels = np.eye(3, dtype=np.float32)
    head = fit(labels[:1], np.zeros((1, 3), bool), labels, kind="multi", offset=10)
    assert head.logits(labels[:1], labels)[0, 0] < 20


def test_overlapping_label_is_no_negative():
    labels = np.eye(2, dtype=np.float32)
    both = ~np.eye(2, dtype=bool)
    document = unit(np.array([[1, 1]], dtype=np.float32))
    head = fit(document, np.array([[True, False]]), labels, kind="single", overlaps=both)
    assert not head.delta.any()  # nothing is left to tell apart


def test_document_of_weight_two_counts_as_two(corner):
    vectors, targets, labels = corner
    twice = fit(
        np.vstack([vectors, vectors[:1]]), np.vstack([targets, targets[:1]]), labels, kind="single"
    )
    weights = np.ones(len(vectors))
    weights[0] = 2

    weighted = fit(vectors, targets, labels, kind="single", weights=weights)

    np.testing.assert_allclose(weighted.delta, twice.delta, atol=2e-3)


def test_targets_of_other_labels_are_refused():
    with pytest.raises(ValueError, match="targets"):
        fit(np.eye(2), np.ones((2, 3), bool), np.eye(2), kind="single")


def test_folds_are_of_like_size_and_spread_each_label():
    targets = np.eye(3, dtype=bool)[np.repeat([0, 1, 2], 8)]
    fold = folds(targets, 4, seed=1)
    assert np.bincount(fold).tolist() == [6, 6, 6, 6]
    for label in range(3):
        assert np.bincount(fold[targets[:, label]], minlength=4).tolist() == [2, 2, 2, 2]


def test_a_thread_falls_into_one_fold_and_single_documents_as_before():
    targets = np.eye(4, dtype=bool)[np.arange(80) % 4]
    threads = np.arange(80)
    assert (folds(targets, 4, 1, threads) == folds(targets, 4, 1)).all()
    threads[40:60] = 40
    fold = folds(targets, 4, 1, threads)
    assert len(set(fold[40:60])) == 1
    assert set(fold) == {0, 1, 2, 3}
