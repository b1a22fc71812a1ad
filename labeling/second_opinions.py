"""What several people said of the same document."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Max, Min

from labeling import taxonomies
from labeling.distances import Answer
from labeling.judgements import Judgement
from labeling.models import Annotation, Project

MOST = 2_000
"""Documents agreement is measured on, the newest: half a second's work, after as long to find them
among 100,000 decisions, for an interval of 0.02 to either side at an alpha of 0.65."""


@dataclass(frozen=True, slots=True)
class SecondOpinions:
    """Standing judgements of documents that several people judged.

    rulings: what an owner ruled, who saw the answers, by document. has_more: older documents were
        left out. What was merged or retired since counts as what it became.
    """

    judgements: list[Judgement]
    rulings: dict[int, Answer]
    has_more: bool


def collect(project: Project, most: int = MOST) -> SecondOpinions:
    """Return the judgements of the *most* documents last judged by several, in three queries."""
    all_standing = Annotation.objects.standing().filter(project=project, task__is_known=False)
    standing = all_standing.order_by()  # known documents were chosen because people agreed on them
    people = (
        standing.exclude(kind=Annotation.Kind.RULING)
        .values("task__document")
        .annotate(first=Min("reviewer"), last=Max("reviewer"), newest=Max("annotated_at"))
    )
    several = people.filter(first__lt=F("last")).order_by("-newest", "-task__document")
    found = list(several.values_list("task__document", flat=True)[: most + 1])
    rows = standing.filter(task__document__in=found[:most]).values_list(
        "pk", "kind", "task__document", "reviewer", "annotated_at", "labels"
    )
    said: dict[int, tuple[str, int, int, datetime]] = {}
    labels: dict[int, set[int]] = {}
    heirs = taxonomies.heirs(project.pk) if found else {}
    for pk, kind, document, reviewer, at, label in rows:
        said[pk] = kind, document, reviewer, at
        labels.setdefault(pk, set()).update([heirs.get(label) or label] if label else [])
    judgements, rulings = [], {}
    for pk, (kind, document, reviewer, at) in said.items():
        answer = frozenset(labels[pk])
        if kind == Annotation.Kind.RULING:
            rulings[document] = answer
        else:
            judgements.append(Judgement(document, reviewer, answer, at))
    return SecondOpinions(judgements, rulings, len(found) > most)
