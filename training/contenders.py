"""A contender: an encoder with a head, fitted without the gold that judges it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from inference import pipeline
from inference.buckets import NEVER, Thresholds
from inference.bundle import Bundle, EncoderReference, Kind
from inference.calibrate import Calibration
from inference.head import Head
from inference.retrieve import LabelVectorText
from training import calibration
from training.examples import Examples, Relations
from training.head import fit
from training.splits import Split
from training.teaching import Lesson, choose_thresholds

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """What holds for every contender.

    labels: in the order of all rows and columns.
    pool: as `teaching.Lesson.pool`, by the contender's own encoder.
    promise: precision of what is accepted, in (0, 1).
    offset: multi-label: the offset of logits where there is no gold.
    """

    kind: Kind
    labels: Sequence[LabelVectorText]
    relations: Relations
    taxonomy_number: int
    promise: float
    offset: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Contender:
    """An encoder's view of the examples, and the bundle fitted on it.

    vectors: of all examples, unit, (documents, dim).
    pool: of documents to come, unit, (others, dim).
    bundle: unwritten; its head knows the training documents only.
    """

    vectors: Floats
    pool: Floats
    bundle: Bundle

    def scores(self, rows: NDArray[np.int64]) -> pipeline.Scores:
        """Return the bundle's scores of the examples at *rows*."""
        return pipeline.score(self.bundle, self.vectors[rows])


def contend(
    encoder: EncoderReference,
    label_vectors: Floats,
    vectors: Floats,
    pool: Floats,
    examples: Examples,
    terms: Terms,
) -> Contender:
    """Fit the head on the training documents, probabilities and thresholds on validation.

    Out-of-fold logits would flatter an encoder that was trained on the same documents, so the
    probabilities rest on documents that neither it nor the head has learnt from.
    """
    bundle = _fitted(_untaught(encoder, label_vectors, terms), vectors, examples, terms)
    held_out = examples.rows(Split.VALIDATION)
    return Contender(vectors, pool, _calibrated(bundle, vectors, pool, examples, held_out, terms))


def complete(contender: Contender, examples: Examples, terms: Terms) -> Bundle:
    """Return the bundle to serve: its head knows all gold, unwritten.

    Probabilities and thresholds rest on validation and test documents as the head of training
    documents scored them: unseen by both encoder and head, and if anything too cautious.
    """
    held_out = examples.rows(Split.VALIDATION, Split.TEST)
    calibrated = _calibrated(
        contender.bundle, contender.vectors, contender.pool, examples, held_out, terms
    )
    head = _head(calibrated, contender.vectors, examples, terms)
    return replace(calibrated, head=head)


def _untaught(encoder: EncoderReference, label_vectors: Floats, terms: Terms) -> Bundle:
    multi = terms.kind == "multi"
    return Bundle(
        kind=terms.kind,
        encoder=encoder,
        labels=tuple(terms.labels),
        label_vectors=label_vectors,
        head=Head.zero(*label_vectors.shape),
        calibration=Calibration(1.0, terms.offset if multi else 0.0),
        thresholds=Thresholds(NEVER, None, (0.5,) * len(terms.labels) if multi else ()),
        taxonomy_number=terms.taxonomy_number,
    )


def _fitted(bundle: Bundle, vectors: Floats, examples: Examples, terms: Terms) -> Bundle:
    """Return *bundle* with the offset and the head of the training documents."""
    rows = examples.rows(Split.TRAIN)
    if bundle.multi:
        plain = bundle.head.logits(vectors[rows], bundle.label_vectors)
        offset = calibration.fit_offset(plain, examples.targets[rows], terms.offset)
        bundle = replace(bundle, calibration=Calibration(1.0, offset))
    return replace(bundle, head=_head(bundle, vectors[rows], examples.take(rows), terms))


def _head(bundle: Bundle, vectors: Floats, examples: Examples, terms: Terms) -> Head:
    return fit(
        vectors,
        examples.targets,
        bundle.label_vectors,
        kind=terms.kind,
        overlaps=terms.relations.overlaps,
        weights=examples.weights,
        offset=bundle.calibration.offset,
    )


def _calibrated(
    bundle: Bundle,
    vectors: Floats,
    pool: Floats,
    examples: Examples,
    held_out: NDArray[np.int64],
    terms: Terms,
) -> Bundle:
    """Return *bundle* with temperature and thresholds chosen on the documents at *held_out*."""
    targets = examples.targets[held_out]
    logits = bundle.head.logits(vectors[held_out], bundle.label_vectors)
    offset = bundle.calibration.offset
    temperature = calibration.fit_temperature(logits - offset, targets, multi=bundle.multi)
    bundle = replace(bundle, calibration=Calibration(temperature, offset))
    lesson = Lesson(vectors[held_out], targets, terms.relations.overlaps, pool, terms.promise)
    return replace(bundle, thresholds=choose_thresholds(bundle, lesson, logits, seed=terms.seed))
