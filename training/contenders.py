"""A contender: an encoder with a head, fitted without the gold that judges it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from inference import pipeline
from inference.buckets import NEVER, Thresholds
from inference.bundle import Bundle, EncoderReference, Kind
from inference.calibrate import Calibration
from inference.features import Features
from inference.head import Head
from inference.rerank import Reads
from inference.retrieve import LabelVectorText
from training import calibration
from training.examples import Examples, Relations
from training.learner import Channels, Learner, Weights, WordWeights, choose_weights
from training.splits import Split
from training.teaching import Lesson, choose_thresholds

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """What holds for every contender.

    labels: in the order of all rows and columns.
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

    features: of all examples.
    pool: of documents to come, for whom precision is promised.
    around: of other open documents, that carry silver.
    bundle: unwritten; its head knows the training documents only.
    texts: of all examples.
    weights: of the words beside the head, chosen on validation.
    reader: the cross-encoder of the bundle's reranker; None where it has none.
    """

    features: Features
    pool: Features
    around: Features
    bundle: Bundle
    texts: Sequence[str]
    weights: Weights = ()
    reader: Reads | None = None

    def scores(self, rows: NDArray[np.int64]) -> pipeline.Scores:
        """Return the bundle's scores of the examples at *rows*, after the second look if any."""
        scores = pipeline.score(self.bundle, self.features.take(rows))
        texts = pipeline.chosen_from([self.texts[row] for row in rows])
        return pipeline.look_again(self.bundle, scores, texts, self.reader)


def contend(
    encoder: EncoderReference,
    label_vectors: Floats,
    features: Features,
    open_documents: Features,
    examples: Examples,
    terms: Terms,
    *,
    self_trains: bool = False,
) -> Contender:
    """Fit head and words on the training documents, probabilities and thresholds on validation.

    Every other of the open documents carries silver; how sure one may be is judged by the rest,
    for the model is too sure of what it learnt from.

    Out-of-fold logits would flatter an encoder that was trained on the same documents, so the
    probabilities rest on documents that neither it nor the head has learnt from.
    """
    blank = replace(_untaught(encoder, label_vectors, terms), self_trains=self_trains)
    untaught = _with_offset(blank, features, examples, terms)
    halves = np.arange(len(open_documents)) % 2 == 0
    contender = Contender(
        features,
        open_documents.take(halves),
        open_documents.take(~halves),
        untaught,
        examples.texts,
    )
    learner = learner_of(contender, examples, terms, examples.rows(Split.TRAIN))
    head, words = learner.learn()
    contender = replace(contender, bundle=replace(untaught, head=head))
    held_out = examples.rows(Split.VALIDATION)
    weights = _weights(contender, learner, words, examples, held_out)
    bundle = replace(contender.bundle, lexical=learner.lexical(words, weights))
    contender = replace(contender, bundle=bundle, weights=weights)
    return replace(contender, bundle=_calibrated(contender, examples, held_out, terms))


def complete(contender: Contender, examples: Examples, terms: Terms) -> Bundle:
    """Return the bundle to serve: its head and words know all gold, unwritten.

    Probabilities and thresholds rest on validation and test documents as the head of training
    documents scored them: unseen by both encoder and head, and if anything too cautious.
    """
    held_out = examples.rows(Split.VALIDATION, Split.TEST)
    calibrated = _calibrated(contender, examples, held_out, terms)
    learner = learner_of(contender, examples, terms, np.arange(len(examples)))
    head, words = learner.learn()
    return replace(calibrated, head=head, lexical=learner.lexical(words, contender.weights))


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


def _with_offset(bundle: Bundle, features: Features, examples: Examples, terms: Terms) -> Bundle:
    """Return *bundle* with the offset that fits the training documents (multi-label)."""
    if not bundle.multi:
        return bundle
    rows = examples.rows(Split.TRAIN)
    plain = bundle.logits(features.take(rows))
    offset = calibration.fit_offset(plain, examples.targets[rows], terms.offset)
    return replace(bundle, calibration=Calibration(1.0, offset))


def learner_of(
    contender: Contender, examples: Examples, terms: Terms, rows: NDArray[np.int64]
) -> Learner:
    """Return what fits the contender's channels on the examples at *rows*."""
    return Learner(
        contender.bundle,
        contender.features.take(rows),
        examples.targets[rows],
        terms.relations.overlaps,
        contender.around,
        examples.weights[rows],
        threads=examples.threads[rows],
        self_trains=contender.bundle.self_trains,
    )


def _weights(
    contender: Contender,
    learner: Learner,
    words: WordWeights,
    examples: Examples,
    held_out: NDArray[np.int64],
) -> Weights:
    """Return the weights of *words* that fit the documents at *held_out* best."""
    if not words:
        return ()
    features = contender.features.take(held_out)
    bundle = contender.bundle
    tfidf = learner.vocabulary.tfidf(features.counts)  # (documents, terms)
    dense = bundle.head.logits(features.vectors, bundle.label_vectors)
    return choose_weights(
        Channels(dense, tuple(np.asarray(tfidf @ each) for each in words)),
        examples.targets[held_out],
        multi=bundle.multi,
        offset=bundle.calibration.offset,
    )


def _calibrated(
    contender: Contender, examples: Examples, held_out: NDArray[np.int64], terms: Terms
) -> Bundle:
    """Return the bundle with temperature and thresholds chosen on the documents at *held_out*."""
    bundle, targets = contender.bundle, examples.targets[held_out]
    features = contender.features.take(held_out)
    logits = bundle.logits(features)
    calibrated = calibration.fit(
        logits,
        targets,
        examples.threads[held_out],
        multi=bundle.multi,
        offset=bundle.calibration.offset,
        usual=calibration.usual_temperature(
            contender.weights, len(examples.rows(Split.TRAIN)), silver=bundle.self_trains
        ),
        gold=len(examples),
    )
    bundle = replace(bundle, calibration=calibrated)
    lesson = Lesson(
        gold=features,
        targets=targets,
        overlaps=terms.relations.overlaps,
        pool=contender.pool,
        around=contender.around,
        promise=terms.promise,
        threads=examples.threads[held_out],
    )
    return replace(bundle, thresholds=choose_thresholds(bundle, lesson, logits, seed=terms.seed))
