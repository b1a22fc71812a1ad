"""Documents that several people judged, as arrays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from labeling.distances import Answer, Indices


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one person said of one document. labels: none where nothing fits."""

    document: int
    reviewer: int
    labels: Answer
    at: datetime


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """The newest judgement of each person of each document that several judged.

    answers: distinct ones, in a fixed order.
    document, reviewer, answer: (judgements,), by document and then by person; the first and the
        last are places, 0, 1, …
    """

    answers: list[Answer]
    document: Indices
    reviewer: Indices
    answer: Indices

    @property
    def people(self) -> Indices:
        """Judgements of each document, (documents,)."""
        return np.bincount(self.document)


def several(judgements: Iterable[Judgement]) -> Judged:
    """Return the newest judgement of each person of each document that several judged."""
    newest = {(each.document, each.reviewer): each for each in sorted(judgements, key=_when)}
    people: dict[int, list[int]] = {}
    for document, reviewer in sorted(newest):
        people.setdefault(document, []).append(reviewer)
    kept = [(document, who) for document, who in people.items() if len(who) > 1]
    said = [newest[document, each].labels for document, who in kept for each in who]
    answers = sorted(set(said), key=sorted)
    places = {answer: place for place, answer in enumerate(answers)}
    return Judged(
        answers,
        np.repeat(np.arange(len(kept)), [len(who) for _, who in kept]),
        np.array([each for _, who in kept for each in who], dtype=np.int64),
        np.array([places[answer] for answer in said], dtype=np.int64),
    )


def _when(judgement: Judgement) -> datetime:
    return judgement.at


def pairs(document: Indices) -> tuple[Indices, Indices]:
    """Return the places of the two of every ordered pair within a document, itself included.

    Args:
        document: sorted, (judgements,).
    """
    sizes = np.bincount(document)
    many = sizes[document]  # (judgements,)
    left = np.repeat(np.arange(len(document)), many)
    step = np.arange(len(left)) - np.repeat(np.cumsum(many) - many, many)
    return left, (np.cumsum(sizes) - sizes)[document[left]] + step
