"""Compare champion and challenger on the same held-out gold, with confidence intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from training.gates import Interval, LabelChange

Flags = NDArray[np.bool_]
Floats = NDArray[np.float32]
Shares = NDArray[np.float64]

CONFIDENCE = 0.95
RESAMPLES = 2000  # bounds of a 95 % interval repeat within a tenth of its width
AT_ONCE = 100  # resamples drawn together: (100, documents) counts are held in memory


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """What one model got right on each held-out document, or thread, so that models can be paired.

    right: (documents,) weight of what counts for it, and
    total: (documents,) weight of what counts at all; the metric is their sums' quotient.
    """

    right: Shares
    total: Shares

    @property
    def value(self) -> float:
        """The metric, in [0, 1]; NaN when nothing counts."""
        whole = float(self.total.sum())
        return float(self.right.sum()) / whole if whole else float("nan")

    def by(self, threads: NDArray[np.int64]) -> "Tally":
        """Return the same with a row for each thread: what belongs together is drawn together.

        Args:
            threads: (documents,), a number that documents of a thread share.
        """
        _, thread = np.unique(threads, return_inverse=True)
        right, total = (
            np.bincount(thread, weights=each).astype(np.float64)
            for each in (self.right, self.total)
        )
        return Tally(right, total)


def hit_tally(logits: Floats, targets: Flags, k: int) -> Tally:
    """Return hits: a right label among the *k* best. Documents that fit no label do not count.

    Args:
        logits, targets: (documents, labels).
    """
    best = np.argsort(-logits, axis=1, kind="stable")[:, :k]  # (documents, k)
    hit = np.take_along_axis(targets, best, axis=1).any(axis=1)  # (documents,)
    fits = targets.any(axis=1)
    right = np.asarray(hit & fits, dtype=np.float64)
    return Tally(right, np.asarray(fits, dtype=np.float64))


def f1_tally(assigned: Flags, targets: Flags) -> Tally:
    """Return micro-F1 as a quotient of sums: 2·tp / (2·tp + fp + fn) over all cells."""
    right = np.asarray(2.0 * (assigned & targets).sum(axis=1))  # (documents,)
    wrong = np.asarray((assigned ^ targets).sum(axis=1))  # (documents,)
    return Tally(right, right + wrong)


def wilson(successes: float, count: float) -> Interval:
    """Return a share with its Wilson score interval (Wilson, 1927); NaN of no trials."""
    if count <= 0:
        nan = float("nan")
        return Interval(nan, nan, nan)
    z = float(norm.ppf((1 + CONFIDENCE) / 2))
    share = successes / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * np.sqrt(share * (1 - share) / count + (z / (2 * count)) ** 2)
    # At a share of 0 or 1 the bound is the share itself; rounding must not cross it.
    return Interval(share, min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half)))


def interval(tally: Tally, *, seed: int) -> Interval:
    """Return the metric with its percentile bootstrap interval over documents."""
    (values,) = _resample([tally], seed=seed)
    return _percentiles(tally.value, values)


def difference(champion: Tally, challenger: Tally, *, seed: int) -> Interval:
    """Return challenger minus champion with its interval by paired bootstrap over documents.

    Both are resampled with the same documents (Efron and Tibshirani, 1993), so that what is hard
    for both does not blur their difference.
    """
    before, after = _resample([champion, challenger], seed=seed)
    return _percentiles(challenger.value - champion.value, after - before)


def _resample(tallies: Sequence[Tally], *, seed: int) -> list[Shares]:
    """Return the metric of each tally in each resample, (resamples,)."""
    rng = np.random.default_rng(seed)
    count = len(tallies[0].right)
    drawn: list[list[Shares]] = [[] for _ in tallies]
    for _ in range(0, RESAMPLES, AT_ONCE):
        times = rng.multinomial(count, np.full(count, 1 / count), size=AT_ONCE)
        for values, tally in zip(drawn, tallies, strict=True):
            total = np.maximum(times @ tally.total, 1e-12)
            values.append(times @ tally.right / total)  # (at once,)
    return [np.concatenate(values) for values in drawn]


def _percentiles(value: float, values: Shares) -> Interval:
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(values, [tail, 100 - tail])
    return Interval(value, min(float(low), value), max(float(high), value))


def label_changes(
    names: Sequence[str], targets: Flags, champion: Flags, challenger: Flags
) -> list[LabelChange]:
    """Return each label's recall under both, for labels with held-out gold, in order.

    A label may fall to the lower Wilson bound of the champion's recall before it counts as a drop.

    Args:
        names: (labels,).
        targets, champion, challenger: (documents, labels), right and assigned labels.
    """
    changes = []
    for column in np.flatnonzero(targets.any(axis=0)).tolist():
        of_label = targets[:, column]
        gold = int(of_label.sum())
        found = int((champion[:, column] & of_label).sum())
        changes.append(
            LabelChange(
                label=names[column],
                gold=gold,
                champion=found / gold,
                challenger=int((challenger[:, column] & of_label).sum()) / gold,
                allowed=wilson(found, gold).low,
            )
        )
    return changes
