import math

import numpy as np
import pytest

from training import geometry

EAST, NORTH = [1.0, 0.0], [0.0, 1.0]


def vectors(*rows):
    return np.array(rows, dtype=np.float32)


def test_cosine_is_averaged_over_all_right_labels():
    documents, labels = vectors(EAST, NORTH), vectors(EAST, NORTH)
    targets = np.array([[True, True], [False, True]])

    assert geometry.right_label_cosine(documents, labels, targets) == pytest.approx(2 / 3)


def test_without_right_labels_nothing_is_measured():
    nothing = np.zeros((2, 2), dtype=bool)
    assert math.isnan(
        geometry.right_label_cosine(vectors(EAST, NORTH), vectors(EAST, NORTH), nothing)
    )
    assert math.isnan(geometry.alignment(vectors(EAST, NORTH), nothing, seed=0))
    assert math.isnan(geometry.anisotropy(vectors(EAST), seed=0))
    assert math.isnan(geometry.uniformity(vectors(EAST), seed=0))


def test_a_collapsed_space_is_fully_anisotropic_and_not_uniform():
    same = vectors(*[EAST] * 4)
    assert geometry.anisotropy(same, seed=0) == pytest.approx(1)
    assert geometry.uniformity(same, seed=0) == pytest.approx(0)


def test_opposite_pairs_have_the_uniformity_worked_out_by_hand():
    pair = vectors(EAST, [-1.0, 0.0])
    assert geometry.uniformity(pair, seed=0) == pytest.approx(-8)  # log exp(-2 · 2²)


def test_alignment_is_the_squared_distance_within_a_label():
    documents = vectors(EAST, NORTH, EAST)
    targets = np.array([[True, False], [True, False], [False, True]])
    assert geometry.alignment(documents, targets, seed=0) == pytest.approx(2)


def test_anisotropy_agrees_with_a_slow_loop_over_all_pairs():
    rng = np.random.default_rng(0)
    cloud = rng.normal(size=(60, 8)) + 0.7
    unit = (cloud / np.linalg.norm(cloud, axis=1, keepdims=True)).astype(np.float32)
    slow = np.mean([unit[i] @ unit[j] for i in range(60) for j in range(60) if i != j])

    assert geometry.anisotropy(unit, seed=0) == pytest.approx(slow, abs=0.02)


def test_the_drop_is_what_memorising_costs():
    labels = vectors(EAST, NORTH)
    found = geometry.measure(
        (vectors(EAST, NORTH), np.eye(2, dtype=bool)),
        (vectors(NORTH, EAST), np.eye(2, dtype=bool)),
        labels,
        seed=0,
    )
    assert found.drop == pytest.approx(1)
