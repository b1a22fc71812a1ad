"""Lease review tasks to reviewers, most valuable first, and take them back."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, F, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from labeling import audit
from labeling.models import Annotation, Prediction, Project, ReviewQueue, ReviewTask, TaskSkip
from labeling.models.review import ReviewTaskQuerySet
from labeling.queue_filling import checked, doubt, enqueue, ensure, prioritise

__all__ = [
    "LeaseLost",
    "QueueCount",
    "checked",
    "counts",
    "doubt",
    "enqueue",
    "ensure",
    "lease",
    "lease_next",
    "lease_several",
    "lost",
    "prioritise",
    "release",
    "renew",
    "restore_skipped",
    "skip",
]

MOST_COUNTED = 10_000  # tasks of a queue: by how many more, no reviewer need know
WINDOW = 20  # tasks looked at before the database is asked again; racing reviewers spread over them


class LeaseLost(Exception):
    """The reviewer does not hold the task.

    task: as it stands in the database now.
    standing: the judgement that closed it, if there is one.
    """

    def __init__(self, task: ReviewTask, standing: Annotation | None = None) -> None:
        self.task, self.standing = task, standing
        super().__init__(f"task {task.pk} is not leased to this reviewer")


@dataclass(frozen=True, slots=True)
class QueueCount:
    """How many tasks of a queue are open, and of those what one reviewer cannot take now.

    is_more: there are more than MOST_COUNTED, which is what *open* says then.
    """

    queue: ReviewQueue
    open: int
    leased: int  # to others, at this moment
    skipped: int  # or snoozed by this reviewer, and not leased to others
    escalated: int = 0  # waiting for an owner
    is_more: bool = False

    @property
    def waiting(self) -> int:
        """What the reviewer may take; about that where there are more."""
        gone = self.leased + self.skipped + self.escalated
        return self.open if self.is_more else self.open - gone

    @property
    def elsewhere(self) -> str:
        """Say where the others are: "2 with others, 1 put aside by you, 3 escalated"."""
        told = (
            (self.leased, "with others"),
            (self.skipped, "put aside by you"),
            (self.escalated, "escalated"),
        )
        return ", ".join(f"{count:,} {where}" for count, where in told if count)


class _Rows(Subquery):
    """How many rows a query has."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


def lease_next(
    project: Project, reviewer: User, *, now: datetime, queue: ReviewQueue | None = None
) -> ReviewTask | None:
    """Lease the most valuable available task to *reviewer*, or return None where none is left."""
    found = lease_several(project, reviewer, 1, now=now, queue=queue)
    return found[0] if found else None


def lease_several(
    project: Project,
    reviewer: User,
    most: int,
    *,
    now: datetime,
    queue: ReviewQueue | None = None,
    besides: Collection[int] = (),
    whole: bool = False,
) -> list[ReviewTask]:
    """Lease up to *most* tasks to *reviewer*, the most valuable first.

    Tasks the reviewer holds already come before all others, so that a reload, a second tab or an
    undo never piles up leases. Each claim is one conditional UPDATE: of two reviewers racing for a
    task exactly one wins and the other moves on, to a task that others of the race hardly look at.

    Args:
        besides: ids of tasks not to return: those the reviewer has before them.
        whole: read the bodies of the documents, too.
    """
    tasks = ReviewTask.objects.filter(queue=queue) if queue else project.tasks.all()
    tasks = tasks.exclude(pk__in=besides) if besides else tasks
    held = tasks.leased_to(reviewer, at=now).order_by("-value", "pk")
    claimed = _claim_some(held.values_list("pk", flat=True)[:most], most, reviewer, now=now)
    free = tasks.available_to(reviewer, at=now).most_valuable_first()
    size = max(WINDOW, most)
    while len(claimed) < most and (window := list(free.values_list("pk", flat=True)[:size])):
        claimed += _claim_some(window, most - len(claimed), reviewer, now=now)
    return _read(claimed, whole=whole)


def _claim_some(task_ids: Iterable[int], most: int, reviewer: User, *, now: datetime) -> list[int]:
    """Claim up to *most* of these tasks, in their order until a race is lost; return their ids."""
    claimed: list[int] = []
    left, is_racing = list(task_ids), False
    while left and len(claimed) < most:
        place = reviewer.pk % len(left) if is_racing else 0
        task_id = left.pop(place)
        if _claim(task_id, reviewer, now=now):
            claimed.append(task_id)
        else:
            is_racing = True
    return claimed


@transaction.atomic
def lease(task: ReviewTask, reviewer: User, *, now: datetime) -> ReviewTask:
    """Lease this very task to *reviewer*; one they skipped or snoozed is theirs to take again.

    Raises:
        LeaseLost: it is closed, somebody else holds it, or it waits for an owner.
    """
    takeable = ReviewTask.objects.takeable_by(reviewer).filter(pk=task.pk)
    if not takeable.exists() or not _claim(task.pk, reviewer, now=now):
        raise lost(task)
    task.skips.filter(reviewer=reviewer).delete()
    return _read([task.pk])[0]


def renew(task: ReviewTask, *, reviewer: User, now: datetime) -> datetime:
    """Prolong the reviewer's lease, even one that ran out and that nobody took; return its end.

    Raises:
        LeaseLost: the task is closed, was given back, or somebody else took it.
    """
    until = now + settings.REVIEW_LEASE
    if not _held(task, reviewer).update(leased_until=until):
        raise lost(task)
    return until


def release(task: ReviewTask, *, reviewer: User, now: datetime) -> None:
    """Give the task back to all. Nothing happens where *reviewer* does not hold it."""
    _held(task, reviewer).filter(leased_until__gt=now).update(leased_by=None, leased_until=None)


@transaction.atomic
def skip(task: ReviewTask, *, reviewer: User, now: datetime, until: datetime | None = None) -> None:
    """Give the task back to others and offer it to *reviewer* no more, or not *until* then.

    Nothing happens where *reviewer* does not hold it, as after a first click.
    """
    if not _held(task, reviewer).update(leased_by=None, leased_until=None):
        return
    TaskSkip.objects.update_or_create(
        task=task, reviewer=reviewer, defaults={"skipped_at": now, "until": until}
    )
    audit.record(
        "snoozed" if until else "skipped",
        actor=reviewer,
        now=now,
        project=task.project,
        subject=str(task),
        detail={"task": task.pk} | ({"until": until.isoformat()} if until else {}),
    )


@transaction.atomic
def restore_skipped(project: Project, reviewer: User, *, now: datetime) -> int:
    """Offer *reviewer* again what they skipped or snoozed and is open; return how many tasks."""
    skips = TaskSkip.objects.filter(reviewer=reviewer, task__in=project.tasks.open())
    restored, _ = skips.delete()
    if restored:
        detail = {"tasks": restored}
        audit.record("brought back", actor=reviewer, now=now, project=project, detail=detail)
    return restored


def counts(project: Project, reviewer: User, now: datetime | None = None) -> list[QueueCount]:
    """Count each queue *reviewer* takes from, in three queries answered by index, oldest first.

    No further than MOST_COUNTED, so that a million tasks cost what ten thousand do. Gold to check
    is left out while there is none: few projects ever have any.
    """
    now = now or timezone.now()
    tasks = ReviewTask.objects.open().filter(queue=OuterRef("pk")).values("pk")
    theirs = project.queues.exclude(pk__in=ReviewQueue.objects.closed_to(reviewer).values("pk"))
    asking = ReviewTask.objects.escalated().filter(queue=OuterRef("pk")).values("pk")
    found = {"found": _Rows(tasks[: MOST_COUNTED + 1]), "escalated": _Rows(asking)}
    listed: list[Any] = list(  # ReviewQueue with the annotations, which its type does not know
        theirs.order_by("pk").annotate(**found)
    )
    leased = ReviewTask.objects.open().filter(
        project=project, leased_until__gt=now, question__isnull=True
    )
    free = Q(task__leased_until=None) | Q(task__leased_until__lte=now) | Q(task__leased_by=reviewer)
    skipped = TaskSkip.objects.lasting(at=now).filter(
        free,
        reviewer=reviewer,
        task__status=ReviewTask.Status.OPEN,
        task__question=None,
        task__queue__in=listed,
    )
    leased_by = _count(leased.exclude(leased_by=reviewer), "queue")
    skipped_by = _count(skipped, "task__queue")
    return [
        QueueCount(
            queue,
            min(queue.found, MOST_COUNTED),
            leased_by.get(queue.pk, 0),
            skipped_by.get(queue.pk, 0),
            queue.escalated,
            is_more=queue.found > MOST_COUNTED,
        )
        for queue in listed
        if queue.found or queue.reason != ReviewQueue.Reason.CHECK
    ]


def _count(found: ReviewTaskQuerySet | QuerySet[TaskSkip], queue: str) -> dict[int, int]:
    return dict(found.order_by(queue).values_list(queue).annotate(rows=Count("pk")))


def _claim(task_id: int, reviewer: User, *, now: datetime) -> bool:
    """Lease an open task that nobody else holds, by one conditional UPDATE.

    A task that somebody held while its document was predicted again speaks of the current
    prediction from now on; one the reviewer holds speaks of what they were shown.
    """
    task, until = ReviewTask.objects.filter(pk=task_id), now + settings.REVIEW_LEASE
    current = Prediction.objects.current().filter(document=OuterRef("document")).values("pk")
    latest = Coalesce(Subquery(current[:1]), F("prediction"))
    free = task.unleased(at=now)
    if free.update(leased_by=reviewer, leased_until=until, prediction=latest):
        return True
    return bool(task.leased_to(reviewer, at=now).update(leased_until=until))


def _read(task_ids: Sequence[int], *, whole: bool = False) -> list[ReviewTask]:
    """Return these tasks in this order, without the bodies of their documents unless *whole*."""
    related = ReviewTask.objects.select_related("queue", "prediction", "document")
    if not whole:
        related = related.defer("document__text", "document__metadata")
    found = related.in_bulk(task_ids)
    return [found[pk] for pk in task_ids if pk in found]


def _held(task: ReviewTask, reviewer: User) -> ReviewTaskQuerySet:
    """Return the task if *reviewer* was the last to lease it, whether or not the time ran out."""
    return ReviewTask.objects.open().filter(pk=task.pk, leased_by=reviewer)


def lost(task: ReviewTask) -> LeaseLost:
    """Return why a task is not the reviewer's: as it stands in the database now."""
    now_standing = ReviewTask.objects.select_related("leased_by").get(pk=task.pk)
    return LeaseLost(now_standing, now_standing.annotations.standing().first())
