"""A second look at close calls: what a cross-encoder reads, and what its word changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

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
    candidate: least probability of a label that is read, in [0, 1].
    first, second: what log-probability and cross-encoder's logit weigh in the end.
    gold: documents of gold when that was measured.
    accept: as Thresholds.accept, for documents that were looked at twice.
    """

    source: str
    digest: str
    cards: tuple[str, ...]
    candidate: float
    first: float
    second: float
    gold: int
    accept: float = NEVER


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Which labels of which documents are worth a second look.

    rows: (documents,), places of the documents, ascending.
    columns: for each of them the places of its candidates, likeliest first; two at least.
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


def candidates(reranker: Reranker, probabilities: Floats, found: Sequence[Bucket]) -> Candidates:
    """Return what is worth a second look: close calls with two candidates or more.

    A document that is accepted needs none, and one that nothing fits is nobody's close call.

    Args:
        probabilities: calibrated, (documents, labels).
        found: the bucket of each document at first sight.
    """
    rows, columns = [], []
    for row in np.flatnonzero([bucket == Bucket.REVIEW for bucket in found]).tolist():
        likely = likely_labels(probabilities[row], reranker.candidate)
        if len(likely) > 1:
            rows.append(row)
            columns.append(likely)
    return Candidates(np.asarray(rows, dtype=np.int64), tuple(columns))


def likely_labels(probabilities: Floats, least: float) -> NDArray[np.int64]:
    """Return places of the labels of *least* probability or more, at most MOST, likeliest first.

    Args:
        probabilities: of one document, (labels,).
    """
    order = np.argsort(-probabilities, kind="stable")[:MOST]
    return order[probabilities[order] >= least]


def combine(
    reranker: Reranker,
    chosen: Candidates,
    *,
    logits: Floats,
    probabilities: Floats,
    temperature: float,
) -> tuple[Floats, Floats]:
    """Return logits and probabilities, (documents, labels), after the second look.

    The probability of a document's candidates together stays; among them it is shared out as
    softmax(first · ln p + second · r). Logits l change by as much: where p = softmax(l / T) held
    before, it holds after.

    Args:
        chosen: read, so that it holds the cross-encoder's logits r.
        temperature: T, of the bundle.
    """
    logits, probabilities = logits.copy(), probabilities.copy()
    for row, columns, scores in zip(chosen.rows, chosen.columns, chosen.logits, strict=True):
        if not np.isfinite(scores).all():  # a broken word is no word
            continue
        before = np.log(np.maximum(probabilities[row, columns].astype(np.float64), LEAST))
        mixed = reranker.first * before + reranker.second * scores
        after = mixed - logsumexp(mixed) + logsumexp(before)
        probabilities[row, columns] = np.exp(after)
        logits[row, columns] += temperature * (after - before)
    return logits, probabilities
