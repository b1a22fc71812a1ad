"""Hard negatives: wrong labels that are easily mistaken for the right one, and whence each is."""

from __future__ import annotations

from enum import IntFlag
from typing import Final

import numpy as np
from numpy.typing import NDArray

from inference.retrieve import top
from training.examples import Relations

Flags = NDArray[np.bool_]
Floats = NDArray[np.float32]
Sources = NDArray[np.uint8]

FIRST: Final = 3
"""Wrong labels of a document that count as confused, and siblings that count as close."""

NEIGHBOURS: Final = 10
"""Documents nearest to a document whose labels count as near."""

CHUNK: Final = 1024  # rows of the similarity matrix held at once


class Source(IntFlag):
    """Where a hard negative comes from; one may come from several."""

    SIBLING = 1  # of a right label, among the best scored of them
    CONFUSED = 2  # scored high by a head that had not seen the document
    NEAR = 4  # right for a document that is near
    RULED_OUT = 8  # a reviewer saw it proposed and did not choose it


def mine(
    targets: Flags,
    logits: Floats,
    vectors: Floats,
    relations: Relations,
    ruled_out: Flags | None = None,
) -> Sources:
    """Return the sources of each document's hard negatives, (documents, labels); 0: it is none.

    A right label and one that overlaps a right one never are; a document that fits nothing has
    none.

    Args:
        targets: (documents, labels), true where right.
        logits: out of fold, (documents, labels).
        vectors: unit vectors, (documents, dim).
        ruled_out: (documents, labels); None where nobody ruled out any.
    """
    right = targets.astype(np.float32)
    overlapping = right @ relations.overlaps.astype(np.float32) > 0
    fits = right.max(axis=1, keepdims=True) > 0  # (documents, 1)
    wrong = ~targets & ~overlapping & fits  # (documents, labels)
    siblings = right @ (relations.distances == 1).astype(np.float32) > 0
    found: Sources = np.zeros(targets.shape, dtype=np.uint8)
    found[best(logits, wrong & siblings)] |= np.uint8(Source.SIBLING)
    found[best(logits, wrong)] |= np.uint8(Source.CONFUSED)
    found[labels_near(vectors, targets) & wrong] |= np.uint8(Source.NEAR)
    if ruled_out is not None:
        found[ruled_out & wrong] |= np.uint8(Source.RULED_OUT)
    return found


def best(logits: Floats, among: Flags, count: int = FIRST) -> Flags:
    """Return the *count* highest scored labels of each document *among* those allowed."""
    ranked = top(np.where(among, logits, -np.inf).astype(np.float32), count)
    chosen = np.zeros(among.shape, dtype=bool)
    np.put_along_axis(chosen, ranked, values=True, axis=1)
    return chosen & among


def labels_near(vectors: Floats, targets: Flags, count: int = NEIGHBOURS) -> Flags:
    """Return the labels of each document's *count* nearest other documents."""
    near = np.zeros(targets.shape, dtype=bool)
    for start in range(0, len(vectors), CHUNK):
        rows = np.arange(start, min(start + CHUNK, len(vectors)))
        similarities = vectors[rows] @ vectors.T  # (chunk, documents)
        similarities[np.arange(len(rows)), rows] = -np.inf
        nearest = top(similarities, min(count, len(vectors) - 1))  # (chunk, count)
        near[rows] = targets[nearest].any(axis=1)
    return near


def counts(sources: Sources) -> dict[str, int]:
    """Return how many hard negatives come from each source, by its name in lower case."""
    return {
        source.name.lower(): int((sources & source > 0).sum()) for source in Source if source.name
    }
