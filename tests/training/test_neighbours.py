import numpy as np
import pytest

from inference.retrieve import unit
from training import neighbours
from training.neighbours import Neighbours, search


def drawn(count, seed=0):
    return unit(np.random.default_rng(seed).normal(size=(count, 8)).astype(np.float32))


@pytest.fixture
def searched(monkeypatch):
    """How many pairs of documents were compared each time."""
    asked = []

    def spied(vectors, wanted, count):
        asked.append(len(vectors) * len(wanted))
        return search(vectors, wanted, count)

    monkeypatch.setattr(neighbours, "search", spied)
    return asked


def assert_same(found, vectors, count):
    wanted = search(vectors, vectors, count)
    np.testing.assert_allclose(found.cosines, wanted.cosines, atol=1e-5)
    told = np.einsum("rd,rnd->rn", vectors, vectors[found.rows])
    np.testing.assert_allclose(found.cosines, told, atol=1e-5)
    assert all(len(set(row)) == count for row in found.rows.tolist())


def test_what_came_and_went_is_followed_and_little_is_looked_up(searched):
    vectors, chance = drawn(300), np.random.default_rng(1)
    near = Neighbours(6)
    assert_same(near.of(vectors), vectors, 6)
    for turn in range(4):
        kept = chance.permutation(len(vectors))[10:]  # ten go, twelve come, all change places
        vectors = np.concatenate([drawn(12, seed=2 + turn), vectors[kept]])
        assert_same(near.of(vectors), vectors, 6)
    assert searched[0] == 300 * 300
    assert 0 < sum(searched[1:]) / 4 < 300 * 150


def test_the_same_documents_in_another_order_are_not_looked_up(searched):
    vectors = drawn(50)
    near = Neighbours(4)
    near.of(vectors)
    assert_same(near.of(vectors[::-1]), vectors[::-1], 4)
    assert searched == [2500]


def test_documents_alike_to_the_last_bit_are_told_apart():
    vectors = drawn(40)
    near = Neighbours(5)
    near.of(np.concatenate([vectors, vectors[:1]]))
    thrice = np.concatenate([vectors[:1], vectors, vectors[:1]])
    assert_same(near.of(thrice), thrice, 5)
    assert_same(near.of(vectors), vectors, 5)


@pytest.mark.parametrize("count", [1, 3])
def test_fewer_documents_than_neighbours(count):
    near = Neighbours(10)
    assert near.of(drawn(count)).rows.shape == (count, count)
    assert_same(near.of(drawn(count + 1)), drawn(count + 1), count + 1)


def test_other_documents_are_looked_up_anew(searched):
    near = Neighbours(4)
    near.of(drawn(50))
    other = drawn(60, seed=9)
    assert_same(near.of(other), other, 4)
    assert searched == [2500, 3600]


def test_what_is_found_does_not_depend_on_what_was_known_before():
    vectors = drawn(200)
    warm = Neighbours(6)
    warm.of(np.concatenate([drawn(15, seed=5), vectors[7:][::-1]]))
    known, anew = warm.of(vectors), Neighbours(6).of(vectors)
    np.testing.assert_array_equal(known.rows, anew.rows)
    np.testing.assert_array_equal(known.cosines, anew.cosines)  # to the last bit
