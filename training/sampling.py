"""Choose which documents to review next."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]

STRATEGIES: Final = ("margin-kmeans", "margin", "random")


def choose(strategy: str, vectors: Floats, margins: Floats, n: int, *, seed: int) -> Indices:
    """Return positions of *n* documents by the named strategy, most valuable first.

    Raises:
        ValueError: no such strategy.
    """
    if strategy == "margin-kmeans":
        return margin_kmeans(vectors, margins, n, seed=seed)
    if strategy == "margin":
        return smallest_margins(margins, n)
    if strategy == "random":
        return np.random.default_rng(seed).permutation(len(margins))[:n]
    raise ValueError(f"no strategy {strategy!r}: {', '.join(STRATEGIES)}")


def smallest_margins(margins: Floats, n: int) -> Indices:
    """Return the *n* closest calls, *breaking ties* (Luo et al., 2005)."""
    return np.argsort(margins, kind="stable")[:n]


def margin_kmeans(
    vectors: Floats, margins: Floats, n: int, *, seed: int, factor: int = 5, least: int = 500
) -> Indices:
    """Return positions of *n* close calls unlike each other, closest first.

    The factor · n documents of smallest margin (at least *least*) are clustered by k-means into n
    clusters, weighted by 1 - margin; of each cluster the document nearest its centre is taken
    (Zhdanov 2019, https://arxiv.org/abs/1901.05954). With no more documents than n, all are taken.

    Args:
        vectors: unit vectors, (documents, dim).
        margins: (documents,), in [0, 1].
    """
    close = smallest_margins(margins, max(factor * n, least))
    if n <= 0 or len(close) <= n:
        return close[: max(n, 0)]
    points = vectors[close].astype(np.float32)
    if len(np.unique(points, axis=0)) <= n:  # k-means needs more points than clusters
        return close[:n]
    weights = np.clip(1 - margins[close], 1e-6, None)
    clusters = KMeans(n, n_init=1, max_iter=50, random_state=seed).fit(
        points, sample_weight=weights
    )
    distances = clusters.transform(points)  # (close calls, n)
    return close[np.sort(nearest_each(distances))]


def nearest_each(distances: Floats) -> Indices:
    """Return for each column the nearest row that no earlier column took, (columns,)."""
    remaining = distances.astype(np.float64).copy()
    taken = np.empty(distances.shape[1], dtype=np.int64)
    for column in range(distances.shape[1]):
        taken[column] = remaining[:, column].argmin()
        remaining[taken[column]] = np.inf
    return taken
