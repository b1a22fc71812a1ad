"""Fill the queues: which predictions people should look at, and how much each look is worth."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TypeVar

from django.db import transaction
from django.db.models import F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce

from labeling.models import Document, Prediction, Project, ReviewQueue, ReviewTask

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
    """Return where a document stands in [0, 1): below the audit share, it is in the sample.

    The same on every machine and for every model; a bigger share only adds documents.
    """
    digest = hashlib.blake2b(f"audit:{fingerprint}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def enqueue(predictions: Sequence[Prediction], *, now: datetime) -> int:
    """Open, repoint or withdraw the review task of each prediction's document.

    One open task per document: running it again changes nothing. Documents with gold get none. A
    leased task keeps its prediction, since somebody is looking at it. A task of the chosen batch
    (value above 1) keeps its value until the next batch is chosen. All predictions are of one
    project and stored. Returns how many of these documents have an open task now.
    """
    if not predictions:
        return 0
    project = Project.objects.get(pk=predictions[0].project_id)
    fill = _Fill(project, ensure(project), now)
    return sum(_enqueue_batch(fill, batch) for batch in batches(predictions, BATCH))


@transaction.atomic
def _enqueue_batch(fill: _Fill, batch: Sequence[Prediction]) -> int:
    """Three set-based steps, so that 100,000 predictions cost seconds."""
    documents = Document.objects.open().filter(pk__in=[each.document_id for each in batch])
    fingerprints = dict(documents.values_list("pk", "fingerprint"))
    wanted: dict[int, list[Prediction]] = defaultdict(list)
    unwanted: list[int] = []
    for prediction in batch:
        fingerprint = fingerprints.get(prediction.document_id)
        queue = None if fingerprint is None else fill.queue_of(prediction, fingerprint)
        if queue is None:
            unwanted.append(prediction.document_id)
        else:
            wanted[queue.pk].append(prediction)
    _withdraw(fill, unwanted)
    for queue_id, chosen in wanted.items():
        _repoint(fill, queue_id, chosen)
        _open(fill, queue_id, chosen)
    return sum(map(len, wanted.values()))


def _withdraw(fill: _Fill, document_ids: Sequence[int]) -> None:
    unleased = ReviewTask.objects.unleased(at=fill.now)
    unleased.filter(document__in=document_ids).update(
        status=ReviewTask.Status.WITHDRAWN, leased_by=None, leased_until=None
    )


def _repoint(fill: _Fill, queue_id: int, predictions: Sequence[Prediction]) -> None:
    """Point open tasks to the new predictions; the database matches them by document."""
    newest = Prediction.objects.filter(
        document=OuterRef("document"), pk__in=[each.pk for each in predictions]
    )
    stale = ReviewTask.objects.unleased(at=fill.now).filter(
        ~Q(prediction__in=[each.pk for each in predictions]) | Q(prediction=None),
        document__in=[each.document_id for each in predictions],
    )
    for tasks, values in (
        (stale.filter(value__gt=1), {}),
        (stale.filter(value__lte=1), {"value": Subquery(newest.values(worth=1 - F("margin")))}),
    ):
        tasks.update(queue=queue_id, prediction=Subquery(newest.values("pk")), **values)


def _open(fill: _Fill, queue_id: int, predictions: Sequence[Prediction]) -> None:
    has_one = set(
        ReviewTask.objects.open()
        .filter(document__in=[each.document_id for each in predictions])
        .values_list("document", flat=True)
    )
    ReviewTask.objects.bulk_create(
        (
            ReviewTask(
                project=fill.project,
                queue_id=queue_id,
                document_id=each.document_id,
                prediction=each,
                value=1 - each.margin,
                created_at=fill.now,
            )
            for each in predictions
            if each.document_id not in has_one
        ),
        ignore_conflicts=True,
    )


@transaction.atomic
def prioritise(project: Project, document_ids: Sequence[int], *, now: datetime) -> None:
    """Put a chosen batch before everything else, in order: its tasks are worth 2 - rank / n.

    What was chosen before falls back to 1 - margin. A chosen document without an open task gets one
    in the queue of close calls, unless it has gold.
    """
    current = Prediction.objects.current().filter(document=OuterRef("document"))
    worth = Coalesce(Subquery(current.values(worth=1 - F("margin"))), Value(0.0))
    project.tasks.open().filter(value__gt=1).update(value=worth)
    for batch in batches(document_ids, BATCH):
        _open_chosen(project, batch, now=now)
    rank_of = {pk: rank for rank, pk in enumerate(dict.fromkeys(document_ids))}
    for batch in batches(rank_of, BATCH):
        tasks = list(project.tasks.open().filter(document__in=batch))
        for task in tasks:
            task.value = 2 - rank_of[task.document_id] / len(rank_of)
        ReviewTask.objects.bulk_update(tasks, ["value"], batch_size=100)


def _open_chosen(project: Project, document_ids: Sequence[int], *, now: datetime) -> None:
    queue = ensure(project)[ReviewQueue.Reason.AMBIGUOUS]
    with_task = project.tasks.open().filter(document__in=document_ids).values("document")
    missing = project.documents.open().filter(pk__in=document_ids).exclude(pk__in=with_task)
    current = Prediction.objects.current().filter(document=OuterRef("pk"))
    rows = missing.annotate(current=Subquery(current.values("pk"))).values_list("pk", "current")
    ReviewTask.objects.bulk_create(
        (
            ReviewTask(
                project=project,
                queue=queue,
                document_id=document_id,
                prediction_id=prediction_id,
                created_at=now,
            )
            for document_id, prediction_id in rows
        ),
        ignore_conflicts=True,
    )


def batches(things: Iterable[T], size: int) -> Iterator[list[T]]:
    """Cut *things* into lists of at most *size*."""
    source = iter(things)
    while batch := list(islice(source, size)):
        yield batch
