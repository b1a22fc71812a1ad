import numpy as np
import pytest

from inference.retrieve import unit
from training import propagation
from training.neighbours import search

RNG = np.random.default_rng(2)


def slow_graph(vectors, neighbours):
    count = len(vectors)
    edges = np.zeros((count, count))
    for row in range(count):
        cosines = [(float(vectors[row] @ vectors[c]), c) for c in range(count) if c != row]
        for cosine, column in sorted(cosines, reverse=True)[:neighbours]:
            edges[row, column] = edges[column, row] = max(0.0, cosine) ** 3
    degrees = edges.sum(axis=1)
    degrees[degrees == 0] = 1
    return edges / np.sqrt(np.outer(degrees, degrees))


def test_graph_is_that_of_a_slow_loop():
    vectors = unit(RNG.normal(size=(30, 6)).astype(np.float32))
    found = propagation.graph(search(vectors, vectors, 5)).toarray()
    np.testing.assert_allclose(found, slow_graph(vectors, 4), atol=1e-5)


def test_spread_is_that_of_a_slow_loop(monkeypatch):
    monkeypatch.setattr(propagation, "STILL", 0.0)
    near = slow_graph(unit(RNG.normal(size=(8, 3)).astype(np.float32)), 3)
    chances = RNG.dirichlet(np.ones(3), size=8).astype(np.float32)
    gold, targets = np.array([0, 5]), np.eye(3, dtype=np.float32)[[2, 0]]
    wanted = chances.astype(float)
    wanted[gold] = targets
    start = wanted.copy()
    for _ in range(20):
        wanted = 0.5 * near @ wanted + 0.5 * start
        wanted[gold] = targets
        wanted = np.array([row / row.sum() for row in wanted])
    found = propagation.propagate(near.astype(np.float32), chances, gold, targets)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    monkeypatch.undo()
    early = propagation.propagate(near.astype(np.float32), chances, gold, targets)
    np.testing.assert_allclose(early, wanted, atol=propagation.STILL)
    assert (early != found).any()  # it did stop early


def test_gold_carries_over_to_what_is_like_it():
    vectors = unit(np.array([[1, 0], [1, 0.1], [0, 1], [0.1, 1]], dtype=np.float32))
    chances = np.full((4, 2), 0.5, np.float32)
    spread = propagation.propagate(
        propagation.graph(search(vectors, vectors, 2)),
        chances,
        np.array([0, 2]),
        np.eye(2, dtype=np.float32),
    )
    assert spread.argmax(axis=1).tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("count", [1, 2])
def test_few_or_unrelated_documents_keep_what_the_head_says(count):
    vectors = np.eye(2, dtype=np.float32)[:count]
    chances = np.array([[0.7, 0.3], [0.2, 0.8]], np.float32)[:count]
    nobody = np.array([], dtype=np.int64)
    spread = propagation.propagate(
        propagation.graph(search(vectors, vectors, count)),
        chances,
        nobody,
        np.empty((0, 2), np.float32),
    )
    np.testing.assert_allclose(spread, chances, atol=1e-6)


def test_silver_is_sharpened_and_trusted_by_its_surest_label():
    labels, trust = propagation.silver(np.array([[0.8, 0.2], [0.5, 0.5]], np.float32))
    high, low = 0.8**1.5, 0.2**1.5
    np.testing.assert_allclose(labels[0], [high / (high + low), low / (high + low)], rtol=1e-5)
    np.testing.assert_allclose(trust, [0.3 * 0.8, 0.3 * 0.5], rtol=1e-6)
