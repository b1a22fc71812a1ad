"""Who takes from a queue, and within which time its tasks should be decided."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import OuterRef, Subquery

from labeling import audit
from labeling.counting import MOST_COUNTED
from labeling.models import ReviewQueue, ReviewTask


@dataclass(frozen=True, slots=True)
class Age:
    """How long tasks of a queue have waited.

    oldest: when the first of the open ones came; None where there is none.
    overdue: how many came longer ago than the queue allows, counted up to MOST_COUNTED.
    """

    oldest: datetime | None
    overdue: int


@transaction.atomic
def change(
    queue: ReviewQueue,
    *,
    people: Collection[User],
    due_hours: int | None,
    actor: User,
    now: datetime,
) -> None:
    """Let *people* alone take from *queue*, everybody where none is named; nothing else changes."""
    before = {"people": _names(queue.people.all()), "due_hours": queue.due_hours}
    after = {"people": _names(people), "due_hours": due_hours}
    if before == after:
        return
    queue.people.set(people)
    queue.due_hours = due_hours
    queue.save(update_fields=["due_hours"])
    detail = {
        name: {"before": before[name], "after": after[name]}
        for name in before
        if before[name] != after[name]
    }
    audit.record(
        "changed queue",
        actor=actor,
        now=now,
        project=queue.project,
        subject=str(queue),
        detail=detail,
    )


def ages(queues: Iterable[ReviewQueue], *, now: datetime) -> dict[int, Age]:
    """Return the age of each queue by its id: a query for all, one more for each time limit."""
    listed = {queue.pk: queue for queue in queues}
    waiting = ReviewTask.objects.open().filter(question=None, is_disputed=False)
    first = waiting.filter(queue=OuterRef("pk")).order_by("created_at").values("created_at")[:1]
    oldest = dict(
        ReviewQueue.objects.filter(pk__in=listed)
        .annotate(first=Subquery(first))
        .values_list("pk", "first")
    )
    found = {}
    for pk, queue in listed.items():
        late = 0
        if queue.due_hours and oldest.get(pk):
            before = now - timedelta(hours=queue.due_hours)
            overdue = waiting.filter(queue=queue, created_at__lt=before)
            late = overdue.order_by("created_at")[:MOST_COUNTED].count()
        found[pk] = Age(oldest.get(pk), late)
    return found


def _names(people: Iterable[User]) -> list[str]:
    return sorted(person.get_username() for person in people)
