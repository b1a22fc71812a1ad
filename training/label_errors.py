"""Gold that is likely wrong: confident learning on what models say of gold they have not seen.

After Northcutt, Jiang and Chuang (2021), https://arxiv.org/abs/1911.00068. Why this is our own, and
what it finds: docs/decisions/0014-gold-to-check.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
Floats = NDArray[np.float32]

LEAST: Final = 100
"""Gold documents before any is doubted: below, models know too little to contradict people."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A document whose gold a model contradicts.

    row: its position. strength: how much likelier the model finds another answer, in [0, 1].
    """

    row: int
    strength: float


def suspects(
    probabilities: Floats,
    targets: Flags,
    overlaps: Flags,
    *,
    multi: bool,
    most: int,
    asked: Flags | None = None,
) -> list[Suspect]:
    """Return the *most* doubtful gold documents, strongest doubt first.

    A label's usual probability is its mean over the documents that have it. Single-label: a
    document is suspect when another label, that overlaps none of its own, reaches its usual
    probability and is likelier than the given one. Multi-label: when a given label is as unlikely
    as it usually is where it is not given, or the other way round.

    Args:
        probabilities: out of fold, calibrated, (documents, labels); rows of NaN are passed over.
        targets: (documents, labels), true where gold says so.
        overlaps: (labels, labels), symmetric.
        asked: (documents,), true where people confirmed it already; None where none was.
    """
    known: Flags = np.asarray(np.isfinite(probabilities).all(axis=1))
    if known.sum() < LEAST:
        return []
    doubts = (_of_sets if multi else _of_labels)(probabilities, targets, overlaps, known)
    fresh = known if asked is None else known & ~asked
    strengths = np.where(fresh, doubts, 0)  # (documents,)
    order = np.argsort(-strengths, kind="stable")[:most]
    return [Suspect(int(row), float(strengths[row])) for row in order if strengths[row] > 0]


def _usual(probabilities: Floats, having: Flags) -> NDArray[np.float64]:
    """Return the mean probability of each label over documents *having* it; 2 of none."""
    counts = having.sum(axis=0)
    sums = np.where(having, probabilities, 0).sum(axis=0, dtype=np.float64)
    usual: NDArray[np.float64] = np.where(counts > 0, sums / np.maximum(counts, 1), 2.0)
    return usual


def _of_labels(
    probabilities: Floats, targets: Flags, overlaps: Flags, known: Flags
) -> NDArray[np.float64]:
    usual = _usual(probabilities[known], targets[known])
    either = targets | (targets.astype(np.float32) @ overlaps.astype(np.float32) > 0)
    rivals = np.where((probabilities >= usual) & ~either, probabilities, 0).max(axis=1)
    given = np.where(targets, probabilities, 0).max(axis=1)  # 0 where nothing fits
    doubts: NDArray[np.float64] = np.where(targets.any(axis=1), rivals - given, 0)
    return doubts


def _of_sets(
    probabilities: Floats, targets: Flags, overlaps: Flags, known: Flags
) -> NDArray[np.float64]:
    with_it = _usual(probabilities[known], targets[known])
    without = _usual(1 - probabilities[known], ~targets[known])
    overlapping = targets.astype(np.float32) @ overlaps.astype(np.float32) > 0
    missing = ~targets & ~overlapping & (probabilities >= with_it)
    surplus = targets & (1 - probabilities >= without)
    gaps = np.abs(2 * probabilities - 1)  # how much likelier the opposite is
    contrary = (missing & (probabilities > 0.5)) | (surplus & (probabilities < 0.5))
    doubts: NDArray[np.float64] = np.where(contrary, gaps, 0).max(axis=1)
    return doubts
