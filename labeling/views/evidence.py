"""What speaks for a prediction, beside its card."""

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from labeling import evidence, jobs
from labeling.access import PersonRequest, member_page
from labeling.models import Project, ReviewTask
from labeling.views.review import find_task

TRIES = 60  # questions, a second apart, before the page says that nothing came


@require_safe
@member_page
def show_evidence(request: PersonRequest, project: Project, pk: int) -> HttpResponse:
    """Show what was gathered; until then a fragment that asks again in a second."""
    task = held_task(request, project, pk)
    asked = request.GET.get("tries", "")
    return evidence_of(request, task, tries=int(asked) if asked.isdecimal() else 0)


@require_POST
@member_page
def gather_again(request: PersonRequest, project: Project, pk: int) -> HttpResponse:
    """Have evidence gathered once more, where none came."""
    task = held_task(request, project, pk)
    evidence.want([task])
    if request.htmx:
        return evidence_of(request, task, tries=0)
    return redirect("labeling:evidence", project.slug, pk)


def held_task(request: PersonRequest, project: Project, pk: int) -> ReviewTask:
    task = find_task(project, pk)
    if not task.is_leased_to(request.user, at=timezone.now()):
        raise Http404
    return task


def evidence_of(request: PersonRequest, task: ReviewTask, *, tries: int) -> HttpResponse:
    found = evidence.of(task)
    context = {
        "project": task.project,
        "task": task,
        "evidence": found,
        "is_awaited": found is None and task.prediction_id is not None,
        "tries": tries + 1,
        "is_late": tries >= TRIES,
        "worker_alive": found is not None or jobs.worker_alive(),
    }
    name = "_evidence" if request.htmx else "evidence"
    return render(request, f"labeling/review/{name}.html", context)
