"""Looking back at what one decided, and at full definitions."""

from typing import Any

from django.db.models import Q
from django.db.models.functions import Substr
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from labeling import desk, recaps, sitting
from labeling.access import PersonRequest, member_page
from labeling.models import Annotation, Document, Project
from labeling.models.review import AnnotationQuerySet
from labeling.views.review import find_task, sit_down


@require_safe
@member_page
def show_last(request: PersonRequest, project: Project) -> HttpResponse:
    """Show the reviewer's newest decision, or the desk where there is none."""
    last = decided_by(request, project).first()
    if last is None:
        return redirect("labeling:review", project.slug)
    return show(request, project, last)


@require_safe
@member_page
def show_past(request: PersonRequest, project: Project, pk: int) -> HttpResponse:
    """Show one decision of the reviewer, between the one before and the one after."""
    return show(request, project, get_object_or_404(decided_by(request, project), pk=pk))


def show(request: PersonRequest, project: Project, shown: Annotation) -> HttpResponse:
    mine, at = decided_by(request, project), shown.annotated_at
    older = mine.filter(Q(annotated_at__lt=at) | Q(annotated_at=at, pk__lt=shown.pk)).first()
    newer = mine.filter(Q(annotated_at__gt=at) | Q(annotated_at=at, pk__gt=shown.pk))
    after = newer.order_by("annotated_at", "pk").first()
    document: Any = (
        Document.objects.defer("text", "metadata")
        .annotate(shown=Substr("text", 1, desk.TEXT_SHOWN))
        .get(pk=shown.task.document_id)
    )
    here = sit_down(request, project)
    return here.past(
        {
            "shown": shown,
            "document": document,
            "comments": desk.said_of(shown.task, document, request.user),
            "older": address(project, older),
            "newer": address(project, after),
            "now": here.now,
            "is_past": True,
        }
    )


def address(project: Project, annotation: Annotation | None) -> str:
    return reverse("labeling:past-one", args=[project.slug, annotation.pk]) if annotation else ""


def decided_by(request: PersonRequest, project: Project) -> AnnotationQuerySet:
    """Return the person's standing decisions in *project*, the newest first."""
    mine = Annotation.objects.standing().filter(project=project, reviewer=request.user)
    return mine.select_related("task__question__author").prefetch_related("labels")


@require_safe
@member_page
def show_recap(request: PersonRequest, project: Project) -> HttpResponse:
    """Show what the reviewer did today."""
    now = timezone.now()
    context = {
        "project": project,
        "recap": recaps.of(project, request.user, now=now),
        "sitting": sitting.of(project, request.user, now=now),
    }
    return render(request, "labeling/review/recap.html", context)


@require_safe
@member_page
def show_definitions(request: PersonRequest, project: Project, pk: int) -> HttpResponse:
    """Show what the labels on a card mean, whole; a dialog for htmx, a page otherwise."""
    task = find_task(project, pk)
    if not task.is_leased_to(request.user, at=timezone.now()):
        raise Http404  # of a disputed one they would tell what others said
    name = "_definitions" if request.htmx else "definitions"
    context = {"project": project, "task": task, "choices": desk.defined(desk.choices(task))}
    return render(request, f"labeling/review/{name}.html", context)
