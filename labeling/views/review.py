"""The review desk: one decision at a time."""

from django.http import Http404, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import condition, require_POST, require_safe

from labeling import annotations, label_search, label_usage, queues
from labeling.access import PersonRequest, member_page
from labeling.annotations import LabelRefused, LeaseLost, UndoRefused
from labeling.document_fields import clean
from labeling.forms.review import AnnotationForm, QueueForm, UndoForm, tasks_at_hand
from labeling.models import Project, ReviewTask
from labeling.views.desk import Desk


def sit_down(request: PersonRequest, project: Project) -> Desk:
    """Return the desk for this request, at the queue it names (all of them without a name)."""
    form = QueueForm(project, request.POST if request.method == "POST" else request.GET)
    return Desk(request, project, timezone.now(), form.queue)


def find_task(project: Project, pk: int) -> ReviewTask:
    found = queues.task_in(project, pk)
    if found is None:
        raise Http404
    return found


@require_safe
@member_page
def show_desk(request: PersonRequest, project: Project) -> HttpResponse:
    """Show what waits in each queue and how the day goes, or why nothing waits."""
    return sit_down(request, project).overview()


@require_POST
@member_page
def take_next(request: PersonRequest, project: Project) -> HttpResponse:
    """Lease the next task, or the very one the form names, and go to it."""
    desk = sit_down(request, project)
    task = QueueForm(project, request.POST).task
    if task is None:
        return desk.go_on()
    try:
        return desk.go_to(queues.lease(task, request.user, now=desk.now))
    except LeaseLost as lost:
        return desk.lost(lost)


@require_POST
@member_page
def look_ahead(request: PersonRequest, project: Project) -> HttpResponse:
    """Lease the next tasks and send their cards, for later, besides those the browser `have`s."""
    return sit_down(request, project).keep_ahead(tasks_at_hand(request.POST) or [])


@require_safe
@member_page
def show_task(request: PersonRequest, project: Project, pk: int) -> HttpResponse:
    """Show a task the reviewer holds; `?q=` looks labels up for readers without JavaScript."""
    desk, task = sit_down(request, project), find_task(project, pk)
    if not task.is_leased_to(request.user, at=desk.now):
        return desk.lost(queues.lost(task, request.user))
    return desk.card(task, find=clean(request.GET.get("q", ""))[:100])


@require_POST
@member_page
def annotate(request: PersonRequest, project: Project, pk: int) -> HttpResponse:
    """Record the reviewer's judgement, then move on to the next task."""
    desk, task = sit_down(request, project), find_task(project, pk)
    form = AnnotationForm(project, request.POST)
    if not form.is_valid():
        return desk.refuse(task, form.message, ticked=form.ticked)
    try:
        annotations.annotate(
            task, reviewer=request.user, labels=form.labels, key=form.decision_key, now=desk.now
        )
    except LeaseLost as lost:
        return desk.lost(lost)
    except LabelRefused as refused:
        return desk.refuse(task, str(refused), ticked=form.ticked)
    return desk.go_on()


@require_POST
@member_page
def undo(request: PersonRequest, project: Project) -> HttpResponse:
    """Take back the decision the form names and show its task again."""
    desk, form = sit_down(request, project), UndoForm(project, request.POST)
    if not form.is_valid():
        return desk.refused("There is no such decision.")
    try:
        task = annotations.undo(form.annotation, reviewer=request.user, now=desk.now)
    except UndoRefused as refused:
        return desk.refused(str(refused))
    return desk.go_to(task, "Undone. Choose again.")


@require_POST
@member_page
def restore_skipped(request: PersonRequest, project: Project) -> HttpResponse:
    """Bring back what the reviewer skipped and go on with it."""
    desk = sit_down(request, project)
    queues.restore_skipped(project, request.user, now=desk.now)
    return desk.go_on()


@require_POST
@member_page
def heartbeat(request: PersonRequest, project: Project, pk: int) -> HttpResponse:
    """Prolong the lease of a task somebody is looking at."""
    desk, task = sit_down(request, project), find_task(project, pk)
    try:
        queues.renew(task, reviewer=request.user, now=desk.now)
    except LeaseLost as lost:
        return desk.lost(lost)
    return HttpResponse(status=204)


def taxonomy_etag(_: PersonRequest, project: Project) -> str:
    """Name the taxonomy version: labels change with it alone."""
    numbers = project.taxonomy_versions.values_list("number", flat=True)
    return f'"{project.pk}-{numbers.first() or 0}"'


@require_safe
@member_page
@cache_control(private=True, no_cache=True)
@condition(etag_func=taxonomy_etag)
def send_labels(request: PersonRequest, project: Project) -> HttpResponse:  # noqa: ARG001
    """Send [[id, name, path, description, aliases, one_of], …] of the labels that may be given."""
    return JsonResponse(label_search.typeahead(project), safe=False)


@require_safe
@member_page
@cache_control(private=True, no_store=True)
def send_usage(request: PersonRequest, project: Project) -> HttpResponse:
    """Send the ids of the labels this person gave last and of those the project needs most."""
    recent = label_usage.recent(project, request.user)
    return JsonResponse({"recent": recent, "frequent": label_usage.frequent(project)})
