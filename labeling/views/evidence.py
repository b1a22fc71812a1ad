"""What speaks for a prediction, beside its card."""

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from labeling import evidence, jobs
from labeling.access import PersonRequest, member_page
from labeling.models import Project, ReviewTask
from labeling.views.review import find_task

TRIES = 60  # questions, a second apart or five without a worker, before none is asked any more
AGAIN = {10, 30}  # of them, that have it gathered once more: the first request may have been lost


@require_safe
@member_page
def show_evidence(request: PersonRequest, project: Project, pk: int) -> HttpResponse:
    """Show what was gathered; until then a fragment that asks again in a second."""
    return evidence_of(request, held_task(request, project, pk))


@require_POST
@member_page
def gather_again(request: PersonRequest, project: Project, pk: int) -> HttpResponse:
    """Have evidence gathered once more, where none came."""
    task = held_task(request, project, pk)
    evidence.want([task])
    if request.htmx:
        return evidence_of(request, task)
    return redirect("labeling:evidence", project.slug, pk)


def held_task(request: PersonRequest, project: Project, pk: int) -> ReviewTask:
    task = find_task(project, pk)
    if task.is_blind or not task.is_leased_to(request.user, at=timezone.now()):
        raise Http404
    return task


def evidence_of(request: PersonRequest, task: ReviewTask) -> HttpResponse:
    asked = request.GET.get("tries", "")
    tries = int(asked[:4]) if asked.isdecimal() else 0
    found = evidence.of(task)
    context = {
        "project": task.project,
        "task": task,
        "evidence": found,
        "is_awaited": found is None and task.prediction_id is not None,
        "tries": tries + 1,
        "is_late": tries >= TRIES,
        "again": tries + 1 in AGAIN,
        "worker_alive": found is not None or jobs.worker_alive(),
    }
    name = "_evidence" if request.htmx else "evidence"
    return render(request, f"labeling/review/{name}.html", context)
