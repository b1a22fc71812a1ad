import numpy as np
import pytest

from inference.nearest import Nearest

DIM = 16


def unit(count, seed):
    """Return vectors around a few centres, as texts about a few topics have them."""
    chance = np.random.default_rng(seed)
    centres = chance.normal(size=(8, DIM))
    rows = centres[chance.integers(8, size=count)] + 0.4 * chance.normal(size=(count, DIM))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def by_hand(ids, vectors, query, k):
    """The slow obvious way: every cosine, sorted."""
    cosines = [(float(np.dot(row, query)), int(id_)) for id_, row in zip(ids, vectors, strict=True)]
    return [id_ for _, id_ in sorted(cosines, reverse=True)[:k]]


@pytest.fixture
def ids():
    return np.arange(300) * 7 + 1


def test_a_few_are_searched_exactly(ids):
    vectors, queries = unit(300, 0), unit(5, 1)
    known = Nearest(DIM)
    known.add(ids[:200], vectors[:200])
    known.add(ids[200:], vectors[200:])
    found, cosines = known.search(queries, 10)
    for row, query in zip(found, queries, strict=True):
        assert row.tolist() == by_hand(ids, vectors, query, 10)
    assert (np.diff(cosines, axis=1) <= 0).all()


def test_many_are_searched_by_clusters_and_most_of_the_nearest_are_found():
    ids, vectors, queries = np.arange(4_000) * 7 + 1, unit(4_000, 0), unit(40, 1)
    known = Nearest(DIM, exact_up_to=2_000)
    for start in range(0, 4_000, 500):
        known.add(ids[start : start + 500], vectors[start : start + 500])
    assert known.clusters is not None
    found, cosines = known.search(queries, 10)
    right = [
        len(set(row) & set(by_hand(ids, vectors, query, 10)))
        for row, query in zip(found.tolist(), queries, strict=True)
    ]
    assert np.mean(right) > 9
    places = np.searchsorted(ids, found)
    np.testing.assert_allclose(
        cosines, np.einsum("qd,qkd->qk", queries, vectors[places]), atol=0.02
    )


def test_clusters_are_found_anew_when_there_are_many_more(ids):
    vectors = unit(300, 0)
    known = Nearest(DIM, exact_up_to=20)
    known.add(ids[:21], vectors[:21])
    first = known.clusters
    known.add(ids[21:], vectors[21:])
    assert known.clusters is not first
    assert len(known) == known.clusters.ntotal == 300
    found, _ = known.search(vectors[250:251], 1)
    assert found.tolist() == [[ids[250]]]


def test_there_are_no_more_neighbours_than_vectors():
    known = Nearest(DIM)
    assert known.search(unit(2, 0), 5)[0].shape == (2, 0)
    known.add(np.array([4, 9]), unit(2, 0))
    assert known.search(unit(3, 1), 5)[0].shape == (3, 2)
