"""Teach a bundle gold: head, calibration and thresholds, measured out of fold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from inference import pipeline
from inference.buckets import NEVER, Thresholds, assigned, certainties
from inference.bundle import Bundle
from inference.calibrate import Calibration
from inference.features import Features
from inference.head import Head
from inference.rerank import Reranker
from training import acceptance, calibration, metrics
from training.gates import Evidence
from training.learner import Learner, choose_weights
from training.neighbours import Neighbours

Flags = NDArray[np.bool_]
Floats = NDArray[np.float32]

OUTGROWN: Final = 1.25
"""Times the gold a second look was measured with; beyond, it is given up until the next run."""

ENOUGH_FOR_THRESHOLDS: Final = 20
"""Gold documents before thresholds are chosen on them; below, nothing is accepted."""


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """What there is to learn from.

    gold: features of gold documents, by the bundle's encoder.
    targets: (documents, labels), columns as the bundle's labels; a row without any fits none.
    overlaps: (labels, labels), labels that may both be right.
    pool: features of open documents, for whom precision is promised.
    around: features of other open documents, that carry silver.
    promise: precision of what is accepted, in (0, 1).
    unseen: (documents,), false where the encoder itself was trained on the document: those teach
        the head, but tell nothing of how sure it may be. None: it was trained on none.
    threads: (documents,), a number that documents of a thread share; None: each is alone.
    neighbours: that remember who was near whom; None: nobody does.
    trust: (documents,), in the gold of each, in (0, 1]; None: it is 1 of all.
    """

    gold: Features
    targets: Flags
    overlaps: Flags
    pool: Features
    around: Features
    promise: float
    unseen: Flags | None = None
    threads: NDArray[np.int64] | None = None
    neighbours: Neighbours | None = None
    trust: Floats | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """A bundle that learnt, unwritten, and what was measured out of fold on the gold it learnt.

    metrics: name to value, fractions; None where there was nothing to measure on.
    evidence: out of fold beside the label texts alone, on the same gold.
    opinions: (documents, labels), probabilities of all gold out of fold; rows of NaN where the
        encoder itself was trained on the document.
    """

    bundle: Bundle
    metrics: dict[str, float | None]
    evidence: Evidence
    opinions: Floats


def teach(bundle: Bundle, lesson: Lesson, *, default_offset: float = 0.0, seed: int = 0) -> Taught:
    """Return *bundle* with head, calibration and thresholds fitted anew on the lesson's gold.

    The result depends on the gold and the encoder alone, not on the former head. Without any gold
    it is the label texts' own head, which accepts nothing. A reranker stays for a while, and
    ranks; what it may accept was measured behind another head.

    Args:
        default_offset: multi-label: the offset of logits where there is no gold.
    """
    labels, dim = bundle.label_vectors.shape
    untaught = replace(bundle, head=Head.zero(labels, dim, bundle.head.scale), lexical=None)
    plain = untaught.logits(lesson.gold)  # (documents, labels)
    offset = calibration.fit_offset(plain, lesson.targets, default_offset) if bundle.multi else 0.0
    untaught = replace(untaught, calibration=Calibration(1.0, offset))
    learner = Learner(
        untaught,
        lesson.gold,
        lesson.targets,
        lesson.overlaps,
        lesson.around,
        lesson.trust,
        threads=lesson.threads,
        neighbours=lesson.neighbours,
        self_trains=bundle.self_trains,
    )
    head, words = learner.learn()
    channels = told = learner.out_of_fold(seed=seed)
    if (unseen := lesson.unseen) is not None:
        plain, channels = plain[unseen], channels.take(unseen)
        lesson = _unseen(lesson)
    weights = choose_weights(channels, lesson.targets, multi=bundle.multi, offset=offset)
    held_out = channels.sum(weights)
    calibrated = calibration.fit(
        held_out,
        lesson.targets,
        lesson.threads,
        multi=bundle.multi,
        offset=offset,
        usual=calibration.usual_temperature(weights, len(learner.gold), silver=bundle.self_trains),
        gold=len(learner.gold),
    )
    taught = replace(
        untaught,
        head=head,
        reranker=_still_worth(bundle.reranker, len(learner.gold)),
        lexical=learner.lexical(words, weights),
        calibration=calibrated,
        digest="",
    )
    taught = replace(taught, thresholds=choose_thresholds(taught, lesson, held_out, seed=seed))
    figures = measure(taught, lesson, held_out) | {"words_weight": sum(weights)}
    opinions = taught.calibration.probabilities(told.sum(weights), multi=bundle.multi)
    if unseen is not None:
        opinions[~unseen] = np.nan
    return Taught(taught, figures, evidence(plain, held_out, lesson.targets), opinions)


def _still_worth(reranker: Reranker | None, gold: int) -> Reranker | None:
    """Return *reranker*, which accepts nothing any more; None where the head has outgrown it.

    What a second look is worth beside a first is measured in runs alone. A head that learns on
    comes to know what the cross-encoder knew, and its word would weigh too much.
    """
    if reranker is None or gold > OUTGROWN * reranker.gold:
        return None
    return replace(reranker, accept=NEVER)


def _unseen(lesson: Lesson) -> Lesson:
    """Return the part of *lesson* the encoder was not trained on."""
    kept = lesson.unseen
    if kept is None:
        return lesson
    threads = None if lesson.threads is None else lesson.threads[kept]
    return replace(
        lesson,
        gold=lesson.gold.take(kept),
        targets=lesson.targets[kept],
        unseen=None,
        threads=threads,
    )


def choose_thresholds(bundle: Bundle, lesson: Lesson, held_out: Floats, *, seed: int) -> Thresholds:
    """Return thresholds for *bundle*, whose head and calibration are fitted.

    Args:
        held_out: out-of-fold logits of the gold, (documents, labels).
    """
    probabilities = bundle.calibration.probabilities(held_out, multi=bundle.multi)
    per_label: tuple[float, ...] = ()
    floor = None
    if bundle.multi:
        cuts = acceptance.label_thresholds(probabilities, lesson.targets)
        per_label = tuple(np.round(cuts, 4).tolist())
    elif len(lesson.targets):
        floor = calibration.fit_floor(held_out.max(axis=1), fitting(lesson.targets))
    chosen = Thresholds(NEVER, floor, per_label)
    if len(lesson.targets) < ENOUGH_FOR_THRESHOLDS:
        return chosen
    bundle = replace(bundle, thresholds=chosen)
    considered = _suggested(bundle, held_out)
    pool = pipeline.score(bundle, lesson.pool) if len(lesson.pool) else None
    threads = np.arange(len(lesson.targets)) if lesson.threads is None else lesson.threads
    accept = acceptance.accept_threshold(
        acceptance.Judged(
            certainties(probabilities, chosen)[considered],
            right(probabilities, lesson.targets, chosen)[considered],
            threads[considered],
        ),
        pool=(
            certainties(pool.probabilities, chosen)[_suggested(bundle, pool.logits)]
            if pool
            else np.empty(0, np.float32)
        ),
        promise=lesson.promise,
        prior=acceptance.VAGUE if bundle.multi else acceptance.CALIBRATED,
        seed=seed,
    )
    return replace(chosen, accept=accept)


def _suggested(bundle: Bundle, logits: Floats) -> Flags:
    """Return which documents get a suggestion at all: they do not fall to “nothing fits”."""
    if bundle.multi:
        probabilities = bundle.calibration.probabilities(logits, multi=True)
        return fitting(assigned(probabilities, bundle.thresholds))
    floor = bundle.thresholds.floor
    above: Flags = logits.max(axis=1) >= (-np.inf if floor is None else floor)
    return above


def fitting(targets: Flags) -> Flags:
    """Return which documents have any label, (documents,)."""
    return np.asarray(targets.any(axis=1), dtype=bool)


def right(probabilities: Floats, targets: Flags, thresholds: Thresholds) -> Flags:
    """Return whether the labels assigned to each document are exactly the right ones."""
    exact: Flags = (assigned(probabilities, thresholds) == targets).all(axis=1)
    return exact


def measure(bundle: Bundle, lesson: Lesson, held_out: Floats) -> dict[str, float | None]:
    """Return the bundle's figures on its own gold, out of fold.

    The acceptance threshold was chosen on the same documents, so `precision` flatters; coverage is
    that of the documents to come.
    """
    probabilities = bundle.calibration.probabilities(held_out, multi=bundle.multi)
    figures = figures_of(bundle, held_out, probabilities, lesson.targets)
    if len(lesson.pool):
        figures["coverage"] = metrics.coverage(accepted(bundle, lesson.pool))
    return {name: None if np.isnan(value) else value for name, value in figures.items()}


def accepted(bundle: Bundle, features: Features) -> Flags:
    """Return which documents *bundle* would accept without a person, (documents,)."""
    scores = pipeline.score(bundle, features)
    sure = certainties(scores.probabilities, bundle.thresholds) >= bundle.thresholds.accept
    return np.asarray(sure & _suggested(bundle, scores.logits))


def figures_of(
    bundle: Bundle,
    logits: Floats,
    probabilities: Floats,
    targets: Flags,
    alone: Flags | None = None,
) -> dict[str, float]:
    """Return what *bundle* is worth on documents whose right labels are known.

    Documents without a right label are out of scope: they count in `out_of_scope_auroc` alone.
    Multi-label: `ece` is that of all pairs of document and label.

    Args:
        logits, probabilities, targets: (documents, labels).
        alone: (documents,), which need no person; None: as the bundle decides at first sight.
    """
    thresholds = bundle.thresholds
    fits = fitting(targets)
    scores, chances, truth = logits[fits], probabilities[fits], targets[fits]
    given = assigned(chances, thresholds)
    exact = (given == truth).all(axis=1)
    if alone is None:
        sure = certainties(probabilities, thresholds) >= thresholds.accept
        alone = sure & _suggested(bundle, logits)
    alone = alone[fits]
    stated = chances.ravel() if bundle.multi else chances.max(axis=1)
    was_right = truth.ravel() if bundle.multi else exact
    strangeness = logits.max(axis=1) if len(logits) else np.empty(0, np.float32)
    return {
        "top1": metrics.top1(scores, truth),
        "recall_at_5": metrics.recall_at(5, scores, truth),
        "mrr": metrics.mean_reciprocal_rank(scores, truth),
        "micro_f1": metrics.micro_f1(given, truth),
        "macro_f1": metrics.macro_f1(given, truth),
        "ece": metrics.calibration_error(stated, was_right),
        "coverage": metrics.coverage(alone),
        "precision": metrics.precision(alone, exact),
        "out_of_scope_auroc": metrics.out_of_scope_auroc(strangeness, fits),
    }


def evidence(plain: Floats, held_out: Floats, targets: Flags) -> Evidence:
    """Return top-1 of the label texts alone (champion) and out of fold (challenger), paired."""
    fits = targets.any(axis=1)
    before = metrics.first_right(plain[fits], targets[fits])
    after = metrics.first_right(held_out[fits], targets[fits])
    return Evidence(
        champion={"top1": metrics.share(before)},
        challenger={"top1": metrics.share(after)},
        differences={"top1": metrics.paired_difference(before, after)},
    )
