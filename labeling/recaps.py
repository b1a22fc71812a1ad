"""What a reviewer did today, told at the end of a sitting."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import Count, Exists, OuterRef, Q

from labeling.models import Annotation, Label, Project, ReviewTask
from labeling.models.review import AnnotationQuerySet
from labeling.sitting import midnight_before

LABELS_SHOWN = 8
Kind = Annotation.Kind


@dataclass(frozen=True, slots=True)
class Recap:
    """Decisions since midnight that stand.

    kinds: (name, how many), the most frequent first. labels: those given most often.
    overrides: share of the suggestions seen that the reviewer did not accept; None where none was.
    agreed, differed: of those that others judged, too, blind, and are settled or in dispute.
    """

    decisions: int
    kinds: Sequence[tuple[str, int]]
    labels: Sequence[tuple[Label, int]]
    overrides: float | None
    agreed: int
    differed: int


def of(project: Project, reviewer: User, *, now: datetime) -> Recap:
    """Recap *reviewer*'s day in *project*, in four queries."""
    today = Annotation.objects.standing().filter(
        project=project, reviewer=reviewer, annotated_at__gte=midnight_before(now)
    )
    kinds = dict(today.order_by().values_list("kind").annotate(rows=Count("pk")))
    suggested = today.exclude(prediction=None).exclude(kind__in=[Kind.INDEPENDENT, Kind.RULING])
    seen = dict(suggested.order_by().values_list("kind").annotate(rows=Count("pk")))
    agreed, differed = _beside_others(today)
    return Recap(
        decisions=sum(kinds.values()),
        kinds=[
            (str(Kind(kind).label), kinds[kind]) for kind in sorted(kinds, key=lambda k: -kinds[k])
        ],
        labels=_most_given(today),
        overrides=1 - seen.get(Kind.ACCEPTED, 0) / sum(seen.values()) if seen else None,
        agreed=agreed,
        differed=differed,
    )


def _most_given(today: AnnotationQuerySet) -> list[tuple[Label, int]]:
    given = today.exclude(labels=None).order_by().values_list("labels").annotate(rows=Count("pk"))
    counted = dict(given.order_by("-rows", "labels")[:LABELS_SHOWN])
    labels = Label.objects.in_bulk(counted)
    return [(labels[pk], rows) for pk, rows in counted.items()]


def _beside_others(today: AnnotationQuerySet) -> tuple[int, int]:
    """Count the shared tasks on which all agreed, and those on which they differed."""
    ruling = Annotation.objects.standing().filter(task=OuterRef("task"), kind=Kind.RULING)
    shared = today.exclude(kind=Kind.RULING).filter(task__wanted__gt=1)
    is_disputed = Q(task__is_disputed=True) | Q(Exists(ruling))
    counted = shared.aggregate(
        differed=Count("pk", filter=is_disputed),
        agreed=Count("pk", filter=Q(task__status=ReviewTask.Status.DONE) & ~is_disputed),
    )
    return counted["agreed"], counted["differed"]
