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


AT_ONCE: Final = 512  # documents whose neighbours' vectors are gathered: 12 MB


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
    search among all, to the last bit, unless more documents than are looked for are equally near.

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
            found = ordered(search(vectors, vectors, count), vectors)
        else:
            found = ordered(followed(known, places, vectors), vectors)
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
    rows, cosines = now[known.rows[places]], known.cosines[places]
    if len(new):
        near = search(vectors[new], vectors, min(len(new), rows.shape[1]))
        both = np.concatenate([cosines, near.cosines], axis=1)
        order = np.argsort(-both, axis=1, kind="stable")[:, : rows.shape[1]]
        rows = np.take_along_axis(np.concatenate([rows, new[near.rows]], axis=1), order, axis=1)
        cosines = np.take_along_axis(both, order, axis=1)
    anew = np.flatnonzero((rows < 0).any(axis=1) | ~old)  # somebody near them is gone
    if len(anew):
        found = search(vectors, vectors[anew], rows.shape[1])
        rows[anew], cosines[anew] = found.rows, found.cosines
    return Neighbourhood(cosines, rows)


def ordered(found: Neighbourhood, vectors: Floats) -> Neighbourhood:
    """Return it nearest first, equals by their place, with cosines that do not depend on the way.

    A product of matrices rounds by their shapes.
    """
    cosines = np.empty_like(found.cosines)
    for start in range(0, len(vectors), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        cosines[some] = np.einsum("rd,rnd->rn", vectors[some], vectors[found.rows[some]])
    order = np.lexsort((found.rows, -cosines), axis=1)
    return Neighbourhood(
        np.take_along_axis(cosines, order, axis=1), np.take_along_axis(found.rows, order, axis=1)
    )


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
