"""Fit temperature, curve, offset and floor on out-of-fold logits of gold.

Gold that was chosen by small margin is harder than the documents to come. What was measured
against that, and why nothing is weighted here:
docs/decisions/0009-calibration-on-chosen-gold.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit

from inference.calibrate import Calibration, Curve, log_odds_on_curve
from training.metrics import falls

Flags = NDArray[np.bool_]
Floats = NDArray[np.floating[Any]]
Threads = NDArray[np.int64]
Losses = Callable[[float], NDArray[np.float64]]

USUAL_TEMPERATURE: Final = 0.83
SCARCITY: Final = 25.0
"""Best temperature on documents of BANKING77 that taught nothing, not even as silver: with 100 /
300 / 500 / 1,000 gold 1.02 / 0.92 / 0.84 / 0.82 where it was chosen, 1.09 / 0.93 / 0.87 / 0.87
where it was random, without the words' part in it. That is about 0.83 · (1 + 25 / gold). The prior
of every fit is centred here."""

LEAST_GOLD: Final = 100
"""With less, nothing was measured: it counts as this much."""

WITH_SILVER: Final = 1.1
"""That of a head that learnt silver too: 0.99 to 1.18 with 200 to 1,000 chosen gold, 1.1 to 1.4
with random gold, without the words' part in it."""

PRIOR_SCALE: Final = 0.02
"""Width of the prior on log temperature. Its tails are Cauchy's: gold that disagrees a little is
not followed, for chosen gold errs on the cautious side; gold that disagrees much is believed."""

LEAST_NONE_FITS: Final = 5
"""Documents that fit nothing before they may set a floor."""


LOUDER: Final = 0.75
"""How much of the words' weight the best temperature grows by: with weights of 0.1 to 1.6 and 100
to 1,000 gold of BANKING77, chosen or random, it was 1 + 0.75 · weight times that without words,
within 7 %. Words repeat much of what the vector says already."""


def usual_temperature(weights: Sequence[float], gold: int, *, silver: bool = False) -> float:
    """Return the temperature to expect.

    Args:
        weights: of the words beside the head; the first kind counts. With plenty of gold, where
            there is a second, the gold itself tells.
        gold: documents that both learnt from.
        silver: whether the head learnt silver too.
    """
    scarce = USUAL_TEMPERATURE * (1 + SCARCITY / max(gold, LEAST_GOLD))
    return (WITH_SILVER if silver else scarce) * (1 + LOUDER * sum(weights[:1]))


PLENTY: Final = 3_000
"""Gold documents from which a curve is fitted; with fewer, most of them chosen, it would follow
what is odd about those that were chosen."""

STRAIGHT: Final = (1.0, 1.0, 0.0)
"""The curve that changes nothing, and the centre of the prior of every other; its width is 1."""


def fit(
    logits: Floats,
    targets: Flags,
    threads: Threads | None = None,
    *,
    multi: bool,
    offset: float,
    usual: float,
    gold: int,
) -> Calibration:
    """Return what makes out-of-fold probabilities true: a temperature, and a curve if it helps.

    Args:
        logits, targets: out of fold, (documents, labels).
        threads: (documents,), a number that documents of a thread share; None: each is alone.
        offset: multi-label: of the logits.
        usual: see `fit_temperature`.
        gold: documents of gold there are, in the fold or not.
    """
    temperature = fit_temperature(logits - offset, targets, multi=multi, usual=usual)
    found = Calibration(temperature, offset)
    if multi or gold < PLENTY:
        return found
    fits = targets.any(axis=1)
    chances = found.probabilities(logits[fits], multi=False)
    right = targets[fits][np.arange(len(chances)), chances.argmax(axis=1)]
    together = np.arange(len(targets)) if threads is None else threads
    curve = choose_curve(chances.max(axis=1), right, together[fits])
    return Calibration(temperature, offset, curve)


def choose_curve(certainties: Floats, correct: Flags, threads: Threads) -> Curve | None:
    """Return the curve on which certainties are truest; None unless it is truer than none.

    Fitted on one half of the threads it must lower the log loss of the other by more than that
    changes by chance.

    Args:
        certainties: probabilities of the likeliest label, (documents,).
        correct: whether that was right, (documents,).
        threads: (documents,), a number that documents of a thread share.
    """
    if len(certainties) < PLENTY // 10:  # held out, of all gold
        return None
    sure = _kept(certainties)
    _, thread = np.unique(threads, return_inverse=True)
    before, after = _surprise(sure, correct), np.empty(len(sure))
    for half in (thread % 2 == 0, thread % 2 == 1):
        curve = fit_curve(sure[half], correct[half])
        other = sure[~half]
        told = expit(log_odds_on_curve(other, 1 - other, curve))
        after[~half] = _surprise(_kept(told), correct[~half])
    return fit_curve(sure, correct) if falls(before, after, threads) else None


def fit_curve(certainties: Floats, correct: Flags) -> Curve:
    """Return the likeliest curve; see inference.calibrate.bent and STRAIGHT."""
    kept = _kept(certainties)
    features = np.stack([np.log(kept), -np.log1p(-kept), np.ones(len(kept))], axis=1)

    def cost(point: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logits, away = features @ point, point - STRAIGHT
        loss = np.logaddexp(0, logits) - correct * logits
        return loss.sum() + 0.5 * away @ away, features.T @ (expit(logits) - correct) + away

    bounds = [(0, None), (0, None), (None, None)]  # it never falls
    found = minimize(cost, STRAIGHT, jac=True, method="L-BFGS-B", bounds=bounds)
    a, b, c = found.x.tolist()
    return a, b, c


def _kept(chances: Floats) -> NDArray[np.float64]:
    """Return *chances* a millionth away from 0 and 1: no document costs more than fourteen nats."""
    return np.clip(chances.astype(np.float64), 1e-6, 1 - 1e-6)


def _surprise(chances: NDArray[np.float64], correct: Flags) -> NDArray[np.float64]:
    """Return minus the log probability of what happened, (documents,), in nats."""
    return -np.where(correct, np.log(chances), np.log1p(-chances))


def fit_temperature(
    logits: Floats,
    targets: Flags,
    *,
    multi: bool = False,
    weights: Floats | None = None,
    usual: float = USUAL_TEMPERATURE,
) -> float:
    """Return the temperature that makes out-of-fold probabilities true, within [e⁻², e²].

    MAP: the gold's negative log likelihood plus a Cauchy prior on log temperature.

    Args:
        logits: out of fold, (documents, labels); multi-label: with the offset taken off.
        targets: (documents, labels), true where right. Single-label: documents that fit nothing
            say nothing about temperature and are left out.
        weights: (documents,), importance of each document; None for 1 each.
        usual: the centre of the prior.
    """
    kept = np.ones(len(targets), bool) if multi else targets.any(axis=1)
    trust = np.ones(len(targets)) if weights is None else weights.astype(np.float64)
    losses, trust = _losses(logits[kept], targets[kept], multi=multi), trust[kept]

    def objective(log_temperature: float) -> float:
        distance = (log_temperature - np.log(usual)) / PRIOR_SCALE
        cost = trust @ losses(np.exp(log_temperature))
        return float(cost + np.log1p(distance**2))

    return float(np.exp(_minimum(objective, -2.0, 2.0)))


ROUGHLY: Final = 0.02
"""Two per cent of the temperature: what that changes of the least loss decides about no weight."""


def least_loss(logits: Floats, targets: Flags, *, multi: bool) -> float:
    """Return the negative log likelihood of gold at the temperature best for it, in nats.

    Args:
        logits, targets: as in `fit_temperature`.
    """
    kept = np.ones(len(targets), bool) if multi else targets.any(axis=1)
    losses = _losses(logits[kept], targets[kept], multi=multi)

    def objective(log_temperature: float) -> float:
        return float(losses(np.exp(log_temperature)).sum())

    found = minimize_scalar(
        objective, bounds=(-1.0, 1.5), method="bounded", options={"xatol": ROUGHLY}
    )
    return float(found.fun)


def _losses(logits: Floats, targets: Flags, *, multi: bool) -> Losses:
    """Return what gives the loss of each document, (documents,), in nats, at a temperature."""
    if multi:
        scores = logits.astype(np.float64)
        return lambda temperature: _binary_loss(scores / temperature, targets)
    below = (logits - logits.max(axis=1, keepdims=True)).astype(np.float32)  # at most 0
    right = (below * targets).sum(axis=1, dtype=np.float64) / targets.sum(axis=1)

    def losses(temperature: float) -> NDArray[np.float64]:
        total = np.exp(below * np.float32(1 / temperature)).sum(axis=1, dtype=np.float64)
        loss: NDArray[np.float64] = np.log(total) - right / temperature
        return loss

    return losses


def _binary_loss(logits: NDArray[np.float64], targets: Flags) -> NDArray[np.float64]:
    """Return the binary cross-entropy of each document over all labels, (documents,), in nats."""
    cells = np.logaddexp(0, logits) - targets * logits  # (documents, labels)
    loss: NDArray[np.float64] = cells.sum(axis=1)
    return loss


def _minimum(objective: Callable[[float], float], low: float, high: float) -> float:
    """Return the best of a coarse grid, refined: the prior may give two valleys."""
    grid = np.linspace(low, high, 41)
    best = int(np.argmin([objective(each) for each in grid]))
    bounds = (grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)])
    return float(minimize_scalar(objective, bounds=bounds, method="bounded").x)


def fit_offset(logits: Floats, targets: Flags, default: float) -> float:
    """Return the logit at which a label that learnt nothing is as likely right as wrong.

    Multi-label only: the offset of least binary cross-entropy of the label texts' own logits, kept
    near *default* by a normal prior of width 2 where there is little gold.

    Args:
        logits: scaled cosines, (documents, labels): of the head that has learnt nothing.
        targets: (documents, labels), true where right.
        default: the offset where there is no gold.
    """
    scores = logits.astype(np.float64)

    def objective(offset: float) -> float:
        cost = _binary_loss(scores - offset, targets).sum()
        return float(cost + 0.5 * ((offset - default) / 2) ** 2)

    return _minimum(objective, default - 20, default + 20)


def fit_floor(top_logits: Floats, fits: Flags) -> float | None:
    """Return the highest logit below which nothing fits, of fewest mistakes on gold.

    Args:
        top_logits: (documents,), each document's highest out-of-fold logit.
        fits: (documents,), whether a person found a label for it.

    Returns:
        None where fewer than LEAST_NONE_FITS documents fit nothing, or where no floor makes fewer
        mistakes than none at all.
    """
    strange, usual = np.sort(top_logits[~fits]), np.sort(top_logits[fits])
    if len(strange) < LEAST_NONE_FITS:
        return None
    cuts = np.unique(np.concatenate([strange, usual]))
    lost = np.searchsorted(usual, cuts, side="left")  # fitting documents below the cut
    missed = len(strange) - np.searchsorted(strange, cuts, side="left")
    best = int(np.argmin(lost + missed))
    return float(cuts[best]) if (lost + missed)[best] < len(strange) else None
