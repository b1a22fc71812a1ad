"""Encode, retrieve, head, calibrate, decide: texts in, one verdict each out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from inference.buckets import Bucket, assigned, bucket_all, margins
from inference.bundle import Bundle
from inference.encode import Encoder
from inference.features import Features
from inference.retrieve import top
from inference.terms import count_terms

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
    """

    bucket: Bucket
    margin: float
    candidates: tuple[Candidate, ...]
    label_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """All scores of some documents, each (documents, labels), float32; see Candidate."""

    similarities: NDArray[np.float32]
    logits: NDArray[np.float32]
    probabilities: NDArray[np.float32]


def classify(bundle: Bundle, encoder: Encoder, texts: Sequence[str]) -> list[Verdict]:
    """Return the verdict on each of *texts*, which texts.prepare made."""
    counts = count_terms(texts) if bundle.lexical else None
    return decide(bundle, score(bundle, Features(encoder.encode(texts), counts)))


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


def decide(bundle: Bundle, scores: Scores) -> list[Verdict]:
    """Put each scored document into its bucket, with its first candidates, best logit first."""
    thresholds = bundle.thresholds
    ids = np.asarray(bundle.label_ids)
    gaps = margins(scores.probabilities, thresholds)
    chosen = assigned(scores.probabilities, thresholds)
    found = bucket_all(scores.probabilities, scores.logits, thresholds)
    ranked = rank(bundle, scores)
    return [
        Verdict(bucket, float(gap), candidates, _labels(bucket, ids[row]))
        for bucket, gap, candidates, row in zip(found, gaps, ranked, chosen, strict=True)
    ]


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
