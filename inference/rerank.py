"""A second look at close calls: what a cross-encoder reads, and what its word changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, logsumexp

from inference.buckets import NEVER, Bucket

Flags = NDArray[np.bool_]
Floats = NDArray[np.float32]

MOST: Final = 20
"""Candidates of a document that are read, likeliest first."""

LEAST: Final = 1e-12
"""Probability below which all are alike: their logarithm stays finite."""


@dataclass(frozen=True, slots=True)
class Reranker:
    """What a bundle needs for a second look.

    source, digest: of the cross-encoder; see weights.directory_of.
    cards: what it reads of each label, in the order of the bundle's labels; see `card_of`.
    candidate: least probability of a label that is read, in [0, 1]; with several labels a document
        it is as far from certainty as from impossibility, see `open_labels`.
    first, second: what log-probability and cross-encoder's logit weigh in the end; with several
        labels a document log odds stand in the place of the former, and *shift* is added.
    gold: documents of gold when that was measured.
    accept: as Thresholds.accept, for documents that were looked at twice; with several labels a
        document none of them is accepted.
    """

    source: str
    digest: str
    cards: tuple[str, ...]
    candidate: float
    first: float
    second: float
    gold: int
    accept: float = NEVER
    shift: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Which labels of which documents are worth a second look.

    rows: (documents,), places of the documents, ascending.
    columns: for each of them the places of its candidates, likeliest first (with several labels a
        document the most open first): two at least, where one of them is right.
    logits: for each of them what the cross-encoder says of each candidate; empty until it read.
    """

    rows: NDArray[np.int64]
    columns: tuple[NDArray[np.int64], ...]
    logits: tuple[Floats, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def pairs(self) -> int:
        """How many pairs of document and label there are to read."""
        return sum(map(len, self.columns))

    def read(self, texts: Sequence[str], cards: Sequence[str], reader: Reads) -> Candidates:
        """Return them with the cross-encoder's logits; all pairs are read at once.

        Args:
            texts: prepared, of each of the documents.
            cards: of all labels, see `card_of`.
        """
        pairs = [
            (text, cards[column])
            for text, columns in zip(texts, self.columns, strict=True)
            for column in columns.tolist()
        ]
        ends = np.cumsum([len(columns) for columns in self.columns])[:-1]
        return replace(self, logits=tuple(np.split(reader.score(pairs), ends)) if pairs else ())

    def take(self, kept: Flags) -> Candidates:
        """Return those of the documents that are *kept*, (documents,)."""
        places = np.flatnonzero(kept).tolist()
        return Candidates(
            self.rows[kept],
            tuple(self.columns[place] for place in places),
            tuple(self.logits[place] for place in places) if self.logits else (),
        )


class Reads(Protocol):
    """A cross_encode.CrossEncoder, or one that is loaded when it is needed."""

    def score(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """Return the logit of each (document, label), (pairs,), float32."""


def card_of(name: str, description: str, exclusions: Sequence[tuple[str, str]]) -> str:
    """Return what the cross-encoder reads of a label: unlike an encoder it may read negation.

    Args:
        exclusions: (situation, name of the label to use instead; empty for none).
    """
    refused = (
        f"Not for {situation.rstrip('.')}{f'; use {use}' if use else ''}."
        for situation, use in exclusions
    )
    return " ".join(filter(None, (f"{name}.", description, *refused)))


def candidates(
    reranker: Reranker, probabilities: Floats, found: Sequence[Bucket], *, multi: bool
) -> Candidates:
    """Return what is worth a second look.

    Where one label is right: close calls with two candidates or more, since a document that is
    accepted needs none, and one that nothing fits is nobody's close call. With several labels a
    document: whatever is not accepted and has an open label, which may be the one that fits.

    Args:
        probabilities: calibrated, (documents, labels).
        found: the bucket of each document at first sight.
    """
    asked = {Bucket.REVIEW, Bucket.NONE_FITS} if multi else {Bucket.REVIEW}
    worth, fewest = (open_labels, 1) if multi else (likely_labels, 2)
    rows, columns = [], []
    for row in np.flatnonzero([bucket in asked for bucket in found]).tolist():
        chosen = worth(probabilities[row], reranker.candidate)
        if len(chosen) >= fewest:
            rows.append(row)
            columns.append(chosen)
    return Candidates(np.asarray(rows, dtype=np.int64), tuple(columns))


def likely_labels(probabilities: Floats, least: float) -> NDArray[np.int64]:
    """Return places of the labels of *least* probability or more, at most MOST, likeliest first.

    Args:
        probabilities: of one document, (labels,).
    """
    order = np.argsort(-probabilities, kind="stable")[:MOST]
    return order[probabilities[order] >= least]


def open_labels(probabilities: Floats, least: float) -> NDArray[np.int64]:
    """Return places of labels that may as well be wrong as right, at most MOST, most open first.

    Args:
        probabilities: of one document, (labels,), independent of each other.
        least: of both, to be right and to be wrong.
    """
    doubt = np.minimum(probabilities, 1 - probabilities)
    order = np.argsort(-doubt, kind="stable")[:MOST]
    return order[doubt[order] >= least]


def combine(
    reranker: Reranker,
    chosen: Candidates,
    *,
    logits: Floats,
    probabilities: Floats,
    temperature: float,
    multi: bool,
) -> tuple[Floats, Floats]:
    """Return logits and probabilities, (documents, labels), after the second look.

    Where one label is right, the probability of a document's candidates together stays; among
    them it is shared out as softmax(first · ln p + second · r). With several labels a document each
    comes to have the log odds first · ln(p / (1 - p)) + second · r + shift. Logits l change by as
    much: where p = softmax(l / T), or sigmoid, held before, it holds after.

    Args:
        chosen: read, so that it holds the cross-encoder's logits r.
        temperature: T, of the bundle.
    """
    logits, probabilities = logits.copy(), probabilities.copy()
    for row, columns, scores in zip(chosen.rows, chosen.columns, chosen.logits, strict=True):
        if not np.isfinite(scores).all():  # a broken word is no word
            continue
        before = known(probabilities[row, columns], multi=multi)
        after = reranker.first * before + reranker.second * scores
        if multi:
            after += reranker.shift
            probabilities[row, columns] = expit(after)
        else:
            after += logsumexp(before) - logsumexp(after)
            probabilities[row, columns] = np.exp(after)
        logits[row, columns] += temperature * (after - before)
    return logits, probabilities


def known(probabilities: Floats, *, multi: bool) -> NDArray[np.float64]:
    """Return the logarithms of *probabilities*; with several labels a document, their log odds."""
    chances = np.maximum(probabilities.astype(np.float64), LEAST)
    return logit(np.minimum(chances, 1 - LEAST)) if multi else np.log(chances)
