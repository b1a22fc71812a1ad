"""Decide and undo: the same acts as at the desk."""

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from labeling import annotations
from labeling.annotations import LabelRefused, LeaseLost, UndoRefused
from labeling.api import told
from labeling.api.asked import person
from labeling.api.shapes import COMMON, Decision, Judgement, Lease, Lost, Refusal
from labeling.api.tasks import find_task
from labeling.models import Annotation


@extend_schema(request=Decision, responses={200: Judgement, 201: Judgement, 409: Lost, **COMMON})
@api_view(["POST"])
def annotate(request: Request, pk: int) -> Response:
    """Decide a task you hold. The same key, or the same labels, sent again is the same decision."""
    task, now = find_task(request, pk), timezone.now()
    decision = Decision(data=request.data, context={"project": task.project})
    decision.is_valid(raise_exception=True)
    said = decision.validated_data
    try:
        annotation = annotations.annotate(
            task,
            reviewer=person(request),
            labels=said["labels"],
            key=said["key"],
            now=now,
            independent=said.get("kind") == Annotation.Kind.INDEPENDENT,
        )
    except LeaseLost as refused:
        return told.lost(refused)
    except LabelRefused as refused:
        raise ValidationError({"labels": [str(refused)]}) from refused
    if annotation.annotated_at == now:
        return Response(told.judgement(annotation, said["labels"]), status=201)
    return Response(told.judgement(annotation))


@extend_schema(request=None, responses={200: Lease, 409: Refusal, **COMMON})
@api_view(["DELETE"])
def undo(request: Request, pk: int) -> Response:
    """Take a decision of yours back; its task is yours again."""
    visible = Annotation.objects.visible_to(person(request)).select_related("task")
    annotation = get_object_or_404(visible, pk=pk)
    try:
        task = annotations.undo(annotation, reviewer=person(request), now=timezone.now())
    except UndoRefused as refused:
        return Response({"detail": str(refused)}, status=409)
    return Response(told.lease(task))
