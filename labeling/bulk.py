"""Decide many documents for which one label is predicted at once, and take all of it back."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from django.contrib.auth.models import User
from django.db.models import F
from django.db.models.functions import Substr

from labeling import annotations, near_duplicates, queues
from labeling.annotations import LabelRefused, LeaseLost, UndoRefused
from labeling.desk import EXAMPLE_SHOWN, shortened
from labeling.label_search import WITH_PATH, path_of
from labeling.models import Annotation, Label, Project, ReviewQueue, ReviewTask
from labeling.models.review import AnnotationQuerySet, ReviewTaskQuerySet
from labeling.reasons import percent

LOOKED_AT = 10_000  # tasks, the most valuable: what is counted and chosen from, however many wait
SHOWN = 50  # documents to look through
MOST = 100  # documents decided at once: a second or two, while the browser waits


class BatchUndone(Exception):
    """Decisions of this batch were undone: the form they came from decides nothing any more."""


@dataclass(frozen=True, slots=True)
class Predicted:
    """A label, and how many documents wait for which it is predicted."""

    label: Label
    documents: int

    @property
    def path(self) -> str:
        return path_of(self.label)


@dataclass(frozen=True, slots=True)
class Row:
    """One document of a sheet. probability: of the label, in [0, 1]."""

    task_id: int
    document_id: int
    subject: str
    text: str
    probability: float

    @property
    def share(self) -> str:
        return percent(self.probability)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The likeliest documents for which one label is predicted.

    total: how many wait in all. groups: of nearly the same, the largest first. others: the rest.
    """

    total: int
    groups: Sequence[Sequence[Row]]
    others: Sequence[Row]

    @property
    def shown(self) -> int:
        return sum(map(len, self.groups)) + len(self.others)


@dataclass(frozen=True, slots=True)
class Batch:
    """What stands of the decisions one person made at once."""

    key: UUID
    label: Label | None
    decisions: int
    at: datetime


def waiting(
    project: Project, reviewer: User, *, now: datetime, queue: ReviewQueue | None = None
) -> ReviewTaskQuerySet:
    """Return the most valuable LOOKED_AT tasks that *reviewer* may decide in bulk."""
    tasks = ReviewTask.objects.filter(queue=queue) if queue else project.tasks.all()
    first = tasks.for_bulk(reviewer, at=now).most_valuable_first()[:LOOKED_AT]
    return ReviewTask.objects.filter(pk__in=first.values("pk"))


def predicted(
    project: Project, reviewer: User, *, now: datetime, queue: ReviewQueue | None = None
) -> list[Predicted]:
    """Count the tasks by the label that is predicted, most first.

    In a multi-label project only those for which it is all that is predicted.
    """
    tasks = waiting(project, reviewer, now=now, queue=queue)
    if project.is_multi:
        rows = tasks.values_list("prediction__first", "prediction__label_ids")
        counts = Counter(first for first, all_ in rows if all_ == [first])
    else:
        counts = Counter(tasks.values_list("prediction__first", flat=True))
    labels = project.labels.assignable().select_related(WITH_PATH).in_bulk([*filter(None, counts)])
    return [Predicted(labels[pk], n) for pk, n in counts.most_common() if pk in labels]


def sheet(tasks: ReviewTaskQuerySet, label: Label, *, most: int = SHOWN) -> Sheet:
    """Lay out those of *tasks* for which *label* is predicted, the likeliest *most* of them."""
    matching = _predicted_as(label, tasks)
    likeliest = matching.order_by("-prediction__probability", "pk").annotate(
        beginning=Substr("document__text", 1, 2 * EXAMPLE_SHOWN)
    )
    named = ("pk", "document", F("document__subject"), "beginning", "prediction__probability")
    found = list(likeliest.values_list(*named)[:most])
    rows = [Row(pk, of, subject, shortened(text), p) for pk, of, subject, text, p in found]
    alike = near_duplicates.groups([f"{subject} {text}" for _, _, subject, text, _ in found])
    return Sheet(
        total=matching.count(),
        groups=sorted(([rows[n] for n in each] for each in alike if each[1:]), key=_smaller),
        others=[rows[each[0]] for each in alike if not each[1:]],
    )


def _smaller(group: Sequence[Row]) -> int:
    return -len(group)


def _predicted_as(label: Label, tasks: ReviewTaskQuerySet) -> ReviewTaskQuerySet:
    """Return those of *tasks* whose card suggests *label* and nothing else."""
    first = tasks.filter(prediction__first=label)
    return first.filter(prediction__label_ids=[label.pk]) if label.project.is_multi else first


def give(
    label: Label, task_ids: Sequence[int], *, reviewer: User, batch: UUID, now: datetime
) -> int:
    """Accept *label*, predicted for these tasks, for each that *reviewer* may still take.

    Each decision is one of its own, stored whole by the same act as at the desk. Tasks that others
    hold or decided meanwhile, or for which something else is predicted by now, are left out.
    Sending the same batch twice, or what was missing of it, is one batch.

    Returns:
        How many decisions the batch has now.

    Raises:
        BatchUndone: some of it was undone already.
    """
    made = decisions(reviewer, batch)
    if made.exclude(undone_at=None).exists():
        raise BatchUndone
    done = set(made.values_list("task", flat=True))
    wanted = label.project.tasks.filter(pk__in=set(task_ids) - done)
    suitable = _predicted_as(label, wanted.for_bulk(reviewer, at=now))
    queues.lease_these(suitable.values_list("pk", flat=True), reviewer, now=now)
    for task in suitable.leased_to(reviewer, at=now).order_by("pk"):
        with suppress(LeaseLost, LabelRefused):
            annotations.annotate(
                task,
                reviewer=reviewer,
                labels=[label],
                key=uuid5(batch, str(task.pk)),
                now=now,
                batch=batch,
            )
    queues.release_these(wanted.values_list("pk", flat=True), reviewer, now=now)
    return made.count()


def decisions(reviewer: User, batch: UUID) -> AnnotationQuerySet:
    """Return what *reviewer* decided in *batch*, undone or not."""
    return Annotation.objects.filter(batch=batch, reviewer=reviewer)


def last_of(project: Project, reviewer: User) -> Batch | None:
    """Return the newest batch of *reviewer* of which something stands."""
    mine = Annotation.objects.standing().filter(project=project, reviewer=reviewer)
    newest = mine.filter(batch__isnull=False).prefetch_related("labels").first()
    if newest is None or newest.batch is None:
        return None
    standing = decisions(reviewer, newest.batch).standing().count()
    label = next(iter(newest.labels.all()), None)
    return Batch(newest.batch, label, standing, newest.annotated_at)


@dataclass(frozen=True, slots=True)
class Undone:
    """decisions: how many were taken back. refused: why others were not, with how many each."""

    decisions: int
    refused: Mapping[str, int]


def undo(project: Project, batch: UUID, *, reviewer: User, now: datetime) -> Undone:
    """Take back what stands of a batch; its tasks are free again, for all.

    What cannot be undone any more stands, and the rest is undone all the same.
    """
    taken_back: list[int] = []
    refused = Counter[str]()
    standing = decisions(reviewer, batch).standing().filter(project=project)
    for annotation in standing.select_related("task").order_by("pk"):
        try:
            task = annotations.undo(annotation, reviewer=reviewer, now=now)
            taken_back.append(task.pk)
        except UndoRefused as reason:
            refused[str(reason)] += 1
    queues.release_these(taken_back, reviewer, now=now)
    return Undone(len(taken_back), refused)
