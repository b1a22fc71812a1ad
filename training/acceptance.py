"""Choose what may be accepted without a person, so that the promised precision holds.

Two bounds, each with half of the allowed risk; the one that accepts more wins:

1. Clopper-Pearson on gold: no assumption, but with a promise of 98 % it needs some 180 gold
   documents above the threshold, none of them wrong. Chosen gold has hardly any up there.
2. A precision curve fitted on all gold and laid over the certainties of the documents to come:
   precision rises with certainty as a logistic curve below a ceiling. Its posterior bounds it.

Measured in docs/decisions/0009-calibration-on-chosen-gold.md. Mistakes come by threads, so that a
thousand messages of two hundred threads tell less than a thousand of their own:
docs/decisions/0018-mistakes-come-by-threads.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import beta, t

from inference.buckets import NEVER

Flags = NDArray[np.bool_]
Floats = NDArray[np.floating[Any]]
Threads = NDArray[np.int64]

SLIPS: Final = 0.01
"""Share of documents whose label is wrong in gold however sure anyone is: the curve's ceiling is
1 - SLIPS. Without it the curve promised 98 % and kept 97.4 (BANKING77, 500 gold, worst of 4)."""

DOUBT: Final = 5.0
"""Threads with a mistake as many as which it is taken for granted that all of a thread is right or
wrong; see Judged.alikeness."""

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


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Gold beside what was predicted of it without knowing.

    certainties: (documents,), in [0, 1].
    correct: (documents,), whether the prediction was right.
    threads: (documents,), a number that documents of a thread share.
    """

    certainties: Floats
    correct: Flags
    threads: Threads

    def __len__(self) -> int:
        return len(self.certainties)

    @property
    def effect(self) -> float:
        """The design effect of all documents, see `effects`; 1 where there are none."""
        return float(effects(self.threads, self.alikeness)[-1]) if len(self) else 1.0

    @property
    def alikeness(self) -> float:
        """How alike the mistakes of a thread are, in [0, 1]: their intra-class correlation.

        From the variance of sums over threads against that of independent documents. Of a few
        mistakes hardly two fall into one thread, however alike they are: the fewer threads hold
        any, the nearer it is to 1, where each thread tells as much as one document.
        """
        wrong = ~self.correct
        share = wrong.mean()
        _, thread, sizes = np.unique(self.threads, return_inverse=True, return_counts=True)
        typical = float((sizes**2).sum() / sizes.sum())  # size of the thread of a document
        if typical == 1:
            return 0.0
        if not 0 < share < 1:
            return 1.0
        sums = np.bincount(thread, weights=wrong - share)
        effect = float((sums**2).sum() / (len(wrong) * share * (1 - share)))
        found = min(max((effect - 1) / (typical - 1), 0.0), 1.0)
        several = sizes[thread] > 1
        seen = len(np.unique(thread[wrong & several]))  # threads of several with a mistake
        return (seen * found + DOUBT) / (seen + DOUBT)


def effects(threads: Threads, alikeness: float) -> NDArray[np.float64]:
    """Return the design effect of the first 1, 2, 3, … documents, (documents,), 1 at least.

    1 + (typical size of a thread - 1) · *alikeness* (Kish, 1965), and more where threads are few
    (Korn & Graubard, 1998): so many times fewer documents would tell as much if each were alone.
    """
    order = np.argsort(threads, kind="stable")
    firsts = np.r_[True, threads[order][1:] != threads[order][:-1]]
    places = np.arange(len(threads))
    before = np.empty(len(threads), dtype=np.int64)  # documents of its thread before it
    before[order] = places - np.maximum.accumulate(np.where(firsts, places, 0))
    counts, groups = places + 1, np.cumsum(before == 0)
    typical = np.cumsum(2 * before + 1) / counts
    few = np.ones(len(threads))
    some = groups < counts  # where each is alone there is nothing to work out
    few[some] = t.ppf(0.975, np.maximum(groups[some] - 1, 1)) / t.ppf(0.975, counts[some] - 1)
    effect: NDArray[np.float64] = (1 + (typical - 1) * alikeness) * few**2
    return effect


def accept_threshold(
    gold: Judged,
    *,
    pool: Floats,
    promise: float,
    confidence: float = 0.95,
    prior: Prior = CALIBRATED,
    seed: int = 0,
) -> float:
    """Return the smallest certainty that may be accepted, or buckets.NEVER.

    Args:
        pool: (documents,), certainties of documents to come, for whom the promise is made.
        promise: precision that the accepted documents reach, in (0, 1).
        confidence: probability that they do, in (0, 1).
    """
    if not len(gold):
        return NEVER
    risk = (1 - confidence) / 2
    return min(
        counted_threshold(gold, promise=promise, confidence=1 - risk),
        curve_threshold(gold, pool, promise=promise, risk=risk, prior=prior, seed=seed),
    )


def lower_bound(correct: int, documents: int, confidence: float) -> float:
    """Return the one-sided Clopper-Pearson lower bound of a share; 0 for no documents."""
    if correct == 0:
        return 0.0
    return float(beta.ppf(1 - confidence, correct, documents - correct + 1))


def counted_threshold(gold: Judged, *, promise: float, confidence: float) -> float:
    """Return the smallest certainty above which gold alone proves the promise, or NEVER.

    Documents of equal certainty are accepted together or not at all. Those of a thread count for
    as many as they tell (Korn & Graubard, 1998: Clopper-Pearson of effective numbers).
    """
    if not len(gold):
        return NEVER
    order = np.argsort(-gold.certainties, kind="stable")
    sure, right = gold.certainties[order], gold.correct[order].cumsum()
    counts = np.arange(1, len(sure) + 1)
    ends = np.append(sure[1:] != sure[:-1], True)  # last of its certainty
    effect = effects(gold.threads[order], gold.alikeness)
    bounds = beta.ppf(1 - confidence, np.maximum(right, 1) / effect, (counts - right) / effect + 1)
    kept = np.flatnonzero(ends & (right > 0) & (bounds >= promise))
    return float(sure[kept[-1]]) if len(kept) else NEVER


def curve_threshold(
    gold: Judged, pool: Floats, *, promise: float, risk: float, prior: Prior, seed: int
) -> float:
    """Return the smallest certainty at which the fitted curve keeps the promise, or NEVER.

    The precision of accepting all pool documents down to a certainty is the mean of the curve over
    them; each curve drawn from the posterior gives one, and their *risk* quantile is the bound.
    """
    if not len(pool):
        return NEVER
    centre, covariance = fit_curve(gold, prior)
    draws = np.random.default_rng(seed).multivariate_normal(centre, covariance, DRAWS)
    sure = np.sort(pool)[::-1].astype(np.float64)  # (documents,), most certain first
    curves = (1 - SLIPS) * expit(draws[:, :1] + draws[:, 1:] * log_odds(sure))
    precisions = curves.cumsum(axis=1) / np.arange(1, len(sure) + 1)  # (draws, documents)
    kept = np.flatnonzero(np.quantile(precisions, risk, axis=0) >= promise)
    return float(sure[kept[-1]]) if len(kept) else NEVER


def fit_curve(gold: Judged, prior: Prior) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the most probable (intercept, slope) and their covariance, by Newton and Laplace.

    Documents tell as much as their number divided by their design effect.
    """
    features = np.stack([np.ones(len(gold)), log_odds(gold.certainties)], axis=1)
    start, weight = np.array([0.0, 1.0]), 1 / gold.effect
    precision = np.diag([1 / prior.intercept**2, 1 / prior.slope**2])
    point = start.copy()
    for _ in range(50):
        chance = expit(features @ point)
        gradient = weight * features.T @ (chance - gold.correct) + precision @ (point - start)
        hessian = weight * (features.T * (chance * (1 - chance))) @ features + precision
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
