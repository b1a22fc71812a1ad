"""Many documents with one predicted label, decided at once."""

from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.template.defaultfilters import pluralize
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from labeling import bulk, key_map
from labeling.access import PersonRequest, member_page
from labeling.forms.bulk import BatchForm, GivingForm, SheetForm
from labeling.models import Project, ReviewQueue

AGAIN = "Some of these decisions were undone since. Check the documents again."


@require_safe
@member_page
def show_bulk(request: PersonRequest, project: Project) -> HttpResponse:
    """Show which labels are predicted how often, or the documents of one of them."""
    return _show(request, project, SheetForm(project, request.GET))


@require_POST
@member_page
def give(request: PersonRequest, project: Project) -> HttpResponse:
    """Give the label to all documents that are checked, and show what is left."""
    form, now = GivingForm(project, request.POST), timezone.now()
    sheet = SheetForm(project, request.POST)
    if not form.is_valid():
        return _show(request, project, sheet, problem=form.message)
    asked = form.task_ids
    try:
        made = bulk.give(form.label, asked, reviewer=request.user, batch=form.batch_key, now=now)
    except bulk.BatchUndone:
        return _show(request, project, sheet, problem=AGAIN, status=409)
    said = f"{made:,} document{pluralize(made)} decided: {form.label}."
    if left := len(set(asked)) - made:
        said += f" {left:,} left out: others hold or decided them, or the prediction changed."
    messages.add_message(request, messages.WARNING if left else messages.SUCCESS, said)
    return redirect(_address(project, sheet.queue))


@require_POST
@member_page
def undo(request: PersonRequest, project: Project) -> HttpResponse:
    """Take back all decisions of a batch that can still be taken back."""
    form, sheet = BatchForm(request.POST), SheetForm(project, request.POST)
    if not form.is_valid():
        return _show(request, project, sheet, problem="There is no such batch.")
    undone = bulk.undo(project, form.batch_key, reviewer=request.user, now=timezone.now())
    count = undone.decisions
    messages.success(request, f"{count:,} decision{pluralize(count)} undone.")
    for reason, many in undone.refused.items():
        messages.warning(request, f"{many:,} not undone. {reason}")
    return redirect(_address(project, sheet.queue))


def _show(
    request: PersonRequest,
    project: Project,
    form: SheetForm,
    *,
    problem: str = "",
    status: int = 422,
) -> HttpResponse:
    person, queue, label, now = request.user, form.queue, form.label, timezone.now()
    most = bulk.MOST if form.is_all else bulk.SHOWN
    context: dict[str, Any] = {
        "project": project,
        "keys": key_map.of(person),
        "queue": queue,
        "queues": project.queues.exclude(reason__in=ReviewQueue.ASKED_AGAIN)
        .exclude(pk__in=ReviewQueue.objects.closed_to(person).values("pk"))
        .order_by("pk"),
        "last": bulk.last_of(project, person),
        "problem": problem,
        "is_all": form.is_all,
        "key": uuid4(),
        "most": bulk.MOST,
        "looked_at": bulk.LOOKED_AT,
        "now": now,
    }
    if label:
        tasks = bulk.waiting(project, person, now=now, queue=queue)
        context |= {"label": label, "sheet": bulk.sheet(tasks, label, most=most)}
    else:
        context["predicted"] = bulk.predicted(project, person, now=now, queue=queue)
    name = "sheet" if label else "labels"
    answer = status if problem else 200
    return render(request, f"labeling/bulk/{name}.html", context, status=answer)


def _address(project: Project, queue: ReviewQueue | None) -> str:
    address = reverse("labeling:bulk", args=[project.slug])
    return f"{address}?{urlencode({'queue': queue.reason})}" if queue else address
