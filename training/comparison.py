"""Measure champion and challenger on the same held-out gold."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference import pipeline
from inference.buckets import assigned
from training import geometry, metrics
from training.contenders import Contender, Terms
from training.evaluation import Tally, difference, f1_tally, hit_tally, interval, label_changes
from training.examples import Examples
from training.gates import Evidence, Interval
from training.splits import Split
from training.teaching import figures_of, fitting

MANY = 50  # labels above which it says something whether the right one is among the first fifty


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What one contender is worth on the held-out gold.

    metrics: name to value; NaN where there was nothing to measure on.
    tallies: metric to what was right on each document, to pair it with another contender's.
    given: (documents, labels), the labels it would assign.
    """

    metrics: dict[str, float]
    tallies: dict[str, Tally]
    given: NDArray[np.bool_]


def measure(
    contender: Contender, examples: Examples, terms: Terms, latency: Mapping[str, float]
) -> Measured:
    """Measure *contender* on the test documents.

    Args:
        latency: "latency_p50" and "latency_p95", milliseconds for one document.
    """
    rows = examples.rows(Split.TEST)
    targets = examples.targets[rows]
    scores = contender.scores(rows)
    given = assigned(scores.probabilities, contender.bundle.thresholds)
    fits = fitting(targets)
    tallies = {
        "top1": hit_tally(scores.logits, targets, 1),
        "hit_at_5": hit_tally(scores.logits, targets, 5),
        "hit_at_10": hit_tally(scores.logits, targets, 10),
        "micro_f1": f1_tally(given & fits[:, None], targets),
    }
    if targets.shape[1] > MANY:
        tallies["hit_at_50"] = hit_tally(scores.logits, targets, 50)
    tallies = {name: tally.by(examples.threads[rows]) for name, tally in tallies.items()}
    alone = pipeline.accepts(contender.bundle, scores)
    found = figures_of(contender.bundle, scores.logits, scores.probabilities, targets, alone)
    found["pairs_per_document"] = scores.pairs / max(1, len(rows))
    found |= {name: tally.value for name, tally in tallies.items()}
    sure = scores.probabilities[fits]
    sure = sure.ravel() if contender.bundle.multi else sure.max(axis=1, initial=0)
    found["ece_by_chance"] = metrics.calibration_by_chance(sure, seed=terms.seed)
    found |= _hierarchy(scores.logits, targets, given, terms)
    found |= _geometry(contender, examples, terms)
    return Measured({**found, **latency}, tallies, given)


def _hierarchy(
    logits: NDArray[np.float32],
    targets: NDArray[np.bool_],
    given: NDArray[np.bool_],
    terms: Terms,
) -> dict[str, float]:
    """Return how often siblings are taken for one another, and F1 that forgives it in part."""
    fits = targets.any(axis=1)
    siblings = terms.relations.distances == 1  # (labels, labels)
    confusion = metrics.sibling_confusion(logits[fits], targets[fits], siblings)
    ancestors = terms.relations.ancestors
    return {
        "sibling_confusion": confusion,
        "hierarchical_f1": metrics.hierarchical_f1(given[fits], targets[fits], ancestors),
    }


def _geometry(contender: Contender, examples: Examples, terms: Terms) -> dict[str, float]:
    train, test = examples.rows(Split.TRAIN), examples.rows(Split.TEST)
    found = geometry.measure(
        (contender.features.vectors[train], examples.targets[train]),
        (contender.features.vectors[test], examples.targets[test]),
        contender.bundle.label_vectors,
        seed=terms.seed,
    )
    return {**found.as_json(), "right_label_cosine": found.right_label_held_out}


def compare(
    champion: Measured,
    challenger: Measured,
    examples: Examples,
    terms: Terms,
    *,
    leaks: int,
    accepted: tuple[float, float],
) -> Evidence:
    """Return all the gates ask for.

    Args:
        accepted: share of open documents that champion and challenger accept as they would serve.
    """
    targets = examples.targets[examples.rows(Split.TEST)]
    return Evidence(
        champion=champion.metrics | {"accepted": accepted[0]},
        challenger=challenger.metrics | {"accepted": accepted[1], "leaks": float(leaks)},
        differences={
            name: difference(tally, challenger.tallies[name], seed=terms.seed)
            for name, tally in champion.tallies.items()
        },
        labels=label_changes(
            [label.name for label in terms.labels], targets, champion.given, challenger.given
        ),
    )


def intervals(measured: Measured, *, seed: int) -> dict[str, Interval]:
    """Return the interval of each metric that is counted by document."""
    return {name: interval(tally, seed=seed) for name, tally in measured.tallies.items()}


def as_json(values: Mapping[str, float]) -> dict[str, float | None]:
    """Return *values* with null for what was not measured: JSON knows no NaN."""
    return {name: float(value) if np.isfinite(value) else None for name, value in values.items()}


def intervals_as_json(found: Mapping[str, Interval]) -> dict[str, dict[str, Any]]:
    return {name: as_json(asdict(each)) for name, each in found.items()}
