"""Lease review tasks to reviewers, most valuable first, and take them back."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
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
    "prioritise",
    "release",
    "renew",
    "restore_skipped",
    "skip",
]

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
    """How many tasks of a queue are open, and of those what one reviewer cannot take now."""

    queue: ReviewQueue
    open: int
    leased: int  # to others, at this moment
    skipped: int  # by this reviewer, and not leased to others

    @property
    def waiting(self) -> int:
        """What the reviewer may take."""
        return self.open - self.leased - self.skipped


def lease_next(
    project: Project, reviewer: User, *, now: datetime, queue: ReviewQueue | None = None
) -> ReviewTask | None:
    """Lease the most valuable available task to *reviewer*, or return None where none is left.

    A task the reviewer holds already comes before all others, so that a reload, a second tab or an
    undo never piles up leases. Each claim is one conditional UPDATE: of two reviewers racing for a
    task exactly one wins and the other moves on to the next.
    """
    tasks = ReviewTask.objects.filter(queue=queue) if queue else project.tasks.all()
    held = tasks.leased_to(reviewer, at=now).order_by("-value", "pk")
    for task_id in held.values_list("pk", flat=True)[:WINDOW]:
        if task := _claim(task_id, reviewer, now=now):
            return task
    available = tasks.available_to(reviewer, at=now).most_valuable_first()
    while window := list(available.values_list("pk", flat=True)[:WINDOW]):
        for task_id in window:
            if task := _claim(task_id, reviewer, now=now):
                return task
    return None


def lease(task: ReviewTask, reviewer: User, *, now: datetime) -> ReviewTask:
    """Lease this very task to *reviewer*, also one they skipped before.

    Raises:
        LeaseLost: it is closed, or somebody else holds it.
    """
    if not (leased := _claim(task.pk, reviewer, now=now)):
        raise _lost(task)
    return leased


def renew(task: ReviewTask, *, reviewer: User, now: datetime) -> datetime:
    """Prolong the reviewer's lease, even one that ran out and that nobody took; return its end.

    Raises:
        LeaseLost: the task is closed, was given back, or somebody else took it.
    """
    until = now + settings.REVIEW_LEASE
    if not _held(task, reviewer).update(leased_until=until):
        raise _lost(task)
    return until


def release(task: ReviewTask, *, reviewer: User, now: datetime) -> None:
    """Give the task back to all. Nothing happens where *reviewer* does not hold it."""
    _held(task, reviewer).filter(leased_until__gt=now).update(leased_by=None, leased_until=None)


@transaction.atomic
def skip(task: ReviewTask, *, reviewer: User, now: datetime) -> None:
    """Give the task back to others and offer it to *reviewer* no more.

    Nothing happens where *reviewer* does not hold it, as after a first click.
    """
    if not _held(task, reviewer).update(leased_by=None, leased_until=None):
        return
    _, is_new = TaskSkip.objects.get_or_create(
        task=task, reviewer=reviewer, defaults={"skipped_at": now}
    )
    if is_new:
        audit.record(
            "skipped",
            actor=reviewer,
            now=now,
            project=task.project,
            subject=str(task),
            detail={"task": task.pk},
        )


@transaction.atomic
def restore_skipped(project: Project, reviewer: User, *, now: datetime) -> int:
    """Offer *reviewer* again what they skipped and is still open; return how many tasks."""
    skips = TaskSkip.objects.filter(reviewer=reviewer, task__in=project.tasks.open())
    restored, _ = skips.delete()
    if restored:
        detail = {"tasks": restored}
        audit.record("brought back", actor=reviewer, now=now, project=project, detail=detail)
    return restored


def counts(project: Project, reviewer: User, now: datetime | None = None) -> list[QueueCount]:
    """Count each queue for *reviewer* in four queries answered by index, oldest queue first.

    Gold to check is left out while there is none: few projects ever have any.
    """
    now = now or timezone.now()
    listed = list(project.queues.order_by("pk"))
    tasks = ReviewTask.objects.open().filter(queue__in=listed)  # by queue: the index alone answers
    leased = tasks.filter(project=project, leased_until__gt=now).exclude(leased_by=reviewer)
    free = Q(task__leased_until=None) | Q(task__leased_until__lte=now) | Q(task__leased_by=reviewer)
    skipped = TaskSkip.objects.filter(
        free, reviewer=reviewer, task__status=ReviewTask.Status.OPEN, task__queue__in=listed
    )
    open_by, leased_by = (_count(found, "queue") for found in (tasks, leased))
    skipped_by = _count(skipped, "task__queue")
    return [
        QueueCount(
            queue,
            open_by.get(queue.pk, 0),
            leased_by.get(queue.pk, 0),
            skipped_by.get(queue.pk, 0),
        )
        for queue in listed
        if queue.pk in open_by or queue.reason != ReviewQueue.Reason.CHECK
    ]


def _count(found: ReviewTaskQuerySet | QuerySet[TaskSkip], queue: str) -> dict[int, int]:
    return dict(found.order_by(queue).values_list(queue).annotate(rows=Count("pk")))


def _claim(task_id: int, reviewer: User, *, now: datetime) -> ReviewTask | None:
    """Lease an open task that nobody else holds, by one conditional UPDATE.

    A task that somebody held while its document was predicted again speaks of the current
    prediction from now on; one the reviewer holds speaks of what they were shown.
    """
    task, until = ReviewTask.objects.filter(pk=task_id), now + settings.REVIEW_LEASE
    current = Prediction.objects.current().filter(document=OuterRef("document")).values("pk")
    latest = Coalesce(Subquery(current[:1]), F("prediction"))
    free, held = task.unleased(at=now), task.leased_to(reviewer, at=now)
    claimed = free.update(leased_by=reviewer, leased_until=until, prediction=latest)
    if not claimed and not held.update(leased_until=until):
        return None
    related = ReviewTask.objects.select_related("queue", "prediction", "document")
    return related.defer("document__text", "document__metadata").get(pk=task_id)


def _held(task: ReviewTask, reviewer: User) -> ReviewTaskQuerySet:
    """Return the task if *reviewer* was the last to lease it, whether or not the time ran out."""
    return ReviewTask.objects.open().filter(pk=task.pk, leased_by=reviewer)


def _lost(task: ReviewTask) -> LeaseLost:
    now_standing = ReviewTask.objects.select_related("leased_by").get(pk=task.pk)
    return LeaseLost(now_standing, now_standing.annotations.standing().first())
