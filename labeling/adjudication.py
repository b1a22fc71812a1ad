"""Have a task judged by several people who do not see each other, and rule where they differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from labeling.models import Annotation, Label, Project, ReviewTask, TaskSkip
from labeling.models.review import ReviewTaskQuerySet

Kind = Annotation.Kind


@dataclass(frozen=True, slots=True)
class Answer:
    """What one person said of a task; no label: nothing fits."""

    annotation: Annotation
    labels: Sequence[Label]

    @property
    def label_ids(self) -> frozenset[int]:
        return frozenset(label.pk for label in self.labels)


def answers(task: ReviewTask) -> list[Answer]:
    """Return the standing judgements of *task* but for a ruling, in the order they were made."""
    judged = task.annotations.standing().exclude(kind=Kind.RULING)
    found = judged.select_related("reviewer").prefetch_related("labels")
    return [Answer(each, list(each.labels.all())) for each in found.order_by("annotated_at", "pk")]


def keep_open(task: ReviewTask, annotation: Annotation, *, now: datetime) -> bool:
    """Open the task again, that *annotation* closed, where it does not settle it; say whether.

    Others are still to judge it, or all did and differ. Called with the document held.
    """
    if task.wanted == 1:
        return False
    said = answers(task)
    is_last = len(said) >= task.wanted
    if task.is_disputed or (is_last and len({answer.label_ids for answer in said}) == 1):
        task.skips.all().delete()  # it is settled, and no query need pass over it any more
        return False
    ReviewTask.objects.filter(pk=task.pk).update(
        status=ReviewTask.Status.OPEN, judged=len(said), is_disputed=is_last, question=None
    )
    TaskSkip.objects.update_or_create(
        task=task,
        reviewer=annotation.reviewer,
        defaults={"skipped_at": now, "until": None, "is_judged": True},
    )
    return True


def reopened(task: ReviewTask, undone: Annotation, *, now: datetime) -> dict[str, object]:
    """Return what is to be written on *task* once *undone* does not stand any more.

    Who judged is offered it no more, as before it was settled; who undid, again.
    """
    said = answers(task)
    task.skips.filter(is_judged=True).delete()
    TaskSkip.objects.bulk_create(
        [
            TaskSkip(task=task, reviewer=each.annotation.reviewer, skipped_at=now, is_judged=True)
            for each in said
        ],
        update_conflicts=True,
        unique_fields=["task", "reviewer"],
        update_fields=["skipped_at", "until", "is_judged"],
    )
    return {"judged": len(said), "is_disputed": undone.kind == Kind.RULING}


def rejected(task: ReviewTask, chosen: Sequence[int]) -> list[int]:
    """Return the labels that people gave and a ruling for *chosen* does not confirm."""
    given = {label_id for answer in answers(task) for label_id in answer.label_ids}
    return sorted(given - set(chosen))


def in_dispute(said: Sequence[Answer]) -> tuple[list[int], list[int]]:
    """Return the labels given, the most frequent first, and those that all gave."""
    given: dict[int, int] = {}
    for answer in said:
        for label in answer.labels:
            given[label.pk] = given.get(label.pk, 0) + 1
    first = sorted(given, key=lambda pk: -given[pk])
    return first, [pk for pk in first if given[pk] == len(said)]


def waiting(project: Project) -> ReviewTaskQuerySet:
    """Return the tasks on which people differ, the oldest first."""
    tasks = ReviewTask.objects.disputed().filter(queue__in=project.queues.all())
    lean = tasks.select_related("leased_by", "document").order_by("pk")
    return lean.defer("document__text", "document__metadata")
