"""Ask the taxonomy owners about a task, and answer."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from labeling import audit, comments, known_gold, queues
from labeling.models import Comment, Project, ReviewTask
from labeling.models.review import ReviewTaskQuerySet


@transaction.atomic
def escalate(task: ReviewTask, note: str, *, reviewer: User, now: datetime) -> None:
    """Give the task to the owners, with a note that says what to decide. Twice is once.

    Raises:
        LeaseLost: *reviewer* does not hold the task; the note is not kept.
    """
    question = comments.write(task.document, reviewer, note, now=now)
    held = ReviewTask.objects.leased_to(reviewer, at=now).filter(pk=task.pk)
    if held.update(question=question, leased_by=None, leased_until=None):
        _record("escalated", task, actor=reviewer, now=now)
        if task.is_known:
            known_gold.turn_into_check(task)
    elif not _asked_by(reviewer).filter(pk=task.pk).exists():
        raise queues.lost(task, reviewer)


@transaction.atomic
def answer(task: ReviewTask, text: str, *, owner: User, now: datetime) -> None:
    """Hand the task back to its queue, with what the owner says.

    Where it was answered or decided already, the words are kept all the same.

    Raises:
        LeaseLost: somebody else holds it; the words are not kept.
    """
    comments.write(task.document, owner, text, now=now)
    asking = ReviewTask.objects.escalated().filter(pk=task.pk)
    if asking.not_with_others(owner, at=now).update(
        question=None, leased_by=None, leased_until=None
    ):
        _record("answered", task, actor=owner, now=now)
    elif asking.exists():
        raise queues.lost(task, owner)


@transaction.atomic
def take_back(task: ReviewTask, *, reviewer: User, now: datetime) -> ReviewTask:
    """Take back one's own question and lease its task; the note stays, as a comment.

    Raises:
        LeaseLost: an owner holds it or decided, or it was somebody else who asked.
    """
    mine = _asked_by(reviewer).unleased(at=now).filter(pk=task.pk)
    if mine.update(question=None):
        _record("took back the question", task, actor=reviewer, now=now)
    return queues.lease(task, reviewer, now=now)


def waiting(project: Project) -> ReviewTaskQuerySet:
    """Return the tasks that wait for an owner, the oldest question first."""
    tasks = ReviewTask.objects.escalated().filter(queue__in=project.queues.all())
    tasks = tasks.select_related("question__author", "leased_by", "document")
    return tasks.defer("document__text", "document__metadata").order_by("question")


def _asked_by(person: User) -> ReviewTaskQuerySet:
    mine = Comment.objects.filter(author=person).values("pk")
    return ReviewTask.objects.escalated().filter(question__in=mine)


def _record(act: str, task: ReviewTask, *, actor: User, now: datetime) -> None:
    audit.record(
        act,
        actor=actor,
        now=now,
        project=task.project,
        subject=str(task.document),
        detail={"task": task.pk},
    )
