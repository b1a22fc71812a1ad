"""What a cross-encoder learns from, and how what it says joins what the head says."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logsumexp

from inference.rerank import Candidates, known
from inference.retrieve import top
from training import acceptance
from training.examples import Relations

Flags = NDArray[np.bool_]
Floats = NDArray[np.float32]
Columns = NDArray[np.int64]

COVERED: Final = 0.99
"""Documents that are no close call, or whose right label is to be among their candidates."""

WORTH_A_LOOK: Final = 0.01
"""Least probability of a candidate however many it would take: what is less likely hardly wins."""

RULED_OUT_FIRST: Final = np.float32(1e6)
"""Added to the logit of what people ruled out."""

SIBLING: Final = 0.1
OTHER: Final = 0.01
"""Shares of wrong candidates beside the right one's 1, before all are normalised: with a tree."""

USUAL: Final = np.array([1.0, 0.0, 0.0])
PRIOR: Final = np.array([0.5, 0.5, 2.0])
BOUNDS: Final = ((0, 4), (0, 4), (-8, 8))
"""Of what first and second look weigh, and of the shift: where their normal priors are centred, how
wide these are, and between what they lie."""


class Weights(NamedTuple):
    """How what both looks say is put together; see Reranker."""

    first: float
    second: float
    shift: float = 0.0


def lists(
    logits: Floats, targets: Flags, overlaps: Flags, ruled_out: Flags, *, size: int
) -> list[tuple[int, Columns]]:
    """Return which documents to learn from, closest calls first, each with its candidates.

    Candidates are those the document would really get: the right label, then the best scored wrong
    ones, what people ruled out before all others. Labels that overlap the right one are neither
    right nor wrong and are left out.

    Args:
        logits: out of fold, (documents, labels).
        targets: (documents, labels); documents with no or several right labels are left out.
        ruled_out: (documents, labels).
        size: candidates of a document, at most.

    Returns:
        (row, columns), the right label first, two columns at least.
    """
    found: list[tuple[float, int, Columns]] = []
    for row in np.flatnonzero(targets.sum(axis=1) == 1).tolist():
        right = int(targets[row].argmax())
        scores = np.where(ruled_out[row], logits[row] + RULED_OUT_FIRST, logits[row])
        scores = np.where(overlaps[right] | targets[row], -np.inf, scores)
        wrong = top(scores[None], size - 1)[0]
        wrong = wrong[np.isfinite(scores[wrong])]
        if len(wrong):
            lead = abs(float(logits[row, right] - logits[row, wrong].max()))
            found.append((lead, row, np.concatenate([[right], wrong])))
    return [(row, columns) for _, row, columns in sorted(found, key=lambda each: each[:2])]


def lists_of_open(
    logits: Floats, targets: Flags, overlaps: Flags, ruled_out: Flags, *, offset: float, size: int
) -> list[tuple[int, Columns]]:
    """Return the same where a document has several labels or none: its labels in doubt.

    They are those whose logit is nearest to *offset*, where right is as likely as wrong, what
    people ruled out before all others. A label that overlaps a right one, and is not right itself,
    is left out.

    Args:
        logits, targets, ruled_out: as above; documents may have any number of labels.

    Returns:
        (row, columns), closest calls first, columns most doubtful first, one at least.
    """
    doubt = np.abs(logits - offset)
    order = np.where(ruled_out, doubt - RULED_OUT_FIRST, doubt)
    unclear = (targets.astype(np.float32) @ overlaps > 0) & ~targets
    order, doubt = (np.where(unclear, np.inf, each) for each in (order, doubt))
    found: list[tuple[float, int, Columns]] = []
    for row in range(len(targets)):
        columns = top(-order[row][None], size)[0]
        columns = columns[np.isfinite(order[row, columns])]
        found.append((float(doubt[row, columns].min()), row, columns))
    return [(row, columns) for _, row, columns in sorted(found, key=lambda each: each[:2])]


def shares(columns: Columns, relations: Relations) -> Floats:
    """Return how right each candidate of a document is, (candidates,), in sum 1.

    In a tree a sibling of the right label is less wrong than another; in a flat taxonomy, where
    all are siblings, only the right one counts.

    Args:
        columns: the right label first, see `lists`.
    """
    distances = relations.distances[columns[0], columns]  # (candidates,)
    soft = np.zeros(len(columns), dtype=np.float32)
    if (relations.distances > 1).any():
        soft = np.where(distances == 1, SIBLING, OTHER).astype(np.float32)
    soft[0] = 1
    normalised: Floats = soft / soft.sum()
    return normalised


def least_candidate(
    probabilities: Floats, targets: Flags, close: Flags, covered: float = COVERED
) -> float:
    """Return the least probability of a candidate: conformal sets (LAC: Sadinle et al., 2019).

    Of documents like these a share of *covered* is no close call, or has its right label among the
    labels of at least this probability. Where they are too few to tell, and where it would be
    lower, it is WORTH_A_LOOK.

    Args:
        probabilities: of labels nobody had told, (documents, labels).
        targets: (documents, labels); documents without a right label are left out.
        close: (documents,), which are close calls.
    """
    fits = targets.any(axis=1)
    found = np.where(close, np.where(targets, probabilities, 0).max(axis=1), 1.0)[fits]
    return _least(found, covered)


def least_doubt(
    probabilities: Floats, targets: Flags, given: Flags, covered: float = COVERED
) -> float:
    """Return the least doubt in which a label is read, where a document has several or none.

    A label's doubt is the lesser of its probabilities to be right and to be wrong. Of the labels
    that were wrongly given or not given a share of *covered* is in at least this doubt; where they
    are too few to tell, and where it would be lower, it is WORTH_A_LOOK.

    Args:
        probabilities, targets: as above.
        given: (documents, labels), what the first look gives.
    """
    mistaken = targets != given
    return _least(np.minimum(probabilities, 1 - probabilities)[mistaken], covered)


def _least(found: Floats, covered: float) -> float:
    """Return the greatest value that a share of *covered* of *found* and one to come reaches."""
    allowed = math.floor((len(found) + 1) * (1 - covered) + 1e-9)  # that may be missed
    return max(WORTH_A_LOOK, float(np.sort(found)[allowed - 1])) if allowed else WORTH_A_LOOK


def fit_combination(read: Candidates, probabilities: Floats, targets: Flags) -> Weights:
    """Return what log-probability and cross-encoder's logit weigh.

    By maximum likelihood of the right label among the candidates, under the priors PRIOR; 1 and 0
    where no document has its right label among its candidates.

    Args:
        read: with the cross-encoder's logits; what is no number is passed over.
        probabilities, targets: (documents, labels).
    """
    cases = []
    for row, columns, scores in zip(read.rows, read.columns, read.logits, strict=True):
        right = targets[row, columns]
        if right.any() and np.isfinite(scores).all():
            before = known(probabilities[row, columns], multi=False)
            cases.append((np.stack([before, scores], axis=1), right))  # (candidates, 2)

    def cost(weights: NDArray[np.float64]) -> float:
        total = 0.5 * float((((weights - USUAL[:2]) / PRIOR[:2]) ** 2).sum())
        for features, right in cases:
            mixed = features @ weights
            total += float(logsumexp(mixed) - logsumexp(mixed[right]))
        return total

    found = minimize(cost, x0=USUAL[:2], method="L-BFGS-B", bounds=BOUNDS[:2])
    return Weights(*found.x.tolist())


def fit_odds(read: Candidates, probabilities: Floats, targets: Flags) -> Weights:
    """Return the same where a document has several labels.

    What is weighed are log odds, and each candidate is right or wrong on its own. Both looks count
    in how often a label is right at all; the shift takes out what is counted twice.
    """
    cells = [
        np.stack([known(probabilities[row, columns], multi=True), scores, targets[row, columns]])
        for row, columns, scores in zip(read.rows, read.columns, read.logits, strict=True)
    ]
    told = np.concatenate(cells, axis=1) if cells else np.empty((3, 0))
    before, said, right = told[:, np.isfinite(told).all(axis=0)]  # (candidates,) each
    features = np.stack([before, said, np.ones_like(said)], axis=1)  # (candidates, 3)

    def cost(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds, away = features @ weights, (weights - USUAL) / PRIOR
        loss = np.logaddexp(0, odds).sum() - odds @ right + 0.5 * away @ away
        return float(loss), features.T @ (expit(odds) - right) + away / PRIOR

    found = minimize(cost, x0=USUAL, jac=True, method="L-BFGS-B", bounds=BOUNDS)
    return Weights(*found.x.tolist())


def accept(gold: acceptance.Judged, *, promise: float, confidence: float = 0.99) -> float:
    """Return the certainty from which documents that were looked at twice are accepted, or NEVER.

    By counting alone: nobody looks at open documents twice only to lay a curve over them.

    Args:
        gold: that taught neither look nor chose anything.
        confidence: of one threshold; of the many that are looked at the best is taken, and so it
            is higher than for those that are accepted at first sight.
    """
    return acceptance.counted_threshold(gold, promise=promise, confidence=confidence)
