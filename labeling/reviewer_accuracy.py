"""How often each reviewer is right, where several judged and nobody knows what is right.

Expectation maximisation of Dawid and Skene (1979, Applied Statistics 28, 20-28,
https://doi.org/10.2307/2346806): from what the reviewers are worth follows which answers are right,
and from that what they are worth, in turns until nothing moves. It starts with each answer as
likely as the share of people who gave it, and is deterministic.

Two variants. `one_coin` for any number of labels: each reviewer has one accuracy, and one for each
label drawn towards it; who errs, errs towards a label as often as it is given at all, and labels
are taken to be as common as they are given: learnt in turns, a label met once soon is certain or
never right. It keeps no matrix of labels by labels, which few judgements of 5,000 could not fill.
`full_confusion` for few labels: the paper's own model, which says what is taken for what.

Ours, because crowd-kit's keep a matrix of labels by labels for each person, even of one accuracy.

Answers are places 0, 1, …: of labels, and of "nothing fits" as one more; where documents have
several labels, of distinct sets.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Indices = NDArray[np.integer[Any]]

UNKNOWN: Final = -1  # in place of an answer, where there is no gold
ROUNDS: Final = 200
TOLERANCE: Final = 1e-5
"""Convergence: no probability of an answer moved more in a round."""

USUAL: Final = 0.8
"""Accuracy of people of whom nothing is known; counts as much as BEFOREHAND judgements."""
BEFOREHAND: Final = 5.0
"""Judgements that the accuracy of all counts in that of one: who gave 5 stands half way."""
LABEL: Final = 30.0
"""Judgements that a reviewer's accuracy counts in theirs on one label. A share of 30 has a standard
error of 0.07 at 0.8, about as far as one person's labels differ; with 10, luck on a label made
itself true, and of two who differed one was believed too surely."""
FEW: Final = 100  # answers up to which confusions are kept in full


@dataclass(frozen=True)
class Judgements:
    """Who said what of which document.

    document, reviewer, answer: (judgements,), places. A person may judge a document repeatedly.
    gold: (documents,), the right answer where it is known, else UNKNOWN.
    reviewers, answers: how many there are.
    """

    document: Indices
    reviewer: Indices
    answer: Indices
    gold: Indices
    reviewers: int
    answers: int

    @cached_property
    def sizes(self) -> Indices:
        """Judgements of each document, (documents,)."""
        return np.bincount(self.document, minlength=len(self.gold))

    @cached_property
    def teaches(self) -> Flags:
        """Whether each judgement can be held against anything: another, or gold; (judgements,)."""
        is_compared: Flags = (self.sizes > 1) | (self.gold != UNKNOWN)
        return np.asarray(is_compared[self.document])

    @cached_property
    def rests_on(self) -> Indices:
        """Judgements of each reviewer that teach, (reviewers,)."""
        return np.bincount(self.reviewer[self.teaches], minlength=self.reviewers)


@dataclass(frozen=True, slots=True, eq=False)
class Accuracies:
    """What one_coin found.

    accuracy: (reviewers,), in (0, 1). judgements: (reviewers,), that it rests on.
    of_reviewer, of_answer, on_answer, on_judgements: for each reviewer and right answer met, the
        accuracy on it and the expected number of judgements it rests on.
    document, answer, probability: of each answer given to a document, that it is right; sorted.
    elsewhere: (documents,), probability that an answer nobody gave is right.
    has_converged: before `rounds` was the most allowed.
    """

    accuracy: Floats
    judgements: Indices
    of_reviewer: Indices
    of_answer: Indices
    on_answer: Floats
    on_judgements: Floats
    document: Indices
    answer: Indices
    probability: Floats
    elsewhere: Floats
    rounds: int
    has_converged: bool


def one_coin(judgements: Judgements, *, most: int = ROUNDS) -> Accuracies:
    """Return each reviewer's accuracy, in all and by label, and what is likely right.

    A judgement of a document that nobody else judged, and that has no gold, is as likely right as
    its reviewer usually is; it says nothing of them.

    Args:
        most: rounds.
    """
    table = _Candidates(judgements)
    probability, elsewhere = table.by_share(), np.zeros(len(judgements.gold))
    moved, done = np.inf, 0
    while done < most and moved > TOLERANCE:
        accuracy, on_answer, on_judgements = table.accuracies(probability)
        before = probability
        probability, elsewhere = table.likely(accuracy, on_answer)
        moved, done = float(np.abs(probability - before).max(initial=0)), done + 1
    accuracy, on_answer, on_judgements = table.accuracies(probability)
    met = on_judgements > 0
    return Accuracies(
        accuracy,
        judgements.rests_on,
        table.keys[met] // judgements.answers,
        table.keys[met] % judgements.answers,
        on_answer[met],
        on_judgements[met],
        table.document,
        table.answer,
        probability,
        elsewhere,
        done,
        moved <= TOLERANCE,
    )


class _Candidates:
    """Answers given to each document, and its gold, beside every judgement of it.

    document, answer: (candidates,). candidate, judgement: (meetings,), one for each of the two in
    the same document; same: whether it gave it; key: place in `keys`, (reviewer, candidate) met.
    given: (answers,), share of judgements.
    """

    def __init__(self, judgements: Judgements) -> None:
        self.judgements, width = judgements, judgements.answers
        known = np.flatnonzero(judgements.gold != UNKNOWN)
        said = judgements.document * width + judgements.answer
        pairs = np.unique(np.concatenate([said, known * width + judgements.gold[known]]))
        self.document, self.answer = pairs // max(width, 1), pairs % max(width, 1)
        self.own = np.searchsorted(pairs, said)  # (judgements,), the candidate each gave
        order = np.argsort(judgements.document, kind="stable")
        sizes = judgements.sizes
        many = sizes[self.document]  # (candidates,)
        self.candidate = np.repeat(np.arange(len(pairs)), many)
        step = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
        starts = (np.cumsum(sizes) - sizes)[self.document[self.candidate]]
        self.judgement = order[starts + step]
        self.same = self.own[self.judgement] == self.candidate
        self.teaches = judgements.teaches[self.judgement]
        met = judgements.reviewer[self.judgement] * width + self.answer[self.candidate]
        self.keys, self.key = np.unique(met, return_inverse=True)
        gold = judgements.gold[self.document]
        self.is_gold, self.is_wrong = gold == self.answer, (gold != UNKNOWN) & (gold != self.answer)
        counts = np.bincount(judgements.answer, minlength=width)
        self.given = (counts + 1 / max(width, 1)) / (counts.sum() + 1)

    def by_share(self) -> Floats:
        """Return the share of a document's judgements that gave each candidate; gold is sure."""
        times = np.bincount(self.own, minlength=len(self.document))
        shares = times / np.maximum(self.judgements.sizes[self.document], 1)
        return np.where(self.is_wrong, 0.0, np.where(self.is_gold, 1.0, shares))

    def accuracies(self, probability: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the accuracy of each reviewer, at each key, and what the latter rests on."""
        judgements = self.judgements
        reviewer = judgements.reviewer[judgements.teaches]
        right = probability[self.own[judgements.teaches]]
        of_each = np.bincount(reviewer, right, minlength=judgements.reviewers)
        usual = (right.sum() + USUAL * BEFOREHAND) / (len(right) + BEFOREHAND)
        accuracy: Floats = (of_each + usual * BEFOREHAND) / (judgements.rests_on + BEFOREHAND)
        weight = np.where(self.teaches, probability[self.candidate], 0)
        on_judgements: Floats = np.bincount(self.key, weight, minlength=len(self.keys)).astype(
            float
        )
        rights = np.bincount(self.key, weight * self.same, minlength=len(self.keys))
        whose = self.keys // max(judgements.answers, 1)
        on_answer: Floats = (rights + accuracy[whose] * LABEL) / (on_judgements + LABEL)
        return accuracy, on_answer, on_judgements

    def likely(self, accuracy: Floats, on_answer: Floats) -> tuple[Floats, Floats]:
        """Return how likely each candidate is right, and of each document that none is."""
        judgements, documents = self.judgements, len(self.judgements.gold)
        common = np.log(self.given)  # (answers,)
        others = np.log1p(-np.minimum(self.given, 1 - 1e-12))  # of all others together
        error = common[judgements.answer]  # (judgements,)
        right = on_answer[self.key]
        wrong = np.log1p(-right) + error[self.judgement] - others[self.answer[self.candidate]]
        told = np.bincount(
            self.candidate, np.where(self.same, np.log(right), wrong), minlength=len(self.document)
        )
        logs = np.where(self.is_wrong, -np.inf, common[self.answer] + told)
        missed = np.log1p(-accuracy)[judgements.reviewer] + error
        by_all = np.bincount(judgements.document, missed, minlength=documents)
        none = by_all + self._not_given(common, others)
        none = np.where(judgements.gold == UNKNOWN, none, -np.inf)
        highest = none.copy()
        np.maximum.at(highest, self.document, logs)
        shares, rest = np.exp(logs - highest[self.document]), np.exp(none - highest)
        total = np.bincount(self.document, shares, minlength=documents) + rest
        return shares / total[self.document], rest / total

    def _not_given(self, common: Floats, others: Floats) -> Floats:
        """Return the log of Σ common / others^judgements over answers not given, (documents,).

        Args:
            common, others: logs, (answers,).
        """
        sizes, size = np.unique(self.judgements.sizes, return_inverse=True)
        totals = np.array([np.logaddexp.reduce(common - each * others) for each in sizes])[size]
        many = self.judgements.sizes[self.document]
        parts = common[self.answer] - many * others[self.answer] - totals[self.document]
        shares = np.bincount(self.document, np.exp(parts), minlength=len(totals))
        is_any = np.bincount(self.document, minlength=len(totals)) < len(self.given)
        rest = totals + np.log1p(-np.minimum(shares, 1 - 1e-12))
        return np.where(is_any, rest, -np.inf)


@dataclass(frozen=True, slots=True, eq=False)
class Confusions:
    """What full_confusion found.

    confusion: (reviewers, right answers, answers given), rows sum to 1.
    judgements: (reviewers, right answers), the expected number each row rests on.
    accuracy: (reviewers,), share right over answers as common as they are.
    prevalence: (answers,). probability: (documents, answers), that each is right.
    """

    confusion: Floats
    judgements: Floats
    accuracy: Floats
    prevalence: Floats
    probability: Floats
    rounds: int
    has_converged: bool


def full_confusion(
    judgements: Judgements, *, strength: float = BEFOREHAND, most: int = ROUNDS
) -> Confusions:
    """Return what each reviewer takes for what, and what is likely right.

    Args:
        strength: judgements that the confusions of all count in each row of one reviewer; 0 is the
            paper's model.
        most: rounds.

    Raises:
        ValueError: there are more than FEW answers.
    """
    if judgements.answers > FEW:
        raise ValueError(f"More than {FEW} answers; use one_coin.")
    fixed = judgements.gold != UNKNOWN
    probability = _by_share(judgements)
    prevalence, moved, done = probability.mean(axis=0), np.inf, 0
    while done < most and moved > TOLERANCE:
        confusion, rests_on = _confusion(judgements, probability, strength)
        prevalence = probability.mean(axis=0)
        logs = np.log(np.maximum(confusion, 1e-300))
        told = np.tile(np.log(np.maximum(prevalence, 1e-300)), (len(fixed), 1))
        np.add.at(told, judgements.document, logs[judgements.reviewer, :, judgements.answer])
        before = probability
        likely = np.exp(told - np.logaddexp.reduce(told, axis=1, keepdims=True))
        probability = np.where(fixed[:, None], before, likely)
        moved, done = float(np.abs(probability - before).max(initial=0)), done + 1
    confusion, rests_on = _confusion(judgements, probability, strength)
    prevalence = probability.mean(axis=0)
    accuracy = np.einsum("rtt,t->r", confusion, prevalence)
    return Confusions(
        confusion, rests_on, accuracy, prevalence, probability, done, moved <= TOLERANCE
    )


def _by_share(judgements: Judgements) -> Floats:
    shape = len(judgements.gold), judgements.answers
    counts = np.zeros(shape)
    np.add.at(counts, (judgements.document, judgements.answer), 1)
    known = np.flatnonzero(judgements.gold != UNKNOWN)
    counts[known] = 0
    counts[known, judgements.gold[known]] = 1
    silent = counts.sum(axis=1) == 0
    counts[silent] = 1
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def _confusion(
    judgements: Judgements, probability: Floats, strength: float
) -> tuple[Floats, Floats]:
    """Return (reviewers, right, given) shares, and the judgements each row rests on."""
    answers, taught = judgements.answers, judgements.teaches
    place = (judgements.reviewer * answers + judgements.answer)[taught]
    weight = probability[judgements.document[taught]]  # (judgements, right)
    flat = np.zeros((judgements.reviewers * answers, answers))
    np.add.at(flat, place, weight)
    counts = flat.reshape(judgements.reviewers, answers, answers).swapaxes(1, 2)
    of_all = _shares(counts.sum(axis=0), np.full((answers, answers), 1 / max(answers, 1)))
    rests_on = counts.sum(axis=2)
    return _shares(counts + strength * of_all, of_all), rests_on


def _shares(counts: Floats, otherwise: Floats) -> Floats:
    """Return each row's shares; those of *otherwise* where it counts nothing."""
    sums = counts.sum(axis=-1, keepdims=True)
    return np.where(sums > 0, counts / np.where(sums > 0, sums, 1), otherwise)
