"""Texts to counts of their words and pairs of words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

Counts = Any
"""A scipy.sparse.csr_matrix of float32, (documents, SPACE): how often each term occurs."""

EDITION: Final = 2
"""Counts the ways terms were ever made; counts made under another edition are not reused."""

SPACE: Final = 2**31 - 1
"""Terms are named by a hash below this, so that no vocabulary has to be known before texts are
counted (Weinberger et al., 2009, https://arxiv.org/abs/0902.2206). Of 100,000 terms about two
share a name."""

PACKED: Final = np.dtype([("term", "<u4"), ("count", "<u2")])


def count_terms(texts: Sequence[str]) -> Counts:
    """Return how often each word of two letters or more, and each pair of neighbours, occurs.

    Case does not matter. Rows are as *texts*, (texts, SPACE), float32.
    """
    if not texts:
        return unpack([])
    return _counter().transform(texts)


@cache
def _counter() -> Any:
    from sklearn.feature_extraction.text import HashingVectorizer  # a second to import

    return HashingVectorizer(
        n_features=SPACE,
        ngram_range=(1, 2),
        alternate_sign=False,
        norm=None,
        dtype=np.float32,
    )


def pack(counts: Counts) -> list[bytes]:
    """Return each row as bytes, six for each of its terms; a count above 65,535 is that."""
    packed = np.empty(counts.nnz, dtype=PACKED)
    packed["term"] = counts.indices
    packed["count"] = np.minimum(counts.data, np.iinfo(np.uint16).max)
    bounds = counts.indptr.tolist()
    return [packed[a:b].tobytes() for a, b in pairwise(bounds)]


def unpack(rows: Sequence[bytes]) -> Counts:
    """Return what `pack` made into bytes, (rows, SPACE)."""
    sizes = np.array([len(row) // PACKED.itemsize for row in rows], dtype=np.int64)
    packed = np.frombuffer(b"".join(rows), dtype=PACKED)
    indptr = np.concatenate([[0], sizes.cumsum()])
    content = (packed["count"].astype(np.float32), packed["term"].astype(np.int32), indptr)
    return csr_matrix(content, shape=(len(rows), SPACE))


def frequencies(counts: Counts) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the terms that occur, ascending, and in how many rows each does."""
    return np.unique(counts.indices, return_counts=True)
