"""Write what the API answers, in the shapes of `shapes`.

Plain dictionaries: serializers that only write made a tenth of all calls of a request.
"""

from collections.abc import Iterable
from typing import Any

from rest_framework.response import Response

from labeling.annotations import KeyUsed, LeaseLost
from labeling.desk import Choice, Outline
from labeling.models import Annotation, Document, Label, ReviewTask


def outline(each: Outline) -> dict[str, Any]:
    task = each.task
    return {
        "id": task.pk,
        "queue": task.queue.reason,
        "why": each.why,
        "leased_until": task.leased_until,
        "document": document(task.document),
        "candidates": [candidate(choice) for choice in each.candidates],
        "suggested": each.suggested,
    }


def document(each: Document) -> dict[str, Any]:
    return {
        "id": each.external_id,
        "subject": each.subject,
        "text": each.text,
        "metadata": each.metadata,
    }


def candidate(choice: Choice) -> dict[str, Any]:
    return label(choice.label) | {"probability": choice.probability}


def label(each: Label) -> dict[str, Any]:
    return {"id": each.pk, "key": each.key, "name": each.name}


def judgement(annotation: Annotation, labels: Iterable[Label] | None = None) -> dict[str, Any]:
    """Return a decision; *labels* are read from it unless they are at hand."""
    given = annotation.labels.all() if labels is None else labels
    return {
        "id": annotation.pk,
        "task": annotation.task_id,
        "kind": annotation.kind,
        "labels": [label(each) for each in given],
        "annotated_at": annotation.annotated_at,
    }


def lease(task: ReviewTask) -> dict[str, Any]:
    return {"task": task.pk, "leased_until": task.leased_until}


def lost(refused: LeaseLost) -> Response:
    """Answer somebody who does not hold the task: what stands now, and that nothing was stored."""
    standing, status = refused.standing, refused.task.status
    detail = "You do not hold this task: nothing was stored. Take the next one."
    if isinstance(refused, KeyUsed):
        detail = "This key belongs to another decision, or to one undone. Send a new key."
    elif standing:
        detail = "This task is decided already: nothing was stored."
    elif status == ReviewTask.Status.WITHDRAWN:
        detail = "This task needs no decision any more: nothing was stored."
    told = judgement(standing) if standing else None
    return Response({"detail": detail, "status": status, "standing": told}, status=409)
