"""What a cross-encoder learns from, and how what it says joins what the head says."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp

from inference.buckets import NEVER
from inference.rerank import LEAST, Candidates
from training import acceptance
from training.examples import Relations

Flags = NDArray[np.bool_]
Floats = NDArray[np.float32]
Columns = NDArray[np.int64]

COVERED: Final = 0.99
"""Documents that are no close call, or whose right label is to be among their candidates."""

SIBLING: Final = 0.1
OTHER: Final = 0.01
"""Shares of wrong candidates beside the right one's 1, before all are normalised: with a tree."""

PRIOR: Final = (0.5, 0.5)
"""Widths of the normal priors on what first and second look weigh, centred on 1 and 0."""


def lists(
    logits: Floats, targets: Flags, overlaps: Flags, ruled_out: Flags, *, size: int
) -> tuple[NDArray[np.int64], Columns]:
    """Return which documents to learn from, closest calls first, and their candidates.

    Candidates are those the document would really get, the best scored, with the right label in
    place of the last where it lacks and what people ruled out before all other wrong ones. Labels
    that overlap a right one are neither right nor wrong and are left out.

    Args:
        logits: out of fold, (documents, labels).
        targets: (documents, labels), one right label a document; others are left out.
        ruled_out: (documents, labels).
        size: candidates of a document; as many as there are labels at most.

    Returns:
        Rows, (lists,), and columns, (lists, size), the right label first.
    """
    size = min(size, targets.shape[1])
    rows = np.flatnonzero(targets.sum(axis=1) == 1)
    right = targets[rows].argmax(axis=1)
    wrong = logits[rows] + np.where(ruled_out[rows], np.float32(1e6), np.float32(0))
    wrong = np.where(overlaps[right] | targets[rows], -np.inf, wrong)
    enough = np.isfinite(wrong).sum(axis=1) >= size - 1
    rows, right, wrong = rows[enough], right[enough], wrong[enough]
    ranked = np.argsort(-wrong, axis=1, kind="stable")[:, : size - 1]  # (lists, size - 1)
    best_wrong = np.where(np.isfinite(wrong), logits[rows], -np.inf).max(axis=1, initial=-np.inf)
    closest = np.argsort(np.abs(logits[rows, right] - best_wrong), kind="stable")
    columns = np.concatenate([right[:, None], ranked], axis=1)
    return rows[closest], columns[closest]


def shares(columns: Columns, relations: Relations) -> Floats:
    """Return how right each candidate is, (lists, size), rows of sum 1.

    In a tree a sibling of the right label is less wrong than another; in a flat taxonomy, where
    all are siblings, only the right one counts.

    Args:
        columns: the right label first, see `lists`.
    """
    distances = relations.distances[columns[:, :1], columns]  # (lists, size)
    soft = np.zeros(columns.shape, dtype=np.float32)
    if (relations.distances > 1).any():
        soft = np.where(distances == 1, SIBLING, OTHER).astype(np.float32)
    soft[:, 0] = 1
    normalised: Floats = soft / soft.sum(axis=1, keepdims=True)
    return normalised


def least_candidate(
    probabilities: Floats, targets: Flags, close: Flags, covered: float = COVERED
) -> float:
    """Return the least probability of a candidate: conformal sets (LAC: Sadinle et al., 2019).

    Of documents like these a share of *covered* is no close call, or has its right label among the
    labels of at least this probability; 0 where they are too few to tell.

    Args:
        probabilities: of labels nobody had told, (documents, labels).
        targets: (documents, labels); documents without a right label are left out.
        close: (documents,), which are close calls.
    """
    fits = targets.any(axis=1)
    found = np.where(close, np.where(targets, probabilities, 0).max(axis=1), 1.0)[fits]
    allowed = math.floor((len(found) + 1) * (1 - covered) + 1e-9)  # documents that may be missed
    return float(np.sort(found)[allowed - 1]) if allowed else 0.0


def fit_combination(read: Candidates, probabilities: Floats, targets: Flags) -> tuple[float, float]:
    """Return what log-probability and cross-encoder's logit weigh: (first, second).

    By maximum likelihood of the right label among the candidates, under the priors PRIOR; (1, 0)
    where no document has its right label among its candidates.

    Args:
        read: with the cross-encoder's logits.
        probabilities, targets: (documents, labels).
    """
    cases = []
    for row, columns, scores in zip(read.rows, read.columns, read.logits, strict=True):
        right = targets[row, columns]
        if right.any():
            known = np.log(np.maximum(probabilities[row, columns].astype(np.float64), LEAST))
            cases.append((np.stack([known, scores], axis=1), right))  # (candidates, 2)

    def cost(weights: NDArray[np.float64]) -> float:
        total = 0.5 * float((((weights - (1, 0)) / PRIOR) ** 2).sum())
        for features, right in cases:
            mixed = features @ weights
            total += float(logsumexp(mixed) - logsumexp(mixed[right]))
        return total

    found = minimize(cost, x0=np.array([1.0, 0.0]), method="L-BFGS-B", bounds=[(0, 4), (0, 4)])
    return float(found.x[0]), float(found.x[1])


def accept(
    certainties: Floats, correct: Flags, *, promise: float, confidence: float = 0.95
) -> float:
    """Return the certainty from which documents that were looked at twice are accepted, or NEVER.

    By counting alone: nobody looks at open documents twice only to lay a curve over them.

    Args:
        certainties, correct: of gold that taught neither look, (documents,).
    """
    if not len(certainties):
        return NEVER
    return acceptance.counted_threshold(
        certainties, correct, promise=promise, confidence=confidence
    )
