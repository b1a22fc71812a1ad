"""How often each person is right, of the documents that several judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import TypeVar

import numpy as np

from labeling.distances import Answer
from labeling.judgements import Judgement
from labeling.reviewer_accuracy import UNKNOWN, Judgements, one_coin

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reliability:
    """accuracy: share of right answers, in (0, 1), drawn to that of all where judgements are few.

    judgements: of documents that somebody else judged, or whose answer is known.
    on: accuracy where this answer is right, drawn to the person's own; of answers they met.
    """

    person: int
    accuracy: float
    judgements: int
    on: Mapping[Answer, float] = field(default_factory=dict)

    def on_each(self, answers: Sequence[Answer]) -> float:
        """Return the mean accuracy where one of *answers* is right, each as often."""
        return fmean(self.on.get(answer, self.accuracy) for answer in answers)


def of(judgements: Sequence[Judgement], rulings: Mapping[int, Answer]) -> list[Reliability]:
    """Return how often each person is right, the least often first (Dawid and Skene, 1979).

    Args:
        rulings: the right answer of documents, where it is known.
    """
    if not judgements:
        return []
    documents = _places(each.document for each in judgements)
    people = _places(each.reviewer for each in judgements)
    answers = _places([*(each.labels for each in judgements), *rulings.values()])
    gold = np.full(len(documents), UNKNOWN)
    for document, answer in rulings.items():
        if document in documents:
            gold[documents[document]] = answers[answer]
    found = one_coin(
        Judgements(
            document=np.array([documents[each.document] for each in judgements]),
            reviewer=np.array([people[each.reviewer] for each in judgements]),
            answer=np.array([answers[each.labels] for each in judgements]),
            gold=gold,
            reviewers=len(people),
            answers=len(answers),
        )
    )
    known = list(answers)
    on: dict[int, dict[Answer, float]] = {place: {} for place in people.values()}
    for place, answer, accuracy in zip(
        found.of_reviewer.tolist(), found.of_answer.tolist(), found.on_answer.tolist(), strict=True
    ):
        on[place][known[answer]] = accuracy
    told = [
        Reliability(person, float(found.accuracy[place]), int(found.judgements[place]), on[place])
        for person, place in people.items()
    ]
    return sorted(told, key=lambda each: each.accuracy)


def _places(things: Iterable[T]) -> dict[T, int]:
    return {thing: place for place, thing in enumerate(dict.fromkeys(things))}
