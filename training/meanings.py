"""What the vectors of labels say about them: that two mean the same, that a text fits another."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from inference import rebuild
from inference.bundle import Bundle
from inference.retrieve import Embeddings, label_vectors, top
from inference.vectors import TextEncoder
from labeling.taxonomies import LabelText

NEAR: Final = 0.75
"""Cosine of two label vectors from which both seem to mean the same.

With the built-in encoder 11 of the 2,926 pairs of BANKING77 are as near, 9 of which have an
exclusion between them, and none of newsgroups20; the nearest pair has 0.83. Of 12 labels of
BANKING77 whose name and description were written anew in other words, 8 are as near to what they
were (0.75 to 0.85), the others 0.32 to 0.74.
"""

STRAY: Final = 0.15
"""How much nearer a description is to another label than to its own name.

So it is with 1 of 77 labels of BANKING77 as they stand and none of newsgroups20; with the
description of the nearest label in place of their own, with 76 of 77 and 20 of 20.
"""

SHOWN: Final = 3  # labels that one is near to
MOST: Final = 20  # remarks


def told(
    bundle: Bundle, labels: Sequence[LabelText], touched: Collection[int], encoder: TextEncoder
) -> list[dict[str, Any]]:
    """Return what is doubtful by meaning about the *touched* labels, strongest first.

    Each has its kind ("near" or "stray"), both labels, and how near they are, or how much nearer.

    Args:
        labels: whose vectors *bundle* has, in its order.
    """
    rows = [row for row, label in enumerate(labels) if label.id in touched]
    if not rows or len(labels) < 2:
        return []
    cosines = bundle.label_vectors[rows] @ bundle.label_vectors.T  # (touched, labels)
    cosines[np.arange(len(rows)), rows] = -1
    found = [*_near(labels, rows, cosines), *_stray(bundle, labels, rows, encoder)]
    return sorted(found, key=lambda each: -each["strength"])[:MOST]


def _near(
    labels: Sequence[LabelText], rows: Sequence[int], cosines: Embeddings
) -> Iterator[dict[str, Any]]:
    """Yield labels that mean nearly the same, unless somebody said what tells them apart."""
    seen: set[frozenset[int]] = set()
    for row, nearest, line in zip(rows, top(cosines, SHOWN), cosines, strict=True):
        for other in nearest.tolist():
            one, two, pair = labels[row], labels[other], frozenset({row, other})
            if line[other] >= NEAR and pair not in seen and not _told_apart(one, two):
                seen.add(pair)
                yield _remark("near", one, two, float(line[other]))


def _told_apart(one: LabelText, two: LabelText) -> bool:
    """Whether they overlap, or an exclusion of one names the other."""
    excluded = {use for _, use in one.exclusions} | {use for _, use in two.exclusions}
    return two.id in one.overlaps or not excluded.isdisjoint({one.id, two.id})


def _stray(
    bundle: Bundle, labels: Sequence[LabelText], rows: Sequence[int], encoder: TextEncoder
) -> Iterator[dict[str, Any]]:
    """Yield labels whose description is nearer to another label than to their own name."""
    said = rebuild.vector_texts(labels)
    rows = [row for row in rows if labels[row].description.strip()]
    if not rows:
        return
    bare = label_vectors([replace(said[row], description="") for row in rows], encoder.encode)
    about = encoder.encode([labels[row].description for row in rows])  # (rows, dim)
    others = about @ bundle.label_vectors.T  # (rows, labels)
    others[np.arange(len(rows)), rows] = -1
    gaps = others.max(axis=1) - np.einsum("rd,rd->r", about, bare)
    for row, gap, other in zip(rows, gaps.tolist(), others.argmax(axis=1).tolist(), strict=True):
        if gap >= STRAY:
            yield _remark("stray", labels[row], labels[other], gap)


def _remark(kind: str, one: LabelText, two: LabelText, strength: float) -> dict[str, Any]:
    """Return a remark as a report keeps it; a label that is not published has no id."""
    return {
        "kind": kind,
        "label": max(one.id, 0),
        "name": one.name,
        "other": max(two.id, 0),
        "other_name": two.name,
        "other_key": two.key,
        "strength": round(strength, 3),
    }
