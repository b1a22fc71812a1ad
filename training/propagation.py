"""Silver by propagation: what gold says of the documents near it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

from training.neighbours import Neighbourhood

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]
Graph = Any  # csr_matrix, (documents, documents)

NEIGHBOURS: Final = 15
ALPHA: Final = 0.5
ROUNDS: Final = 20
SHARPNESS: Final = 1.5
"""Of learning.md §3. With 30 neighbours or alpha 0.8, and with a second round of head and
propagation, top-1 on held-out texts of BANKING77 moved by half a point either way."""

STILL: Final = 1e-4
"""Once no share moves by more, no more rounds are made: some twelve are, and the rest would move
the last digit of a trust."""

TRUST: Final = 0.3

SHARP_TEMPERATURE: Final = 0.4
SHARP_TRUST: Final = 0.5
"""For a head that trains itself: docs/decisions/0013."""


def graph(near: Neighbourhood) -> Graph:
    """Return who is near whom: cosines cubed of nearest neighbours, symmetric and normalised.

    Weights W are normalised to D^-½ W D^-½ (Zhou et al., 2004). A document without any neighbour
    keeps to itself.

    Returns:
        (documents, documents), sparse, float32.
    """
    count = len(near.rows)
    rows = np.repeat(np.arange(count), near.rows.shape[1])
    columns, weights = near.rows.ravel(), np.clip(near.cosines.ravel(), 0, None) ** 3
    other = (rows != columns) & (columns >= 0)
    edges = csr_matrix((weights[other], (rows[other], columns[other])), shape=(count, count))
    edges = edges.maximum(edges.T)
    degrees = np.asarray(edges.sum(axis=1)).ravel()
    scale = diags(1 / np.sqrt(np.where(degrees > 0, degrees, 1)))
    return (scale @ edges @ scale).astype(np.float32).tocsr()


def propagate(near: Graph, chances: Floats, gold: Rows, targets: Floats) -> Floats:
    """Return what each document's neighbourhood says of it, rows of sum 1.

    F ← ALPHA · WF + (1 - ALPHA) · F₀, with gold held fast, until it stands STILL, at most ROUNDS
    times.

    Args:
        near: see `graph`.
        chances: the head's probabilities of every document, (documents, labels).
        gold: positions of documents whose label is known.
        targets: their labels, (gold, labels), rows of sum 1.
    """
    start = chances.copy()
    start[gold] = targets
    spread = start.copy()
    start *= np.float32(1 - ALPHA)
    for _ in range(ROUNDS):
        before, spread = spread, near @ spread
        spread *= np.float32(ALPHA)
        spread += start
        spread[gold] = targets
        spread /= spread.sum(axis=1, keepdims=True)
        if np.abs(before - spread).max() < STILL:
            break
    return spread


def silver(spread: Floats, trust: float = TRUST) -> tuple[Floats, Floats]:
    """Return labels to learn from and the trust in each, (documents, labels) and (documents,).

    Labels are sharpened, F^SHARPNESS with rows of sum 1; each is trusted by *trust* times its
    surest label.
    """
    sharp = spread**SHARPNESS
    sharp /= sharp.sum(axis=1, keepdims=True)
    return sharp, np.float32(trust) * spread.max(axis=1)
