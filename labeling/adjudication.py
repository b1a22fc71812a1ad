"""Have a task judged by several people who do not see each other, and rule where they differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from labeling import audit, gold, only_one, taxonomies
from labeling.models import Annotation, Document, Label, Project, ReviewTask, TaskSkip
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
    """Return the standing judgements of *task* but for a ruling, in the order they were made.

    A label that was merged or retired since counts as what it became.
    """
    judged = task.annotations.standing().exclude(kind=Kind.RULING)
    found = judged.select_related("reviewer").prefetch_related("labels")
    said = [Answer(each, list(each.labels.all())) for each in found.order_by("annotated_at", "pk")]
    if all(label.is_usable for answer in said for label in answer.labels):
        return said
    became = _became(task, said)
    return [
        Answer(each.annotation, list(dict.fromkeys(became[label.pk] for label in each.labels)))
        for each in said
    ]


def _became(task: ReviewTask, said: Sequence[Answer]) -> dict[int, Label]:
    """Return what each label became that was merged or retired since; others are themselves."""
    labels = {label.pk: label for answer in said for label in answer.labels}
    heirs = taxonomies.heirs(task.project_id)
    following = {pk: heirs.get(pk) or pk for pk in labels}
    known = labels | taxonomies.labels_of(set(following.values()))
    return {pk: known[heir] for pk, heir in following.items()}


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
    if task.wanted == 1:
        return {"judged": 0, "is_disputed": False}
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


def unsettled(project: Project) -> ReviewTaskQuerySet:
    """Return the tasks that somebody judged and others are still to judge, nobody being at it."""
    tasks = ReviewTask.objects.judged().filter(queue__in=project.queues.all())
    return tasks.filter(is_disputed=False, question=None).order_by("pk")


def settle(project: Project, *, owner: User, now: datetime) -> int:
    """Want no more answers than there are, of all unsettled tasks that nobody holds; how many.

    One answer, or all the same, becomes gold; where people differ an owner rules.
    """
    free = unsettled(project).unleased(at=now)
    settled = sum(_settle(pk, now=now) for pk in list(free.values_list("pk", flat=True)))
    if settled:
        detail = {"tasks": settled}
        audit.record("settled", actor=owner, now=now, project=project, detail=detail)
    return settled


@transaction.atomic
def _settle(task_id: int, *, now: datetime) -> bool:
    Document.objects.filter(tasks=task_id).lock()
    task = ReviewTask.objects.judged().unleased(at=now).filter(pk=task_id, is_disputed=False)
    found = task.select_related("document").first()
    said = answers(found) if found else []
    if found is None or not said:
        return False
    if not all(label.is_usable for answer in said for label in answer.labels):
        return False  # somebody gave a label that is gone: others judge it anew
    if only_one.clash({label.pk: label.one_of for label in said[-1].labels}):
        return False  # likewise where only one of these can be given by now
    if len({answer.label_ids for answer in said}) > 1:
        return bool(task.update(wanted=len(said), is_disputed=True))
    if not task.update(wanted=len(said), status=ReviewTask.Status.DONE):
        return False
    found.skips.all().delete()
    gold.grant(found.document, said[-1].labels, annotation=said[-1].annotation, now=now)
    return True


def waiting(project: Project) -> ReviewTaskQuerySet:
    """Return the tasks on which people differ, the oldest first."""
    tasks = ReviewTask.objects.disputed().filter(queue__in=project.queues.all())
    lean = tasks.select_related("leased_by", "document").order_by("pk")
    return lean.defer("document__text", "document__metadata")
