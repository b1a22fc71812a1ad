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
READ_AT_ONCE: Final = 50_000  # vectors that move to new clusters together: 77 MB


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
        count = 4 * round(len(self) ** 0.5)
        library = faiss()
        made = library.IndexIVFScalarQuantizer(
            library.IndexFlatIP(self.dim),
            self.dim,
            count,
            library.ScalarQuantizer.QT_8bit,
            library.METRIC_INNER_PRODUCT,
        )
        chance = np.random.default_rng(0)
        made.train(self._read(chance.permutation(len(self))[: TO_A_CLUSTER * count]))
        made.make_direct_map()  # so that vectors can be read back
        for start in range(0, len(self), READ_AT_ONCE):
            made.add(self._read(np.arange(start, min(start + READ_AT_ONCE, len(self)))))
        made.nprobe = min(count, LOOKED_INTO)
        self.clusters, self.room = made, GROWTH * len(self)
        self.vectors = np.empty((0, self.dim), np.float32)

    def _read(self, rows: Ids) -> Embeddings:
        """Return the vectors at *rows*; of 8 bits each they are good enough for clusters anew."""
        if self.clusters is None:
            return np.ascontiguousarray(self.vectors[rows])
        read: Embeddings = self.clusters.reconstruct_batch(rows)
        return read
