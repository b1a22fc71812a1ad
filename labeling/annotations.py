"""Record reviewers' judgements, and take them back."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet, prefetch_related_objects

from labeling import adjudication, audit, gold, only_one, queues, taxonomies
from labeling.models import Annotation, Document, GoldLabel, Label, ReviewQueue, ReviewTask
from labeling.prepared import Change, Prepared, PreparedUpdate, insert, together
from labeling.queues import LeaseLost
from labeling.taxonomies import Usable

__all__ = ["KeyUsed", "LabelRefused", "LeaseLost", "UndoRefused", "annotate", "last_of", "undo"]

Status = ReviewTask.Status
Kind = Annotation.Kind


class KeyUsed(LeaseLost):
    """The key belongs to a decision on another task, or to one since undone."""


class LabelRefused(ValueError):
    """These labels cannot be given to this document; the message says why."""


class UndoRefused(Exception):
    """The judgement cannot be taken back; the message says why."""


def annotate(
    task: ReviewTask,
    *,
    reviewer: User,
    labels: Sequence[Label],
    key: UUID,
    now: datetime,
    independent: bool = False,
    batch: UUID | None = None,
) -> Annotation:
    """Record *reviewer*'s judgement of *task*, close the task and make the labels gold.

    A task that several people are to judge stays open until all did; then it is closed where they
    agree, and waits for an owner's ruling where they differ.

    Sending the same key or the same labels twice returns the first annotation, so a double click is
    one decision.

    Args:
        labels: empty when nothing fits.
        key: made by the client for this decision.
        independent: the reviewer did not see the prediction.
        batch: names all decisions that were made at once; None where this one was made by itself.

    Raises:
        LeaseLost: *reviewer* does not hold the task, or somebody else took it once their lease ran
            out.
        KeyUsed: the key belongs to a decision on another task or to one since undone.
        LabelRefused: a label of another project, a retired or merely grouping one, not exactly
            one in a single-label project, or two of which only one can be given.
    """
    given = {label.pk: label for label in labels}
    chosen = list(given)
    try:
        with transaction.atomic():
            task = _locked(task)
            if not _close(task, reviewer):
                return _decided_already(task, reviewer, set(chosen), key)
            shown = None if independent or task.is_blind else task.prediction
            usable = taxonomies.usable(chosen, shown.proposed if shown else ())
            _check(task, given, usable)
            is_multi = task.project.is_multi
            offered = gold.offer(shown, usable, is_multi=is_multi) if shown else None
            labels = list(given.values())
            return _store(task, reviewer, labels, offered, key=key, batch=batch, now=now)
    except IntegrityError:
        if not Annotation.objects.filter(reviewer=reviewer, key=key).exists():
            raise
        return _decided_already(task, reviewer, set(chosen), key)


def _locked(task: ReviewTask) -> ReviewTask:
    """Return the task, its document held until the transaction ends.

    What is said of the task itself may be older than the lock: act on it by conditional UPDATE.
    """
    (locked,) = _whole(task=task.pk)
    return locked


@Prepared
def _whole(*, task: int) -> QuerySet[ReviewTask]:
    related = ReviewTask.objects.select_related("project", "document", "prediction", "queue")
    lean = related.defer("document__text", "document__metadata").filter(pk=task)
    return lean.select_for_update(of=("document",), no_key=True)


def _close(task: ReviewTask, reviewer: User) -> bool:
    """Close a task that *reviewer* holds; False where they do not, or its document is settled.

    A lease that ran out and that nobody else took will do: the decision may have been on its way.
    """
    if (task.document.gold_at is not None) != (task.is_check or task.is_known):
        return False
    return bool(_end(task=task.pk, reviewer=reviewer.pk))


@PreparedUpdate
def _end(*, task: int, reviewer: int) -> Change:
    held = queues.held(ReviewTask(pk=task), User(pk=reviewer))
    return held, {"status": Status.DONE, "leased_by": None, "leased_until": None}


def _decided_already(task: ReviewTask, reviewer: User, chosen: set[int], key: UUID) -> Annotation:
    """Return the standing annotation that says this already; refuse where there is none."""
    lost = queues.lost(task, reviewer)
    known = Annotation.objects.filter(
        Q(key=key) | Q(task=task, undone_at=None), reviewer=reviewer
    ).prefetch_related("labels")
    for annotation in known:
        if annotation.task_id != task.pk or annotation.undone_at is not None:
            raise KeyUsed(lost.task, lost.standing)
        if annotation.key == key or {label.pk for label in annotation.labels.all()} == chosen:
            return annotation
    raise lost


def _check(task: ReviewTask, labels: Mapping[int, Label], usable: Mapping[int, Usable]) -> None:
    for pk, label in labels.items():
        if label.project_id != task.project_id:
            raise LabelRefused("This label belongs to another project.")
        if pk not in usable:
            raise LabelRefused(_why_not(Label.objects.select_related("successor").get(pk=pk)))
    if len(labels) > 1 and not task.project.is_multi:
        raise LabelRefused("This project gives exactly one label to each document.")
    if found := only_one.clash({pk: usable[pk].one_of for pk in labels}):
        names = {label.pk: label.name for label in Label.objects.filter(pk__in=found)}
        raise LabelRefused(only_one.refusal(*(names[pk] for pk in found)))


def _why_not(label: Label) -> str:
    if label.retired_at is not None:
        instead = f" Use {label.successor}." if label.successor else ""
        return f"{label} is retired and can no longer be given.{instead}"
    return f"{label} only groups other labels; choose one below it."


def _store(
    task: ReviewTask,
    reviewer: User,
    labels: Sequence[Label],
    offered: gold.Offer | None,
    *,
    key: UUID,
    batch: UUID | None,
    now: datetime,
) -> Annotation:
    annotation = Annotation(
        project=task.project,
        task=task,
        reviewer=reviewer,
        kind=Kind.RULING if task.is_disputed else _kind(offered, [each.pk for each in labels]),
        key=key,
        batch=batch,
        prediction=None if task.is_check else task.prediction,
        annotated_at=now,
    )
    insert([annotation], tell=True)
    is_usual = task.wanted == 1 and not task.is_check  # then nothing below waits for an answer
    with together() if is_usual else nullcontext():
        _settle(task, labels, offered, annotation, now=now)
    return annotation


def _settle(
    task: ReviewTask,
    labels: Sequence[Label],
    offered: gold.Offer | None,
    annotation: Annotation,
    *,
    now: datetime,
) -> None:
    """Store the labels of *annotation*, and what follows from it."""
    ids, is_multi = [label.pk for label in labels], task.project.is_multi
    through = Annotation.labels.through
    insert([through(annotation=annotation, label_id=pk) for pk in ids])
    is_open = False
    if task.is_check:
        gold.put_right(task.document, labels, annotation=annotation, now=now)
    elif not task.is_known and not (is_open := adjudication.keep_open(task, annotation, now=now)):
        ruled_out = (
            gold.apart_from(adjudication.rejected(task, ids), ids)
            if task.is_disputed
            else gold.passed_over(offered, ids, is_multi=is_multi)
        )
        gold.grant(task.document, labels, annotation=annotation, now=now, ruled_out=ruled_out)
    detail: dict[str, object] = {"task": task.pk}
    if not is_open:  # others are still to judge it, and may read the history
        detail |= {"labels": [each.key for each in labels], "kind": annotation.kind}
    if annotation.replaced:
        detail["replaced"] = [label_id for label_id, *_ in annotation.replaced]
    if annotation.batch:
        detail["batch"] = str(annotation.batch)
    _audit("annotated", annotation, task, now=now, detail=detail)


def _kind(offered: gold.Offer | None, label_ids: Sequence[int]) -> str:
    """Return what the judgement says of what the reviewer was shown, if anything."""
    if not label_ids:
        return Kind.NONE_FITS
    if offered is None:
        return Kind.INDEPENDENT
    return Kind.ACCEPTED if set(label_ids) == set(offered.suggested) else Kind.CORRECTED


def last_of(project_id: int, reviewer: User) -> Annotation | None:
    """Return the reviewer's newest standing judgement in a project: what undo takes back."""
    newest = _newest(project=project_id, reviewer=reviewer.pk)
    prefetch_related_objects(newest, "labels")
    return newest[0] if newest else None


@Prepared
def _newest(*, project: int, reviewer: int) -> QuerySet[Annotation]:
    mine = Annotation.objects.standing().filter(project=project, reviewer=reviewer)
    lean = mine.select_related("task__document").defer(
        "task__document__text", "task__document__metadata"
    )
    return lean[:1]


@transaction.atomic
def undo(annotation: Annotation, *, reviewer: User, now: datetime) -> ReviewTask:
    """Take back *reviewer*'s own judgement: its gold goes, its task is open and leased to them.

    Undoing twice is undoing once, as long as the reviewer still holds the task.

    Raises:
        UndoRefused: it is somebody else's, was undone and passed on, or something later rests on
            the document: imported gold, another judgement, another open task.
    """
    Document.objects.filter(pk=annotation.task.document_id).lock()  # then nothing read is older
    task = _locked(annotation.task)
    annotation = Annotation.objects.select_for_update(no_key=True).get(pk=annotation.pk)
    if annotation.reviewer_id != reviewer.pk:
        raise UndoRefused("Only the person who decided can undo a decision.")
    if annotation.undone_at is not None:
        if task.is_leased_to(reviewer, at=now):
            return task
        raise UndoRefused("This decision was undone already.")
    _stop_asking_about(task, now=now)
    _check_nothing_rests_on(annotation, task)
    annotation.undone_at = now
    annotation.save(update_fields=["undone_at"])
    gold.withdraw(annotation)
    again = {
        "status": Status.OPEN,
        "leased_by": reviewer,
        "leased_until": now + settings.REVIEW_LEASE,
        **adjudication.reopened(task, annotation, now=now),
    }
    if task.is_check and not GoldLabel.objects.gold().filter(document=task.document_id).exists():
        again |= {"queue": queues.ensure(task.project)[ReviewQueue.Reason.CHANGED], "value": 0.0}
    free = ReviewTask.objects.not_with_others(reviewer, at=now)
    if not free.filter(pk=task.pk).update(**again):
        raise UndoRefused("Somebody else is judging it at this moment. Try again in a while.")
    for name, value in again.items():
        setattr(task, name, value)
    _audit("undid", annotation, task, now=now, detail={"task": task.pk, "kind": annotation.kind})
    return task


def _stop_asking_about(task: ReviewTask, *, now: datetime) -> None:
    """Withdraw what asks about the document's gold, unless somebody looks at it."""
    about = Q(is_known=True)
    if not task.is_known:  # what is said of that changes no gold
        about |= Q(queue__reason__in=ReviewQueue.ASKED_AGAIN)
    checks = ReviewTask.objects.unleased(at=now).filter(about, document=task.document_id)
    checks.withdraw()


def _check_nothing_rests_on(annotation: Annotation, task: ReviewTask) -> None:
    if task.status == Status.OPEN and task.judged:
        if task.is_disputed:
            raise UndoRefused(
                "All who were asked judged it, and an owner rules. Tell them in a note."
            )
        if task.question_id:
            raise UndoRefused("It waits for an owner's answer.")
        return
    if task.status != Status.DONE:
        raise UndoRefused("The task is not closed by this decision any more.")
    others = GoldLabel.objects.gold().filter(document=task.document_id)
    was_right = (task.is_check and not annotation.replaced) or task.is_known
    if others.exclude(annotation=annotation).exists() and not was_right:
        raise UndoRefused("The document has gold from elsewhere since.")
    if ReviewTask.objects.open().filter(document=task.document_id).exists():
        raise UndoRefused("The document waits for review again already.")
    judged = Annotation.objects.standing().filter(
        task__document=task.document_id, task__is_known=False
    )
    if judged.exclude(task=task).filter(annotated_at__gt=annotation.annotated_at).exists():
        raise UndoRefused("The document was judged again since.")


def _audit(
    act: str, annotation: Annotation, task: ReviewTask, *, now: datetime, detail: dict[str, object]
) -> None:
    audit.record(
        act,
        actor=annotation.reviewer,
        now=now,
        project=task.project,
        subject=str(task.document),
        detail=detail,
    )
