"""How far a person's word is trusted: how often they were right where that can be told."""

from dataclasses import replace
from statistics import fmean
from typing import Final

from django.db.models import QuerySet

from labeling import known_gold, reliability, second_opinions
from labeling.models import Annotation, GoldLabel, Project
from labeling.reliability import Reliability

LEAST: Final = 0.1
"""Trust in the gold of who is hardly ever right: it still says what a document may be."""

DOUBT: Final = 20
"""Judgements that the best one's accuracy counts in that of another: few tell nothing of odds."""


def measured(project: Project) -> list[Reliability]:
    """Return how often each person is right, in all and by answer, the least often first.

    It rests on the documents that several judged and on those whose answer is known. A person of
    whom nothing is known is absent.
    """
    opinions = second_opinions.collect(project)
    known = known_gold.decisions(project)
    said = [  # what was right enough counts as the gold
        replace(
            each.judgement,
            document=-each.judgement.document,  # not what those said who made it gold
            labels=each.gold if each.is_right else each.judgement.labels,
        )
        for each in known
    ]
    rulings = opinions.rulings | {-each.judgement.document: each.gold for each in known}
    return reliability.of(opinions.judgements + said, rulings)


def of_gold(project: Project) -> dict[int, float]:
    """Return, of documents whose gold is one person's word, how far to trust it, in [LEAST, 1].

    Somebody of whom nothing is known counts as the others do on average. Empty where nothing is
    known of anybody.
    """
    people = measured(project)
    if not people:
        return {}
    best = max(each.accuracy for each in people)
    trust = {each.person: round(beside(best, each), 2) for each in people}
    unknown = round(fmean(trust.values()), 2)
    alone = _alone(project).values_list("document", "annotation__reviewer")
    return {document: trust.get(who, unknown) for document, who in alone.iterator(chunk_size=5000)}


def beside(best: float, person: Reliability) -> float:
    """Return how far to trust *person*: their odds of being right, as a share of the best one's.

    On BANKING77, 500 to 2,000 gold with two fifths to half of it by somebody who is right half the
    time, or 70 % or 85 % of it, top-1 was best with weights of 0.1, 0.1 to 0.25 and 0.25; the ratio
    of the accuracies themselves gave up half of what there was to gain (docs/results.md).
    """
    judged = person.judgements
    accuracy = (person.accuracy * judged + best * DOUBT) / (judged + DOUBT)
    return max(LEAST, accuracy / (1 - accuracy) * (1 - best) / best)


def _alone(project: Project) -> QuerySet[GoldLabel]:
    """Return gold that nobody but one person stands for."""
    said = GoldLabel.objects.gold().filter(project=project, annotation__task__wanted=1)
    by_people = said.exclude(annotation__kind=Annotation.Kind.RULING)
    return by_people.exclude(known_gold.confirmed())
