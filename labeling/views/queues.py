from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from labeling import queue_terms
from labeling.access import PersonRequest, admin_page
from labeling.forms.queues import QueueTermsForm
from labeling.models import Project


@require_safe
@admin_page
def show_queues(request: PersonRequest, project: Project) -> HttpResponse:
    """Show each queue with who takes from it and how old its tasks are."""
    return render(request, "labeling/queues.html", listing(project))


@require_POST
@admin_page
def change_queue(request: PersonRequest, project: Project, reason: str) -> HttpResponse:
    queue = get_object_or_404(project.queues, reason=reason)
    form = QueueTermsForm(request.POST, queue=queue)
    if not form.is_valid():
        return render(request, "labeling/queues.html", listing(project, form), status=422)
    stored = project.queues.get(pk=queue.pk)  # the form wrote what was typed into its own
    queue_terms.change(stored, **form.cleaned_data, actor=request.user, now=timezone.now())
    messages.success(request, f"{queue}: saved.")
    return redirect("labeling:queues", project.slug)


def listing(project: Project, refused: QueueTermsForm | None = None) -> dict[str, object]:
    """Return what the page shows; *refused* is the form that stays as it was typed."""
    listed = list(project.queues.order_by("pk"))
    ages = queue_terms.ages(listed, now=timezone.now())
    forms = [
        refused if refused and refused.instance.pk == queue.pk else QueueTermsForm(queue=queue)
        for queue in listed
    ]
    rows = [(queue, ages[queue.pk], form) for queue, form in zip(listed, forms, strict=True)]
    return {"project": project, "rows": rows}
