"""Part documents into the two groups that are most alike within: spherical 2-means."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from inference.retrieve import unit

Flags = NDArray[np.bool_]
Floats = NDArray[np.float32]

TRIES: Final = 4  # starts of which the best pair of groups is taken
STEPS: Final = 20


def two_groups(vectors: Floats) -> tuple[Flags, Floats]:
    """Return which document is in the second group, and unit centres of both, (2, dim).

    Where all documents are the same, all are in the first.

    Args:
        vectors: unit vectors, (documents, dim), of one document at least.
    """
    chance = np.random.default_rng(0)
    best: tuple[float, Flags, Floats] | None = None
    for start in chance.integers(len(vectors), size=TRIES):
        far = (vectors @ vectors[start]).argmin()
        centres = vectors[[start, far]]
        group = np.zeros(len(vectors), dtype=bool)
        for _ in range(STEPS):
            before, group = group, (vectors @ centres[1]) > (vectors @ centres[0])
            if group.all() or not group.any() or (group == before).all():
                break
            centres = unit(np.stack([vectors[~group].mean(axis=0), vectors[group].mean(axis=0)]))
        fit = float((vectors * centres[group.astype(int)]).sum())
        if best is None or fit > best[0]:
            best = fit, group, centres
    assert best is not None
    return best[1], best[2]
