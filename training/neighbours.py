"""Who is near whom, remembered from one refit to the next."""

from __future__ import annotations

import hashlib
import warnings
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]
Names = dict[tuple[bytes, int], int]

MOST_NEW: Final = 0.1
"""Share of documents that were not there before, beyond which all are looked up anew."""


@dataclass(frozen=True, slots=True, eq=False)
class Neighbourhood:
    """The nearest documents of each, itself among them, unless others are as near.

    cosines, rows: (documents, neighbours), nearest first.
    """

    cosines: Floats
    rows: Rows


class Neighbours:
    """Looks up nearest neighbours, and of documents that it knows only what changed.

    Between two refits some twenty documents of ten thousand come or go. What is found is that of a
    search among all, but for the order of documents that are equally near.

    Args:
        count: of neighbours.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        nobody = Neighbourhood(np.empty((0, 0), np.float32), np.empty((0, 0), np.int64))
        self.last: tuple[Names, Neighbourhood] = {}, nobody

    def of(self, vectors: Floats) -> Neighbourhood:
        """Return the neighbourhood of the documents with these unit vectors, (documents, dim)."""
        vectors = np.ascontiguousarray(vectors)
        names = names_of(vectors)
        count = min(self.count, len(vectors))
        before, known = self.last
        places = np.array([before.get(name, -1) for name in names], dtype=np.int64)
        if (places < 0).sum() > MOST_NEW * len(vectors) or count != known.rows.shape[1]:
            found = search(vectors, vectors, count)
        else:
            found = followed(known, places, vectors)
        self.last = {name: row for row, name in enumerate(names)}, found
        return found


def followed(known: Neighbourhood, places: Rows, vectors: Floats) -> Neighbourhood:
    """Return the neighbourhood of documents that were nearly all *known*.

    Args:
        places: where each document was, (documents,); -1 where it is new.
        vectors: of the documents as they are now.
    """
    old, new = places >= 0, np.flatnonzero(places < 0)
    now = np.full(len(known.rows), -1, dtype=np.int64)  # where each of those known is now
    now[places[old]] = np.flatnonzero(old)
    near = vectors @ vectors[new].T  # (documents, new)
    rows = np.concatenate([now[known.rows[places]], np.broadcast_to(new, near.shape)], axis=1)
    cosines = np.concatenate([known.cosines[places], near], axis=1)
    order = np.argsort(-cosines, axis=1, kind="stable")[:, : known.rows.shape[1]]
    rows, cosines = (np.take_along_axis(each, order, axis=1) for each in (rows, cosines))
    anew = np.flatnonzero((rows < 0).any(axis=1) | ~old)  # somebody near them is gone
    if len(anew):
        found = search(vectors, vectors[anew], rows.shape[1])
        rows[anew], cosines[anew] = found.rows, found.cosines
    return Neighbourhood(cosines, rows)


def search(vectors: Floats, wanted: Floats, count: int) -> Neighbourhood:
    """Return the *count* documents nearest to each of *wanted*, by cosine."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # faiss's SWIG types at import
        import faiss
    index: Any = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return Neighbourhood(*index.search(np.ascontiguousarray(wanted), count))


def names_of(vectors: Floats) -> list[tuple[bytes, int]]:
    """Return a name for each vector: what it holds, and how many before it hold the same."""
    seen: Counter[bytes] = Counter()
    names = []
    for vector in vectors:
        digest = hashlib.blake2b(vector, digest_size=16).digest()
        names.append((digest, seen[digest]))
        seen[digest] += 1
    return names
