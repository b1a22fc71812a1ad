"""Choose what may be accepted without a person, so that the promised precision holds.

Two bounds, each with half of the allowed risk; the one that accepts more wins:

1. Clopper-Pearson on gold: no assumption, but with a promise of 98 % it needs some 180 gold
   documents above the threshold, none of them wrong. Chosen gold has hardly any up there.
2. A precision curve fitted on all gold and laid over the certainties of the documents to come:
   precision rises with certainty as a logistic curve below a ceiling. Its posterior bounds it.

Measured in docs/decisions/0009-calibration-on-chosen-gold.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import beta

from inference.buckets import NEVER

Flags = NDArray[np.bool_]
Floats = NDArray[np.floating[Any]]

SLIPS: Final = 0.01
"""Share of documents whose label is wrong in gold however sure anyone is: the curve's ceiling is
1 - SLIPS. Without it the curve promised 98 % and kept 97.4 (BANKING77, 500 gold, worst of 4)."""

DRAWS: Final = 400
"""Curves drawn from the posterior; its 2.5 % quantile is then the tenth lowest."""


@dataclass(frozen=True, slots=True)
class Prior:
    """Normal prior of P(right) = (1 - SLIPS) · expit(intercept + slope · logit(certainty)).

    centred on intercept 0 and slope 1: certainty is the probability to be right.
    """

    intercept: float
    slope: float


CALIBRATED = Prior(intercept=0.5, slope=0.25)
"""For the top probability of single-label projects, which calibration has made nearly true."""

VAGUE = Prior(intercept=2.0, slope=1.0)
"""For the margin of multi-label projects, which is no probability of anything."""


def accept_threshold(
    certainties: Floats,
    correct: Flags,
    *,
    pool: Floats,
    promise: float,
    confidence: float = 0.95,
    prior: Prior = CALIBRATED,
    seed: int = 0,
) -> float:
    """Return the smallest certainty that may be accepted, or buckets.NEVER.

    Args:
        certainties: (gold documents,), out of fold, in [0, 1].
        correct: (gold documents,), whether the prediction was right.
        pool: (documents,), certainties of documents to come, for whom the promise is made.
        promise: precision that the accepted documents reach, in (0, 1).
        confidence: probability that they do, in (0, 1).
    """
    if not len(certainties):
        return NEVER
    risk = (1 - confidence) / 2
    return min(
        counted_threshold(certainties, correct, promise=promise, confidence=1 - risk),
        curve_threshold(
            certainties, correct, pool, promise=promise, risk=risk, prior=prior, seed=seed
        ),
    )


def lower_bound(correct: int, documents: int, confidence: float) -> float:
    """Return the one-sided Clopper-Pearson lower bound of a share; 0 for no documents."""
    if correct == 0:
        return 0.0
    return float(beta.ppf(1 - confidence, correct, documents - correct + 1))


def counted_threshold(
    certainties: Floats, correct: Flags, *, promise: float, confidence: float
) -> float:
    """Return the smallest certainty above which gold alone proves the promise, or NEVER.

    Documents of equal certainty are accepted together or not at all.
    """
    order = np.argsort(-certainties, kind="stable")
    sure, right = certainties[order], correct[order].cumsum()
    counts = np.arange(1, len(sure) + 1)
    ends = np.append(sure[1:] != sure[:-1], True)  # last of its certainty
    bounds = beta.ppf(1 - confidence, np.maximum(right, 1), counts - right + 1)
    kept = np.flatnonzero(ends & (right > 0) & (bounds >= promise))
    return float(sure[kept[-1]]) if len(kept) else NEVER


def curve_threshold(
    certainties: Floats,
    correct: Flags,
    pool: Floats,
    *,
    promise: float,
    risk: float,
    prior: Prior,
    seed: int,
) -> float:
    """Return the smallest certainty at which the fitted curve keeps the promise, or NEVER.

    The precision of accepting all pool documents down to a certainty is the mean of the curve over
    them; each curve drawn from the posterior gives one, and their *risk* quantile is the bound.
    """
    if not len(pool):
        return NEVER
    centre, covariance = fit_curve(certainties, correct, prior)
    draws = np.random.default_rng(seed).multivariate_normal(centre, covariance, DRAWS)
    sure = np.sort(pool)[::-1].astype(np.float64)  # (documents,), most certain first
    curves = (1 - SLIPS) * expit(draws[:, :1] + draws[:, 1:] * log_odds(sure))
    precisions = curves.cumsum(axis=1) / np.arange(1, len(sure) + 1)  # (draws, documents)
    kept = np.flatnonzero(np.quantile(precisions, risk, axis=0) >= promise)
    return float(sure[kept[-1]]) if len(kept) else NEVER


def fit_curve(
    certainties: Floats, correct: Flags, prior: Prior
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the most probable (intercept, slope) and their covariance, by Newton and Laplace."""
    features = np.stack([np.ones(len(certainties)), log_odds(certainties)], axis=1)
    start = np.array([0.0, 1.0])
    precision = np.diag([1 / prior.intercept**2, 1 / prior.slope**2])
    point = start.copy()
    for _ in range(50):
        chance = expit(features @ point)
        gradient = features.T @ (chance - correct) + precision @ (point - start)
        hessian = (features.T * (chance * (1 - chance))) @ features + precision
        step = np.linalg.solve(hessian, gradient)
        point = point - step * min(1.0, 2.0 / (np.abs(step).max() + 1e-12))
        if np.abs(step).max() < 1e-8:
            break
    return point, np.linalg.inv(hessian)


def log_odds(certainties: Floats) -> NDArray[np.float64]:
    """Return ln(p / (1 - p)), with p kept a millionth away from 0 and 1."""
    odds: NDArray[np.float64] = logit(np.clip(certainties.astype(np.float64), 1e-6, 1 - 1e-6))
    return odds


def label_thresholds(probabilities: Floats, targets: Flags, *, strength: float = 20.0) -> Floats:
    """Return the probability from which each label is assigned (multi-label), (labels,).

    Each label's threshold of best F1, shrunk towards the threshold of best micro-F1 by
    positives / (positives + strength): labels with few examples go with all others.

    Args:
        probabilities: out of fold, (documents, labels).
        targets: (documents, labels), true where right.
    """
    grid = np.linspace(0.05, 0.95, 91)
    if not targets.any():
        return np.full(targets.shape[1], 0.5)
    assigned = probabilities[None] >= grid[:, None, None]  # (grid, documents, labels)
    hits = (assigned & targets).sum(axis=1)  # (grid, labels)
    positives = targets.sum(axis=0)
    made = assigned.sum(axis=1)
    common = grid[_f1(hits.sum(axis=1), made.sum(axis=1), positives.sum()).argmax()]
    own = grid[_f1(hits, made, positives).argmax(axis=0)]
    share = positives / (positives + strength)
    cuts: Floats = share * own + (1 - share) * common
    return cuts


def _f1(hits: Any, made: Any, positives: Any) -> NDArray[np.float64]:
    """Return 2 · hits / (assigned + positives); 0 where there is neither."""
    total = np.maximum(made + positives, 1)
    scores: NDArray[np.float64] = 2 * hits / total
    return scores
