"""Encode, retrieve, head, calibrate, decide: texts in, one verdict each out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from inference.buckets import Bucket, assigned, bucket_all, margins
from inference.bundle import Bundle
from inference.features import Features
from inference.rerank import Candidates, Reads, candidates, combine
from inference.retrieve import top
from inference.terms import count_terms

TextsAt = Callable[[Sequence[int]], Sequence[str]]
"""From places of documents to their prepared texts."""

CANDIDATES: Final = 20
"""Labels logged with every prediction, best first."""


class Candidate(NamedTuple):
    """One proposed label: cosine in [-1, 1], uncalibrated logit, probability in [0, 1]."""

    label_id: int
    similarity: float
    logit: float
    probability: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a bundle says about one document.

    margin: distance from a close call, in [0, 1]; see buckets.margins.
    candidates: at most CANDIDATES, best first.
    label_ids: the labels it would assign; none where nothing fits.
    reranked: whether a cross-encoder read the document, too.
    """

    bucket: Bucket
    margin: float
    candidates: tuple[Candidate, ...]
    label_ids: tuple[int, ...]
    reranked: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """All scores of some documents, each (documents, labels), float32; see Candidate.

    twice: places of the documents that were looked at twice.
    pairs: of document and label that were read for that.
    """

    similarities: NDArray[np.float32]
    logits: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    twice: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    pairs: int = 0

    @property
    def reranked(self) -> NDArray[np.bool_]:
        """Whether each document was looked at twice, (documents,)."""
        flags = np.zeros(len(self.logits), dtype=bool)
        flags[self.twice] = True
        return flags


class Encodes(Protocol):
    """An encode.Encoder, or one that is loaded when it is needed."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors, (texts, dim), float32."""


def classify(
    bundle: Bundle, encoder: Encodes, texts: Sequence[str], reader: Reads | None = None
) -> list[Verdict]:
    """Return the verdict on each of *texts*, which texts.prepare made.

    Args:
        reader: the cross-encoder of the bundle's reranker; without one nothing is looked at twice.
    """
    counts = count_terms(texts) if bundle.lexical else None
    scores = score(bundle, Features(encoder.encode(texts), counts))
    return decide(bundle, look_again(bundle, scores, chosen_from(texts), reader))


def score(bundle: Bundle, features: Features) -> Scores:
    """Score every label for every document.

    Args:
        bundle: with labels in the order of the columns returned.
        features: by the bundle's encoder, with counts where the bundle reads words.
    """
    similarities = features.vectors @ bundle.label_vectors.T  # retrieve: (documents, labels)
    logits = bundle.logits(features)
    probabilities = bundle.calibration.probabilities(logits, multi=bundle.multi)
    return Scores(similarities, logits, probabilities)


def chosen_from(texts: Sequence[str]) -> TextsAt:
    """Return what gives the texts at some places of *texts*."""
    return lambda places: [texts[place] for place in places]


def look_again(bundle: Bundle, scores: Scores, texts: TextsAt, reader: Reads | None) -> Scores:
    """Return *scores* after the bundle's cross-encoder read what is worth it; see `candidates`.

    Args:
        scores: at first sight.
        texts: of the documents that were scored; asked for those that are read alone.
        reader: the cross-encoder that the bundle's reranker names; without one nothing is read.
    """
    if bundle.reranker is None or reader is None:
        return scores
    found = bucket_all(scores.probabilities, scores.logits, bundle.thresholds)
    chosen = candidates(bundle.reranker, scores.probabilities, found, multi=bundle.multi)
    read = chosen.read(texts(chosen.rows.tolist()), bundle.reranker.cards, reader)
    return second_thoughts(bundle, scores, read)


def second_thoughts(bundle: Bundle, scores: Scores, read: Candidates) -> Scores:
    """Return *scores* with what the cross-encoder said of the candidates it *read*.

    Raises:
        ValueError: the bundle has no reranker.
    """
    if bundle.reranker is None:
        raise ValueError("no reranker says what its word weighs")
    logits, probabilities = combine(
        bundle.reranker,
        read,
        logits=scores.logits,
        probabilities=scores.probabilities,
        temperature=bundle.calibration.temperature,
        multi=bundle.multi,
    )
    twice = np.concatenate([scores.twice, read.rows])
    return Scores(scores.similarities, logits, probabilities, twice, scores.pairs + read.pairs)


def decide(bundle: Bundle, scores: Scores) -> list[Verdict]:
    """Put each scored document into its bucket, with its first candidates, best logit first."""
    thresholds = bundle.thresholds
    ids = np.asarray(bundle.label_ids)
    gaps = margins(scores.probabilities, thresholds)
    chosen = assigned(scores.probabilities, thresholds)
    return [
        Verdict(bucket, float(gap), ranked, _labels(bucket, ids[row]), twice)
        for bucket, gap, ranked, row, twice in zip(
            buckets_of(bundle, scores),
            gaps,
            rank(bundle, scores),
            chosen,
            scores.reranked.tolist(),
            strict=True,
        )
    ]


def buckets_of(bundle: Bundle, scores: Scores) -> list[Bucket]:
    """Return the bucket of each document; of those looked at twice by the reranker's threshold.

    With several labels a document, one that was looked at twice is for a person.
    """
    found = bucket_all(scores.probabilities, scores.logits, bundle.thresholds)
    if bundle.reranker is None:
        return found
    second: list[Bucket]
    if bundle.multi:
        second = [Bucket.REVIEW if each == Bucket.AUTO else each for each in found]
    else:
        sure = scores.probabilities.max(axis=1) >= np.float32(bundle.reranker.accept)
        second = [Bucket.AUTO if each else Bucket.REVIEW for each in sure.tolist()]
    return [
        again if twice else first
        for first, again, twice in zip(found, second, scores.reranked, strict=True)
    ]


def accepts(bundle: Bundle, scores: Scores) -> NDArray[np.bool_]:
    """Return which documents need no person, (documents,)."""
    return np.array([bucket == Bucket.AUTO for bucket in buckets_of(bundle, scores)], dtype=bool)


def _labels(bucket: Bucket, ids: NDArray[np.int64]) -> tuple[int, ...]:
    return () if bucket == Bucket.NONE_FITS else tuple(ids.tolist())


def rank(bundle: Bundle, scores: Scores, k: int = CANDIDATES) -> list[tuple[Candidate, ...]]:
    """Return the *k* candidates of each document, best logit first.

    Similarities and logits are rounded to four digits after the point, probabilities to six: they
    are kept with every prediction.
    """
    best = top(scores.logits, k)  # (documents, k)
    ids = np.asarray(bundle.label_ids)[best].tolist()
    columns = [
        np.take_along_axis(values, best, axis=1).astype(np.float64).round(digits).tolist()
        for values, digits in (
            (scores.similarities, 4),
            (scores.logits, 4),
            (scores.probabilities, 6),
        )
    ]
    return [tuple(map(Candidate, *row)) for row in zip(ids, *columns, strict=True)]
