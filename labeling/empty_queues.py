"""Say why a reviewer finds nothing to do: never a dead end."""

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db import models

from labeling.models import Job, Project, ReviewQueue, ReviewTask
from labeling.queue_counts import QueueCount


class Why(models.TextChoices):
    """Why nothing waits. The words and ways out stand in the template."""

    NO_DOCUMENTS = "no_documents"
    PREDICTING = "predicting"
    NO_PREDICTIONS = "no_predictions"
    ELSEWHERE = "elsewhere"  # this queue is empty, another is not
    LEASED = "leased"  # others hold all that is left
    SKIPPED = "skipped"  # the reviewer skipped all that is left
    LEASED_OR_SKIPPED = "leased_or_skipped"
    JUDGED = "judged"  # the reviewer judged all that is left, and others are still to
    CLOSED = "closed"  # what waits is for certain people, the reviewer not among them
    DECIDED = "decided"


def why_empty(
    project: Project,
    counts: Sequence[QueueCount],
    reviewer: User,
    *,
    queue: ReviewQueue | None = None,
) -> Why | None:
    """Return why nothing waits for *reviewer* in *queue*, or in any; None where something does."""
    here = [count for count in counts if queue is None or count.queue == queue]
    if any(count.waiting for count in here):
        return None
    leased, skipped = (
        sum(getattr(count, name) for count in here) for name in ("leased", "skipped")
    )
    if leased and skipped:
        return Why.LEASED_OR_SKIPPED
    if leased or skipped:
        return Why.LEASED if leased else Why.SKIPPED
    if any(count.waiting for count in counts):
        return Why.ELSEWHERE
    if any(count.judged for count in here):
        return Why.JUDGED
    return _nothing_queued(project, reviewer)


def _nothing_queued(project: Project, reviewer: User) -> Why:
    closed = project.queues.closed_to(reviewer)
    if ReviewTask.objects.open().filter(queue__in=closed.values("pk")).exists():
        return Why.CLOSED
    if not project.documents.exists():
        return Why.NO_DOCUMENTS
    if Job.objects.unfinished().filter(project=project, kind=Job.Kind.PREDICT).exists():
        return Why.PREDICTING
    if not project.predictions.exists() and not project.annotations.exists():
        return Why.NO_PREDICTIONS
    return Why.DECIDED
