"""Lease review tasks to reviewers, most valuable first, and take them back."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Case, F, OuterRef, QuerySet, Subquery, When
from django.db.models.functions import Coalesce

from labeling import audit
from labeling.models import (
    Annotation,
    Document,
    Prediction,
    Project,
    ReviewQueue,
    ReviewTask,
    TaskSkip,
)
from labeling.models.review import ReviewTaskQuerySet
from labeling.prepared import Change, Ids, Prepared, PreparedUpdate, is_row_number
from labeling.queue_filling import checked, doubt, enqueue, ensure, prioritise

__all__ = [
    "LeaseLost",
    "checked",
    "doubt",
    "enqueue",
    "ensure",
    "held",
    "lease",
    "lease_next",
    "lease_several",
    "lease_these",
    "lost",
    "prioritise",
    "release",
    "release_these",
    "renew",
    "restore_skipped",
    "skip",
    "task_in",
    "task_of",
]

Free = tuple[int, int | None]
"""The id of a task, and of whom it is kept for."""

WINDOW = 20  # tasks looked at before the database is asked again; racing reviewers spread over them


class LeaseLost(Exception):
    """The reviewer does not hold the task.

    task: as it stands in the database now.
    standing: the judgement that closed it, if there is one.
    """

    def __init__(self, task: ReviewTask, standing: Annotation | None = None) -> None:
        self.task, self.standing = task, standing
        super().__init__(f"task {task.pk} is not leased to this reviewer")


def task_of(user: User, task_id: int) -> ReviewTask | None:
    """Return the task with its project, if it is visible to *user*."""
    if not user.is_active or not is_row_number(task_id):
        return None
    if user.is_superuser:
        return ReviewTask.objects.select_related("project").filter(pk=task_id).first()
    return _visible_task.first(person=user.pk, task=task_id)


@Prepared
def _visible_task(*, person: int, task: int) -> QuerySet[ReviewTask]:
    visible = ReviewTask.objects.visible_to(User(pk=person)).select_related("project")
    return visible.filter(pk=task)


def task_in(project: Project, task_id: int) -> ReviewTask | None:
    """Return the task of *project* with what its card shows of it, but for the document."""
    if not is_row_number(task_id):
        return None
    task = _with_question.first(project=project.pk, task=task_id)
    if task is not None:
        task.project = project
    return task


@Prepared
def _with_question(*, project: int, task: int) -> QuerySet[ReviewTask]:
    mine = ReviewTask.objects.filter(project=project, pk=task)
    return mine.select_related("queue", "prediction", "question__author")


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
    if most < 1:
        return []
    if queue:
        held = _held_in_queue(queue=queue.pk, reviewer=reviewer.pk, at=now)
    else:
        held = _held_in_project(project=project.pk, reviewer=reviewer.pk, at=now)
    mine = [pk for pk in held if pk not in besides][:most]
    claimed = _claim_some(mine, most, reviewer, now=now)
    while len(claimed) < most and (window := _window(project, queue, reviewer, besides, now=now)):
        claimed += _claim_some(window, most - len(claimed), reviewer, now=now)
    return _read(claimed, whole=whole)


def _window(
    project: Project,
    queue: ReviewQueue | None,
    reviewer: User,
    besides: Collection[int],
    *,
    now: datetime,
) -> list[int]:
    """Return ids of available tasks, the most valuable first.

    Of them those kept for *reviewer* come first, and those kept for others last.
    """
    if queue:
        free = _free_in_queue(queue=queue.pk, reviewer=reviewer.pk, at=now)
    else:
        free = _free_in_project(project=project.pk, reviewer=reviewer.pk, at=now)
    free.sort(key=lambda each: 0 if each[1] == reviewer.pk else 1 if each[1] is None else 2)
    return [pk for pk, _ in free if pk not in besides]


@Prepared
def _held_in_project(*, project: int, reviewer: int, at: datetime) -> QuerySet[ReviewTask, int]:
    tasks = ReviewTask.objects.filter(project=project)
    return _ids(tasks.leased_to(User(pk=reviewer), at=at))


@Prepared
def _held_in_queue(*, queue: int, reviewer: int, at: datetime) -> QuerySet[ReviewTask, int]:
    return _ids(ReviewTask.objects.filter(queue=queue).leased_to(User(pk=reviewer), at=at))


@Prepared
def _free_in_project(*, project: int, reviewer: int, at: datetime) -> QuerySet[ReviewTask, Free]:
    tasks = ReviewTask.objects.filter(project=project).available_to(User(pk=reviewer), at=at)
    return tasks.most_valuable_first().values_list("pk", "kept_for")[:WINDOW]


@Prepared
def _free_in_queue(*, queue: int, reviewer: int, at: datetime) -> QuerySet[ReviewTask, Free]:
    tasks = ReviewTask.objects.filter(queue=queue).available_to(User(pk=reviewer), at=at)
    return tasks.most_valuable_first().values_list("pk", "kept_for")[:WINDOW]


def _ids(tasks: ReviewTaskQuerySet) -> QuerySet[ReviewTask, int]:
    return tasks.most_valuable_first().values_list("pk", flat=True)[:WINDOW]


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
        raise lost(task, reviewer)
    task.skips.filter(reviewer=reviewer, is_judged=False).delete()
    return _read([task.pk])[0]


@transaction.atomic
def lease_these(task_ids: Iterable[int], reviewer: User, *, now: datetime) -> None:
    """Lease those of these tasks that nobody else holds to *reviewer*, by one conditional UPDATE.

    What they are predicted to be stays as it is.
    """
    tasks = _together(task_ids).open().not_with_others(reviewer, at=now)
    tasks.update(leased_by=reviewer, leased_until=now + settings.REVIEW_LEASE)


def _together(task_ids: Iterable[int]) -> ReviewTaskQuerySet:
    """Return these tasks, their documents held: of two who change many at once one waits."""
    tasks = ReviewTask.objects.filter(pk__in=list(task_ids))
    Document.objects.filter(pk__in=tasks.values("document")).lock()
    return tasks


def renew(task: ReviewTask, *, reviewer: User, now: datetime) -> datetime:
    """Prolong the reviewer's lease, even one that ran out and that nobody took; return its end.

    Raises:
        LeaseLost: the task is closed, was given back, or somebody else took it.
    """
    until = now + settings.REVIEW_LEASE
    if not held(task, reviewer).update(leased_until=until):
        raise lost(task, reviewer)
    return until


def release(task: ReviewTask, *, reviewer: User, now: datetime) -> None:
    """Give the task back to all. Nothing happens where *reviewer* does not hold it."""
    held(task, reviewer).filter(leased_until__gt=now).update(leased_by=None, leased_until=None)


@transaction.atomic
def release_these(task_ids: Iterable[int], reviewer: User, *, now: datetime) -> None:
    """Give those of these tasks that *reviewer* holds back to all."""
    held = _together(task_ids).leased_to(reviewer, at=now)
    held.update(leased_by=None, leased_until=None)


@transaction.atomic
def skip(task: ReviewTask, *, reviewer: User, now: datetime, until: datetime | None = None) -> None:
    """Give the task back to others and offer it to *reviewer* no more, or not *until* then.

    Nothing happens where *reviewer* does not hold it, as after a first click.
    """
    if not held(task, reviewer).update(leased_by=None, leased_until=None):
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
    aside = TaskSkip.objects.filter(reviewer=reviewer, is_judged=False)
    skips = aside.filter(task__in=project.tasks.open())
    restored, _ = skips.delete()
    if restored:
        detail = {"tasks": restored}
        audit.record("brought back", actor=reviewer, now=now, project=project, detail=detail)
    return restored


def _claim(task_id: int, reviewer: User, *, now: datetime) -> bool:
    """Lease an open task that nobody else holds, by one conditional UPDATE.

    A task that somebody held while its document was predicted again speaks of the current
    prediction from now on; one the reviewer holds speaks of what they were shown.
    """
    person, until = reviewer.pk, now + settings.REVIEW_LEASE
    return bool(
        _take(task=task_id, reviewer=person, at=now, until=until)
        or _keep(task=task_id, reviewer=person, at=now, until=until)
    )


@PreparedUpdate
def _take(*, task: int, reviewer: int, at: datetime, until: datetime) -> Change:
    current = Prediction.objects.current().filter(document=OuterRef("document")).values("pk")
    latest = Case(
        When(judged__gt=0, then=F("prediction")),  # all are shown what the first was shown
        default=Coalesce(Subquery(current[:1]), F("prediction")),
    )
    free = ReviewTask.objects.filter(pk=task).unleased(at=at)
    return free, {"leased_by": User(pk=reviewer), "leased_until": until, "prediction": latest}


@PreparedUpdate
def _keep(*, task: int, reviewer: int, at: datetime, until: datetime) -> Change:
    mine = ReviewTask.objects.filter(pk=task).leased_to(User(pk=reviewer), at=at)
    return mine, {"leased_until": until}


def _read(task_ids: Sequence[int], *, whole: bool = False) -> list[ReviewTask]:
    """Return these tasks in this order, without the bodies of their documents unless *whole*."""
    if not task_ids:
        return []
    found = {each.pk: each for each in (_whole if whole else _lean)(tasks=task_ids)}
    return [found[pk] for pk in task_ids if pk in found]


def _related(tasks: Ids) -> ReviewTaskQuerySet:
    chosen = ReviewTask.objects.filter(pk__in=tasks)
    return chosen.select_related("queue", "prediction", "document")


@Prepared
def _whole(*, tasks: Ids) -> QuerySet[ReviewTask]:
    return _related(tasks)


@Prepared
def _lean(*, tasks: Ids) -> QuerySet[ReviewTask]:
    return _related(tasks).defer("document__text", "document__metadata")


def held(task: ReviewTask, reviewer: User) -> ReviewTaskQuerySet:
    """Return the task if *reviewer* was the last to lease it, whether or not the time ran out."""
    return ReviewTask.objects.open().filter(pk=task.pk, leased_by=reviewer)


def lost(task: ReviewTask, reviewer: User) -> LeaseLost:
    """Return why a task is not the reviewer's: as it stands in the database now.

    While others are still to judge it, nobody is told what somebody else said.
    """
    now_standing = ReviewTask.objects.select_related("leased_by").get(pk=task.pk)
    said = now_standing.annotations.standing()
    if now_standing.status == ReviewTask.Status.OPEN:
        said = said.filter(reviewer=reviewer)
    return LeaseLost(now_standing, said.first())
