"""Fill the queues: which predictions people should look at, and how much each look is worth."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TypeVar

from django.db import connection, transaction
from django.db.models import F, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce

from labeling import known_gold, routing
from labeling.models import (
    Annotation,
    Document,
    Prediction,
    Project,
    ReviewQueue,
    ReviewTask,
)
from labeling.routing import Router

T = TypeVar("T")

BATCH = 2_000  # predictions per transaction: a few thousand parameters a query, short write locks

REASONS = {
    Prediction.Bucket.REVIEW: ReviewQueue.Reason.AMBIGUOUS,
    Prediction.Bucket.NONE_FITS: ReviewQueue.Reason.NONE_FITS,
}


@dataclass(frozen=True, slots=True)
class _Fill:
    """Where the predictions of one project go."""

    project: Project
    queues: Mapping[str, ReviewQueue]
    now: datetime

    def queue_of(self, prediction: Prediction, fingerprint: str) -> ReviewQueue | None:
        """Return the queue a prediction belongs to; None when no person need look at it."""
        if reason := REASONS.get(Prediction.Bucket(prediction.bucket)):
            return self.queues[reason]
        is_sampled = audit_position(fingerprint) < self.project.audit_share
        return self.queues[ReviewQueue.Reason.AUDIT] if is_sampled else None

    def task(self, prediction: Prediction, queue: ReviewQueue, fingerprint: str) -> ReviewTask:
        return ReviewTask(
            project=self.project,
            queue=queue,
            document_id=prediction.document_id,
            prediction=prediction,
            value=1 - prediction.margin,
            wanted=people_wanted(self.project, fingerprint),
            created_at=self.now,
        )


def ensure(project: Project) -> dict[str, ReviewQueue]:
    """Return the project's queues by reason, making those that are missing."""
    found = {queue.reason: queue for queue in project.queues.all()}
    if missing := [reason for reason in ReviewQueue.Reason.values if reason not in found]:
        ReviewQueue.objects.bulk_create(
            (ReviewQueue(project=project, reason=reason) for reason in missing),
            ignore_conflicts=True,
        )
        found = {queue.reason: queue for queue in project.queues.all()}
    return found


def audit_position(fingerprint: str) -> float:
    """Return where a document stands in [0, 1): below the audit share, it is in the sample."""
    return _position("audit", fingerprint)


def people_wanted(project: Project, fingerprint: str) -> int:
    """Return how many people are to judge a document: several below the share of overlap."""
    is_shared = _position("overlap", fingerprint) < project.overlap_share
    return project.overlap_people if is_shared else 1


def _position(name: str, fingerprint: str) -> float:
    """Return where a document stands in [0, 1) of the sample of that name.

    The same on every machine and for every model; a bigger share only adds documents.
    """
    digest = hashlib.blake2b(f"{name}:{fingerprint}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def enqueue(predictions: Sequence[Prediction], *, now: datetime) -> int:
    """Open, repoint or withdraw the review task of each prediction's document.

    One open task per document: running it again changes nothing. Documents with gold get none. A
    task keeps its prediction while somebody looks at it, asked about it or judged it. A task of the
    chosen batch (value above 1) stays, with its value, until the next batch is chosen. All
    predictions are of one project and stored. Returns how many of these documents have an open
    task now.
    """
    if not predictions:
        return 0
    project = Project.objects.get(pk=predictions[0].project_id)
    fill = _Fill(project, ensure(project), now)
    return sum(_enqueue_batch(fill, batch) for batch in batches(predictions, BATCH))


@transaction.atomic
def _enqueue_batch(fill: _Fill, batch: Sequence[Prediction]) -> int:
    """Read what stands, then write sets of rows, so that 100,000 predictions cost seconds."""
    ids = [each.document_id for each in batch]
    Document.objects.filter(pk__in=ids).lock()
    fingerprints = dict(Document.objects.open().filter(pk__in=ids).values_list("pk", "fingerprint"))
    standing = ReviewTask.objects.open().filter(document__in=ids)
    known = ("document_id", "prediction_id", "value", "leased_until", "question_id", "judged")
    others = standing.exclude(queue__reason__in=ReviewQueue.ASKED_AGAIN).exclude(is_known=True)
    tasks = {task.document_id: task for task in others.only(*known)}
    new, moved, unwanted, wanted = [], [], [], 0
    for each in batch:
        fingerprint = fingerprints.get(each.document_id)
        queue = None if fingerprint is None else fill.queue_of(each, fingerprint)
        wanted += queue is not None
        task = tasks.get(each.document_id)
        if task is None:
            new += [fill.task(each, queue, fingerprint)] if queue and fingerprint else []
        elif task.is_leased(at=fill.now) or task.question_id or task.judged:
            continue
        elif queue is None:
            unwanted += [task.pk] if fingerprint is None or task.value <= 1 else []
        elif task.prediction_id != each.pk:
            moved.append((queue.pk, each.pk, 1 - each.margin, task.pk))
    _withdraw(fill, unwanted)
    _repoint(fill, moved)
    ReviewTask.objects.bulk_create(new, ignore_conflicts=True)
    return wanted


def _withdraw(fill: _Fill, task_ids: Sequence[int]) -> None:
    ReviewTask.objects.unleased(at=fill.now).filter(pk__in=task_ids).withdraw()


def _repoint(fill: _Fill, moves: Sequence[tuple[int, int, float, int]]) -> None:
    """Write (queue, prediction, value) of each task still open and free; a batch's value stays.

    Whoever held it last saw the former prediction, and may not answer for the new one; nor is it
    kept for who knows the former labels.

    Plain SQL, since Django's bulk_update sends one CASE with a branch per row, 50 times slower.
    """
    if not moves:
        return
    now = connection.ops.adapt_datetimefield_value(fill.now)
    sql = f"""
        UPDATE {ReviewTask._meta.db_table}
        SET queue_id = %s, prediction_id = %s, value = CASE WHEN value > 1 THEN value ELSE %s END,
            leased_by_id = NULL, leased_until = NULL, kept_for_id = NULL
        WHERE id = %s AND status = 'open' AND (leased_until IS NULL OR leased_until <= %s)
        """
    with connection.cursor() as cursor:
        cursor.executemany(sql, [(*move, now) for move in moves])


def prioritise(project: Project, document_ids: Sequence[int], *, now: datetime) -> None:
    """Put a chosen batch before everything else, in order: its tasks are worth 2 - rank / n.

    What was chosen before falls back to 1 - margin. Where the project wants it, close calls are
    kept for who is best on them, and documents whose answer is known are mixed in. A chosen
    document without an open task gets one in the queue of close calls, unless it has gold.
    """
    router = routing.router_of(project)  # takes a while, and nobody shall wait for that
    _prioritise(project, document_ids, router, now=now)


@transaction.atomic
def _prioritise(
    project: Project, document_ids: Sequence[int], router: Router, *, now: datetime
) -> None:
    current = Prediction.objects.current().filter(document=OuterRef("document"))
    worth = Coalesce(Subquery(current.values(worth=1 - F("margin"))), Value(0.0))
    before = project.tasks.open().filter(value__gt=1)
    seed = f"{project.pk} {now}"
    known = known_gold.candidates(project, len(set(document_ids)), seed=seed)
    held = {*document_ids, *before.values_list("document", flat=True)}
    project.documents.filter(pk__in={*held, *known}).lock()  # all at once: no two wait in a ring
    before.filter(document__in=held).update(value=worth, kept_for=None)
    for batch in batches(document_ids, BATCH):
        _open_chosen(project, batch, now=now)
    rank_of = {pk: rank for rank, pk in enumerate(dict.fromkeys(document_ids))}
    for batch in batches(rank_of, BATCH):
        tasks = list(project.tasks.open().filter(document__in=batch))
        for task in tasks:
            task.value = 2 - rank_of[task.document_id] / len(rank_of)
        ReviewTask.objects.bulk_update(tasks, ["value"], batch_size=100)
    queue = ensure(project)[ReviewQueue.Reason.AMBIGUOUS]
    known_gold.mix_in(queue, known, seed=seed, now=now)
    routing.keep(project, [*document_ids, *known], router)


def _open_chosen(project: Project, document_ids: Sequence[int], *, now: datetime) -> None:
    queue = ensure(project)[ReviewQueue.Reason.AMBIGUOUS]
    with_task = project.tasks.open().filter(document__in=document_ids).values("document")
    missing = project.documents.open().filter(pk__in=document_ids).exclude(pk__in=with_task)
    current = Prediction.objects.current().filter(document=OuterRef("pk"))
    rows = missing.annotate(current=Subquery(current.values("pk")))
    ReviewTask.objects.bulk_create(
        (
            ReviewTask(
                project=project,
                queue=queue,
                document_id=document_id,
                prediction_id=prediction_id,
                wanted=people_wanted(project, fingerprint),
                created_at=now,
            )
            for document_id, prediction_id, fingerprint in rows.values_list(
                "pk", "current", "fingerprint"
            )
        ),
        ignore_conflicts=True,
    )


@dataclass(frozen=True, slots=True)
class Doubt:
    """Gold that another model would have given otherwise.

    opinion: (label id, probability), best first, by a model that had not seen the gold; the label
        that stands is among them.
    strength: probability of the best minus that of the gold, in [0, 1].
    """

    document_id: int
    opinion: Sequence[tuple[int, float]]
    strength: float


@transaction.atomic
def doubt(project: Project, doubts: Sequence[Doubt], *, now: datetime) -> int:
    """Ask people about this gold and no other; return how many documents wait for that.

    Gold that somebody was asked about before, or that changed after *now*, is not asked about.
    What is no longer doubted is withdrawn, unless somebody is looking at it.

    Args:
        now: when the gold was read that the doubts speak of.
    """
    queue = ensure(project)[ReviewQueue.Reason.CHECK]
    asked = {each.document_id: each for each in doubts}
    project.documents.filter(pk__in=asked).lock()
    unchanged = project.documents.filter(gold_at__lte=now, pk__in=asked.keys() - checked(project))
    wanted = set(unchanged.values_list("pk", flat=True))
    known = project.tasks.unleased(at=now).filter(is_known=True, document__in=asked)
    known.withdraw()
    free = queue.tasks.unleased(at=now)
    free.exclude(document__in=wanted).withdraw()
    renewed = list(free.filter(document__in=wanted))
    for task in renewed:
        task.value, task.opinion = _worth(asked[task.document_id])
    ReviewTask.objects.bulk_update(renewed, ["value", "opinion"])
    waiting = set(queue.tasks.open().values_list("document", flat=True))
    rows = []
    for pk in sorted(wanted - waiting):
        value, opinion = _worth(asked[pk])
        rows.append(
            ReviewTask(
                project=project,
                queue=queue,
                document_id=pk,
                value=value,
                opinion=opinion,
                created_at=now,
            )
        )
    ReviewTask.objects.bulk_create(rows, ignore_conflicts=True)
    return len(wanted)


def checked(project: Project) -> set[int]:
    """Return the documents whose gold somebody was asked about and answered."""
    answers = Annotation.objects.standing().filter(
        project=project, task__queue__reason=ReviewQueue.Reason.CHECK
    )
    return set(answers.values_list("task__document", flat=True))


def _worth(doubt: Doubt) -> tuple[float, list[list[float]]]:
    return doubt.strength - 1, [[label_id, round(share, 6)] for label_id, share in doubt.opinion]


def batches(things: Iterable[T], size: int) -> Iterator[list[T]]:
    """Cut *things* into lists of at most *size*."""
    source = iter(things)
    while batch := list(islice(source, size)):
        yield batch
