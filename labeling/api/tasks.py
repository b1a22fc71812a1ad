"""Lease tasks, hold them, and give them back: the same acts as at the desk."""

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from labeling import desk, queues
from labeling.api import told
from labeling.api.asked import person
from labeling.api.projects import find_project
from labeling.api.shapes import COMMON, Lease, Lost, Order, Tasks
from labeling.models import ReviewTask


def find_task(request: Request, pk: int) -> ReviewTask:
    found = queues.task_of(person(request), pk)
    if found is None:
        raise Http404
    return found


@extend_schema(request=Order, responses={200: Tasks, **COMMON})
@api_view(["POST"])
def lease_next(request: Request, slug: str) -> Response:
    """Lease the next tasks; those you hold already come first."""
    project = find_project(request, slug)
    order = Order(data=request.data)
    order.is_valid(raise_exception=True)
    reason = order.validated_data["queue"]
    queue = queues.ensure(project)[reason] if reason else None
    count, now = order.validated_data["count"], timezone.now()
    tasks = queues.lease_several(project, person(request), count, now=now, queue=queue, whole=True)
    return Response({"tasks": [told.outline(each) for each in desk.outlines(project, tasks)]})


@extend_schema(request=None, responses={204: None, **COMMON})
@api_view(["POST"])
def skip(request: Request, pk: int) -> Response:
    """Leave a task you hold to others; where you do not hold it, nothing happens."""
    queues.skip(find_task(request, pk), reviewer=person(request), now=timezone.now())
    return Response(status=204)


@extend_schema(request=None, responses={200: Lease, 409: Lost, **COMMON})
@api_view(["POST"])
def renew(request: Request, pk: int) -> Response:
    """Hold a task five minutes longer."""
    task = find_task(request, pk)
    try:
        task.leased_until = queues.renew(task, reviewer=person(request), now=timezone.now())
    except queues.LeaseLost as refused:
        return told.lost(refused)
    return Response(told.lease(task))
