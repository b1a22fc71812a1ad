"""Figures with the interval that resampling their documents gives."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from labeling.distances import Floats

ROUNDS: Final = 1_000
ENOUGH: Final = 10
"""Documents below which a figure gets no interval: a few agree or not by luck, and resampling the
few cannot know of others."""
TAILS: Final = (2.5, 97.5)
TWO_SIDED: Final = 1.959964
"""Standard deviations that hold 95 % of a normal distribution."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Bounds that hold the true figure 95 times of 100.

    Where all agreed, so does every resample: [1, 1] says that no disagreement was seen.
    """

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One coefficient of agreement.

    value: 1 all agree, 0 as often as chance, below 0 less often. None: undefined, because no
        document was judged by two people, or all gave the same answer everywhere, so that nobody
        had anything to tell apart.
    interval: None where the value is, and with fewer than ENOUGH documents.
    documents: it rests on.
    """

    value: float | None
    interval: Interval | None
    documents: int


def resampled(
    figures: Callable[[Floats], Floats], documents: int, *, seed: int, rounds: int
) -> Floats:
    """Return *figures* of how often each document counts: as it is, then of each resample.

    Shape: (1 + rounds, figures).
    """
    return np.stack([figures(drawn) for drawn in _draws(documents, seed=seed, rounds=rounds)])


def _draws(documents: int, *, seed: int, rounds: int) -> Iterator[Floats]:
    yield np.ones(documents)
    rng = np.random.default_rng(seed)
    for _ in range(rounds):
        drawn = rng.integers(max(documents, 1), size=documents)
        yield np.bincount(drawn, minlength=documents).astype(np.float64)


def wilson(right: int, documents: int) -> Figure:
    """Return a share with Wilson's interval (1927), which holds for few documents, too."""
    share, z2 = right / documents, TWO_SIDED**2
    middle = (share + z2 / (2 * documents)) / (1 + z2 / documents)
    spread = share * (1 - share) / documents + z2 / (4 * documents**2)
    half = TWO_SIDED * math.sqrt(spread) / (1 + z2 / documents)
    return Figure(share, Interval(middle - half, middle + half), documents)


def ratio(above: NDArray[Any], below: NDArray[Any]) -> Floats:
    """Return above / below; NaN where that is 0."""
    blank = np.full(np.shape(above), np.nan)
    return np.asarray(np.divide(above, below, out=blank, where=below > 0))


def figure(values: Floats, documents: int) -> Figure:
    """Make a figure of its value, which comes first, and its resamples."""
    value = float(values[0])
    if np.isnan(value):
        return Figure(None, None, documents)
    resamples = values[1:][~np.isnan(values[1:])]
    if documents < ENOUGH or not len(resamples):
        return Figure(value, None, documents)
    low, high = np.percentile(resamples, TAILS)
    return Figure(value, Interval(float(low), float(high)), documents)
