"""The stage that gives a contender a reranker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from inference import pipeline, serving, weights
from inference.buckets import Bucket, assigned
from inference.bundle import Bundle
from inference.pipeline import Scores
from inference.rerank import Candidates, Reads, Reranker, candidates
from training import contenders, reranking
from training.acceptance import Judged
from training.contenders import Contender
from training.course import Course
from training.material import Material
from training.splits import Split

Flags = NDArray[np.bool_]

SIZE: Final = 8
"""Candidates of a document to learn from."""

READ_AT_ONCE: Final = 32  # documents, between two words of progress


def reranked(course: Course, best: Contender) -> tuple[Contender, Scores]:
    """Return *best* with a reranker, and what it says of the validation documents.

    What first and second look weigh is fitted on one half of the validation documents for the
    other, so that what it says flatters nobody; the reranker itself knows all of them. Where there
    is nothing to learn from *best* stays as it is.
    """
    examples = course.material.examples
    rows = examples.rows(Split.VALIDATION)
    first, targets = best.scores(rows), examples.targets[rows]
    untaught = taught(course, best)
    if untaught is None:
        return best, first
    found, multi = pipeline.buckets_of(best.bundle, first), best.bundle.multi
    reranker = replace(untaught, candidate=_least(best.bundle, first, found, targets))
    reader = reader_of(reranker, best)
    chosen = candidates(reranker, first.probabilities, found, multi=multi)
    texts = [examples.texts[rows[row]] for row in chosen.rows]
    read = read_all(course, chosen, texts, reranker.cards, reader)

    def fitted(known: Candidates) -> Bundle:
        fit = reranking.fit_odds if multi else reranking.fit_combination
        mixed = replace(reranker, **fit(known, first.probabilities, targets)._asdict())
        return replace(best.bundle, reranker=mixed)

    halves = np.arange(len(read)) % 2 == 0
    scores = first
    for half in (halves, ~halves):
        scores = pipeline.second_thoughts(fitted(read.take(half)), scores, read.take(~half))
    return replace(best, bundle=fitted(read), reader=reader), scores


def _least(bundle: Bundle, first: Scores, found: Sequence[Bucket], targets: Flags) -> float:
    """Return the least probability, or doubt, of a label that is read."""
    if bundle.multi:
        given = assigned(first.probabilities, bundle.thresholds)
        return reranking.least_doubt(first.probabilities, targets, given)
    close = np.array([bucket == Bucket.REVIEW for bucket in found], dtype=bool)
    return reranking.least_candidate(first.probabilities, targets, close)


def read_all(
    course: Course, chosen: Candidates, texts: Sequence[str], cards: Sequence[str], reader: Reads
) -> Candidates:
    """Return *chosen* with the cross-encoder's logits, telling how far it is."""
    logits: list[NDArray[np.float32]] = []
    for start in range(0, len(chosen), READ_AT_ONCE):
        some = slice(start, start + READ_AT_ONCE)
        part = Candidates(chosen.rows[some], chosen.columns[some])
        logits += part.read(texts[some], cards, reader).logits
        course.progress.stepped(len(logits), len(chosen))
    return replace(chosen, logits=tuple(logits))


def reader_of(reranker: Reranker, best: Contender) -> Reads:
    """Return the cross-encoder of *reranker*, computing in what suits the encoder of *best*."""
    engine = serving.engine_for(best.bundle.encoder.digest)
    return serving.WarmCrossEncoder(reranker.source, reranker.digest, engine)


def taught(course: Course, best: Contender) -> Reranker | None:
    """Return a cross-encoder that learnt from *best*, and whose word weighs nothing yet.

    It is trained once in a run. None where no document has a label to be mistaken for another, or,
    with several labels a document, where there is none to learn from.
    """
    bundle, material = best.bundle, course.material
    head = "silver" if bundle.self_trains else "gold"
    folder = course.folder / f"rerank-{bundle.encoder.digest[:16]}-{head}"
    trained = folder / "cross-encoder"
    if not trained.is_dir():
        found = lists(course, best)[: course.recipe.rerank_documents]
        if not found:
            return None
        course.put_model(trained, _train(course, best, found, folder))
    return Reranker(
        source=str(trained),
        digest=weights.digest_of(str(trained), settings.BUNDLE_DIR),
        cards=material.cards,
        candidate=0.0,
        first=1.0,
        second=0.0,
        gold=len(material.examples),
    )


def lists(course: Course, best: Contender) -> list[tuple[int, NDArray[np.int64]]]:
    """Return rows of examples to learn from, closest calls first, with their candidates."""
    material = course.material
    training = material.examples.rows(Split.TRAIN)
    told = contenders.learner_of(best, material.examples, material.terms, training)
    known = (
        told.out_of_fold(seed=course.seed).sum(best.weights),
        material.examples.targets[training],
        material.terms.relations.overlaps,
        material.ruled_out[training],
    )
    if best.bundle.multi:
        offset = best.bundle.calibration.offset
        found = reranking.lists_of_open(*known, offset=offset, size=SIZE)
    else:
        found = reranking.lists(*known, size=SIZE)
    return [(int(training[row]), columns) for row, columns in found]


def _train(
    course: Course,
    best: Contender,
    found: Sequence[tuple[int, NDArray[np.int64]]],
    folder: Path,
) -> Any:
    from inference.cross_encode import load_model
    from training.trainers.rerank import Lists, teach

    material, recipe = course.material, course.recipe
    start = recipe.cross_encoder or best.bundle.encoder.source
    model = load_model(weights.directory_of(start, settings.BUNDLE_DIR))
    teach(
        model,
        Lists(
            texts=[material.examples.texts[row] for row, _ in found],
            columns=[columns for _, columns in found],
            shares=[_shares(course, best, row, columns) for row, columns in found],
            cards=material.cards,
            multi=best.bundle.multi,
        ),
        epochs=recipe.rerank_epochs,
        engine=serving.engine_for(material.base.digest),
        seed=course.seed,
        folder=folder / "checkpoints",
        watch=course.progress,
    )
    return model


def _shares(
    course: Course, best: Contender, row: int, columns: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return how right each candidate of the example at *row* is."""
    material = course.material
    if best.bundle.multi:
        right: NDArray[np.float32] = material.examples.targets[row, columns].astype(np.float32)
        return right
    return reranking.shares(columns, material.terms.relations)


def accepting(bundle: Bundle, contender: Contender, material: Material) -> Bundle:
    """Return *bundle* with the certainty from which its reranker accepts.

    Args:
        bundle: as it will serve; the contender's with all gold and its own thresholds.
        contender: whose head and words have not seen the held-out gold. Of that the test part
            speaks alone: by the other what both looks weigh was fitted.
    """
    if bundle.reranker is None or bundle.multi:  # with several labels none is accepted
        return bundle
    judge = replace(contender.bundle, thresholds=bundle.thresholds, calibration=bundle.calibration)
    rows = material.examples.rows(Split.TEST)
    scores = replace(contender, bundle=judge).scores(rows)
    first = scores.probabilities.argmax(axis=1)  # (documents,)
    right = material.examples.targets[rows, first]
    twice = scores.reranked
    cut = reranking.accept(
        Judged(
            scores.probabilities.max(axis=1)[twice],
            right[twice],
            material.examples.threads[rows][twice],
        ),
        promise=material.terms.promise,
    )
    return replace(bundle, reranker=replace(bundle.reranker, accept=cut))


def as_served(contender: Contender, served: Bundle | None) -> Contender:
    """Return *contender* with the reranker of *served*, if it has one and speaks of its labels."""
    if served is None or served.reranker is None:
        return contender
    if served.label_ids != contender.bundle.label_ids:
        return contender
    bundle = replace(contender.bundle, reranker=served.reranker)
    return replace(contender, bundle=bundle, reader=serving.cross_encoder(bundle))


def kept(reranker: Reranker | None) -> Reranker | None:
    """Return *reranker* with its cross-encoder kept beside the bundles, if it is one of a run's."""
    if reranker is None or Path(settings.RUN_DIR) not in Path(reranker.source).parents:
        return reranker
    return replace(reranker, source=weights.keep(Path(reranker.source), settings.BUNDLE_DIR))
