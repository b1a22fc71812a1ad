"""Search among any number of vectors, that more are added to, for those nearest to another."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from inference.retrieve import Embeddings, faiss, top

Ids = NDArray[np.int64]

EXACT_UP_TO: Final = 50_000
"""Vectors up to which all similarities are computed: 77 MB of 384 numbers each. Beyond, they are
kept in 8 bits by clusters; benchmarks/nearest.py measures both."""

GROWTH: Final = 4
"""Times as many vectors as when the clusters were found; then they are found anew."""

TO_A_CLUSTER: Final = 40  # vectors the clusters are found by, of each
LOOKED_INTO: Final = 32  # clusters a search looks into


class Nearest:
    """Unit vectors by id.

    Up to EXACT_UP_TO a search is exact; beyond it may miss some. Not to be shared by threads.

    Args:
        dim: numbers in a vector.
        exact_up_to: as EXACT_UP_TO.
    """

    def __init__(self, dim: int, exact_up_to: int = EXACT_UP_TO) -> None:
        self.dim, self.exact_up_to = dim, exact_up_to
        self.ids: Ids = np.empty(0, np.int64)
        self.vectors: Embeddings = np.empty((0, dim), np.float32)  # none once there are clusters
        self.clusters: Any = None
        self.room = exact_up_to  # vectors the clusters are meant for

    def __len__(self) -> int:
        return len(self.ids)

    def add(self, ids: Ids, vectors: Embeddings) -> None:
        """Add *vectors*, (ids, dim), float32, unit, of ids that are not there yet."""
        self.ids = np.concatenate([self.ids, ids])
        if self.clusters is None:
            self.vectors = np.concatenate([self.vectors, vectors])
        else:
            self.clusters.add(np.ascontiguousarray(vectors))
        if len(self) > self.room:
            self._cluster()

    def search(self, queries: Embeddings, k: int) -> tuple[Ids, Embeddings]:
        """Return ids and cosines of the *k* nearest of each query, nearest first.

        Args:
            queries: unit vectors, (queries, dim), float32.

        Returns:
            Both (queries, k), or fewer columns where there are fewer vectors. An id of -1, with a
            cosine of -1, stands where a search among clusters found fewer.
        """
        k = min(k, len(self))
        if self.clusters is None:
            similarities = queries @ self.vectors.T  # (queries, ids)
            rows = top(similarities, k)
            return self.ids[rows], np.take_along_axis(similarities, rows, axis=1)
        found, rows = self.clusters.search(np.ascontiguousarray(queries), k)
        known = rows >= 0
        return np.where(known, self.ids[rows], -1), np.where(known, found, -1.0)

    def _cluster(self) -> None:
        """Keep all vectors by clusters, each number in 8 bits."""
        vectors = self.vectors
        if self.clusters is not None:  # of 8 bits each: good enough to find clusters by
            vectors = self.clusters.reconstruct_n(0, self.clusters.ntotal)
        count = 4 * round(len(vectors) ** 0.5)
        library = faiss()
        made = library.IndexIVFScalarQuantizer(
            library.IndexFlatIP(self.dim),
            self.dim,
            count,
            library.ScalarQuantizer.QT_8bit,
            library.METRIC_INNER_PRODUCT,
        )
        sample = np.random.default_rng(0).permutation(len(vectors))[: TO_A_CLUSTER * count]
        made.train(np.ascontiguousarray(vectors[sample]))
        made.make_direct_map()  # so that vectors can be read back
        made.add(np.ascontiguousarray(vectors))
        made.nprobe = min(count, LOOKED_INTO)
        self.clusters, self.room = made, GROWTH * len(vectors)
        self.vectors = np.empty((0, self.dim), np.float32)
