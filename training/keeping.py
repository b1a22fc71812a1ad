"""Whether a stage earned its place: measured on validation gold, against what was kept so far."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.buckets import assigned
from inference.bundle import Bundle
from inference.pipeline import Scores
from training import metrics
from training.evaluation import Tally, difference, f1_tally, hit_tally
from training.metrics import falls

Flags = NDArray[np.bool_]
Losses = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trial:
    """One stage, tried. figures: name to [before, after]; fractions, the loss in nats."""

    stage: str
    kept: bool
    reason: str
    figures: dict[str, tuple[float | None, float | None]] = field(default_factory=dict)
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """What a contender is worth on the validation documents.

    losses: of each document, nats.
    threads: of the same documents, a number that those of a thread share.
    right: what counts for it: first labels, or with several labels a document all of them.
    """

    losses: Losses
    threads: NDArray[np.int64]
    right: Tally
    figures: dict[str, float]


def measure(
    bundle: Bundle,
    scores: Scores,
    targets: Flags,
    siblings: Flags,
    threads: NDArray[np.int64],
) -> Standing:
    """Return what *bundle* is worth where *targets* are right.

    Args:
        scores, targets: of the documents, (documents, labels); similarities are cosines.
        siblings: (labels, labels), true for labels with the same parent.
        threads: (documents,), a number that documents of a thread share.
    """
    fits = targets.any(axis=1)
    if bundle.multi:
        right = f1_tally(assigned(scores.probabilities, bundle.thresholds), targets).by(threads)
    else:
        right = hit_tally(scores.logits, targets, 1).by(threads)
    found = losses(scores.probabilities, targets, multi=bundle.multi)
    logits, truth = scores.logits[fits], targets[fits]
    figures = {
        "loss": float(found.mean()) if len(found) else metrics.NOTHING,
        "micro_f1" if bundle.multi else "top1": right.value,
        "hit_at_5": metrics.recall_at(5, logits, truth),
        "sibling_confusion": metrics.sibling_confusion(logits, truth, siblings),
        "right_label_cosine": float(scores.similarities[targets].mean())
        if targets.any()
        else metrics.NOTHING,
    }
    return Standing(found, threads if bundle.multi else threads[fits], right, figures)


def losses(probabilities: NDArray[np.float32], targets: Flags, *, multi: bool) -> Losses:
    """Return the cross-entropy of each document, (documents,), nats; of those that fit, if single.

    Single-label: minus the log of the probability of all right labels together.
    """
    chances = np.clip(probabilities.astype(np.float64), 1e-7, 1 - 1e-7)
    if multi:
        cells: Losses = -np.where(targets, np.log(chances), np.log(1 - chances)).sum(axis=1)
        return cells
    fits = targets.any(axis=1)
    right: Losses = -np.log((chances * targets)[fits].sum(axis=1))
    return right


def judge(
    stage: str,
    before: Standing,
    after: Standing,
    *,
    multi: bool,
    seed: int,
    must_rise: bool = False,
) -> Trial:
    """Return whether *stage* is kept: the loss fell, and right documents were not clearly lost.

    The loss hears every document, where of a hundred one or two decide about top-1. It has to fall
    by more than the standard error of its mean change, paired by document. Whether the sum of what
    was kept is better beyond noise is for the gates, on gold that chose nothing.

    Args:
        must_rise: top-1, or micro-F1, has to rise, too: it costs time with every document.
    """
    pairs = {
        name: (_known(value), _known(after.figures[name])) for name, value in before.figures.items()
    }
    if not len(before.losses):
        why = "No validation document has a label: dropped."
        return Trial(stage, kept=False, reason=why, figures=pairs)
    name = "Micro-F1" if multi else "Top-1"
    key = "micro_f1" if multi else "top1"
    worth = (before.figures[key], after.figures[key])
    cost = (before.figures["loss"], after.figures["loss"])
    gain = difference(before.right, after.right, seed=seed)
    said = (
        f"{name} {worth[0]:.1%} → {worth[1]:.1%} "
        f"(95 % interval {100 * gain.low:+.1f} to {100 * gain.high:+.1f} points), "
        f"loss {cost[0]:.3f} → {cost[1]:.3f} on {len(before.losses)} validation documents"
    )
    fell = falls(before.losses, after.losses, before.threads)
    kept = fell and gain.high >= 0
    why = "kept" if kept else "dropped: the loss did not fall beyond its standard error"
    if fell and not kept:
        why = f"dropped: {name} fell"
    cosine = after.figures["right_label_cosine"]
    if cosine <= 0:
        kept = False
        why = f"dropped: documents point away from their right label (mean cosine {cosine:.3f})"
    if kept and must_rise and not worth[1] > worth[0]:
        kept, why = False, f"dropped: {name} did not rise, and it costs time with every document"
    return Trial(stage, kept, f"{said}: {why}.", pairs)


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None
