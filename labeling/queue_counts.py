"""Count how much waits in each queue for a reviewer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, OuterRef, Q, QuerySet
from django.utils import timezone

from labeling.counting import MOST_COUNTED, Rows
from labeling.models import Project, ReviewQueue, ReviewTask, TaskSkip
from labeling.prepared import Prepared


@dataclass(frozen=True, slots=True)
class QueueCount:
    """How many tasks of a queue are open, and of those what one reviewer cannot take now.

    is_more: there are more than MOST_COUNTED, which is what *open* says then.
    """

    queue: ReviewQueue
    open: int
    leased: int  # to others, at this moment
    skipped: int  # or snoozed by this reviewer, and not leased to others
    judged: int = 0  # by this reviewer; others are still to judge them, too
    with_owners: int = 0  # escalated to them, or for them to rule on
    is_more: bool = False

    @property
    def waiting(self) -> int:
        """What the reviewer may take; about that where there are more."""
        gone = self.leased + self.skipped + self.judged + self.with_owners
        return self.open if self.is_more else self.open - gone

    @property
    def elsewhere(self) -> str:
        """Say where the others are: "2 with others, 1 put aside by you, 3 with owners"."""
        told = (
            (self.leased, "with others"),
            (self.skipped, "put aside by you"),
            (self.judged, "judged by you"),
            (self.with_owners, "with owners"),
        )
        return ", ".join(f"{count:,} {where}" for count, where in told if count)


def of(project: Project, reviewer: User, now: datetime | None = None) -> list[QueueCount]:
    """Count each queue *reviewer* takes from, in three queries answered by index, oldest first.

    No further than MOST_COUNTED, so that a million tasks cost what ten thousand do. Gold to check
    and changed labels are left out while there is nothing: few projects ever have any.
    """
    now = now or timezone.now()
    asked = {"project": project.pk, "reviewer": reviewer.pk}
    listed = _listed(**asked)
    leased_by = dict(_leased(**asked, now=now))
    aside = {(queue, judged): rows for queue, judged, rows in _put_aside(**asked, now=now)}
    return [
        QueueCount(
            queue,
            min(queue.found, MOST_COUNTED),
            leased_by.get(queue.pk, 0),
            aside.get((queue.pk, False), 0),
            aside.get((queue.pk, True), 0),
            queue.with_owners,
            is_more=queue.found > MOST_COUNTED,
        )
        for queue in listed
        if queue.found or queue.reason not in ReviewQueue.ASKED_AGAIN
    ]


@Prepared
def _listed(*, project: int, reviewer: int) -> QuerySet[Any]:
    """Return the queues *reviewer* takes from with what is open in them and what owners have."""
    tasks = ReviewTask.objects.open().filter(queue=OuterRef("pk")).values("pk")
    closed = ReviewQueue.objects.closed_to(User(pk=reviewer)).values("pk")
    theirs = ReviewQueue.objects.filter(project=project).exclude(pk__in=closed)
    here = ReviewTask.objects.filter(queue=OuterRef("pk"))
    asked, disputed = here.escalated().filter(is_disputed=False), here.disputed()
    return theirs.order_by("pk").annotate(
        found=Rows(tasks[: MOST_COUNTED + 1]),
        with_owners=Rows(asked.values("pk")) + Rows(disputed.values("pk")),
    )


@Prepared
def _leased(*, project: int, reviewer: int, now: datetime) -> QuerySet[Any, tuple[int, int]]:
    """Count what others hold, by queue, of what reviewers take."""
    held = ReviewTask.objects.open().filter(
        project=project, leased_until__gt=now, question__isnull=True, is_disputed=False
    )
    counted = held.exclude(leased_by=reviewer).order_by("queue").values_list("queue")
    return counted.annotate(rows=Count("pk"))


@Prepared
def _put_aside(
    *, project: int, reviewer: int, now: datetime
) -> QuerySet[Any, tuple[int, bool, int]]:
    """Count what the reviewer put aside or judged and others do not hold, by queue and judged."""
    free = Q(task__leased_until=None) | Q(task__leased_until__lte=now) | Q(task__leased_by=reviewer)
    skips = TaskSkip.objects.lasting(at=now).filter(
        free,
        reviewer=reviewer,
        task__status=ReviewTask.Status.OPEN,
        task__question=None,
        task__is_disputed=False,
        task__is_known=False,
        task__project=project,
    )
    counted = skips.order_by("task__queue", "is_judged").values_list("task__queue", "is_judged")
    return counted.annotate(rows=Count("pk"))
