"""What a reviewer may do with a task besides deciding it: skip, snooze, escalate, comment."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.views.decorators.http import require_POST, require_safe

from labeling import adjudication, comments, escalations, queues
from labeling.access import PersonRequest, member_page, owner_page
from labeling.counting import MOST_COUNTED
from labeling.forms.review import is_id
from labeling.forms.set_aside import NoteForm, SnoozeForm
from labeling.models import Project
from labeling.queues import LeaseLost
from labeling.views.review import find_task, sit_down


@require_POST
@member_page
def skip(request: PersonRequest, project: Project, pk: int) -> HttpResponse:
    """Give the task to others and move on."""
    desk, task = sit_down(request, project), find_task(project, pk)
    queues.skip(task, reviewer=request.user, now=desk.now)
    return desk.go_on("Skipped. Others may still take it.", aside=task)


@require_POST
@member_page
def snooze(request: PersonRequest, project: Project, pk: int) -> HttpResponse:
    """Give the task to others, be offered it again later, and move on."""
    desk, task = sit_down(request, project), find_task(project, pk)
    form = SnoozeForm(request.POST)
    if not form.is_valid():
        return desk.refuse(task, "Choose until when to put it off.")
    until = form.moment(desk.now)
    queues.skip(task, reviewer=request.user, now=desk.now, until=until)
    when = date_format(timezone.localtime(until), "j M, H:i")
    return desk.go_on(f"Snoozed until {when}. Others may take it before.", aside=task)


@require_POST
@member_page
def escalate(request: PersonRequest, project: Project, pk: int) -> HttpResponse:
    """Ask the owners with a note, and move on."""
    desk, task, form = sit_down(request, project), find_task(project, pk), NoteForm(request.POST)
    if not form.is_valid():
        return desk.refuse(task, form.message, note=form.data.get("note", ""), opened="escalate")
    try:
        escalations.escalate(task, form.text, reviewer=request.user, now=desk.now)
    except LeaseLost as lost:
        return desk.lost(lost)
    return desk.go_on("Escalated. An owner will answer or decide.", aside=task)


@require_POST
@member_page
def comment(request: PersonRequest, project: Project, pk: int) -> HttpResponse:
    """Write about the document, and stay with the task."""
    desk, task, form = sit_down(request, project), find_task(project, pk), NoteForm(request.POST)
    if not form.is_valid():
        return desk.refuse(task, form.message, note=form.data.get("note", ""), opened="comment")
    if not task.is_leased_to(request.user, at=desk.now):
        return desk.lost(queues.lost(task, request.user))
    comments.write(task.document, request.user, form.text, now=desk.now)
    return desk.go_to(task, "Comment kept.")


@require_POST
@owner_page
def answer(request: PersonRequest, project: Project, pk: int) -> HttpResponse:
    """Answer a question and hand the task back to the reviewers."""
    desk, task, form = sit_down(request, project), find_task(project, pk), NoteForm(request.POST)
    if not form.is_valid():
        return desk.refuse(task, form.message, note=form.data.get("note", ""), opened="answer")
    try:
        escalations.answer(task, form.text, owner=request.user, now=desk.now)
    except LeaseLost as lost:
        return desk.lost(lost)
    messages.success(request, "Answered. The task is back in its queue.")
    return desk.leave_for("notes")


@require_POST
@member_page
def take_back(request: PersonRequest, project: Project, pk: int) -> HttpResponse:
    """Go back to a task the reviewer skipped, snoozed or escalated."""
    desk, task = sit_down(request, project), find_task(project, pk)
    try:
        task = escalations.take_back(task, reviewer=request.user, now=desk.now)
    except LeaseLost as lost:
        return desk.lost(lost)
    return desk.go_to(task, "Taken back.")


@require_safe
@owner_page
def show_notes(request: PersonRequest, project: Project) -> HttpResponse:
    """Show what waits for an owner, to rule on or to answer, and the newest comments."""
    before = request.GET.get("before", "")
    found = list(comments.newest(project, before=int(before) if is_id(before) else None))
    context = {
        "project": project,
        "now": timezone.now(),
        "unsettled": adjudication.unsettled(project)[:MOST_COUNTED].count(),
        "disputed": adjudication.waiting(project)[: comments.PAGE],
        "questions": escalations.waiting(project)[: comments.PAGE],
        "comments": found,
        "following": found[-1].pk if len(found) == comments.PAGE else None,
        "is_first": not is_id(before),
    }
    return render(request, "labeling/review/notes.html", context)


@require_POST
@owner_page
def settle(request: PersonRequest, project: Project) -> HttpResponse:
    """Wait for no more answers."""
    settled = adjudication.settle(project, owner=request.user, now=timezone.now())
    messages.success(request, f"{settled:,} settled with the answers there are.")
    return redirect("labeling:notes", project.slug)


@require_POST
@owner_page
def comment_on_document(request: PersonRequest, project: Project, pk: int) -> HttpResponse:
    """Write about a document from its own page."""
    document = get_object_or_404(project.documents.without_bodies(), pk=pk)
    form = NoteForm(request.POST)
    if form.is_valid():
        comments.write(document, request.user, form.text, now=timezone.now())
    else:
        messages.error(request, form.message)
    return redirect("labeling:document", project.slug, document.pk)
