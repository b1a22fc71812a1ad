from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from labeling import jobs, uploads
from labeling.access import PersonRequest, owner_page
from labeling.forms.uploads import DocumentUpload, TaxonomyUpload
from labeling.models import Job, Project

ERRORS_SHOWN = 200


@require_safe
@never_cache
@owner_page
def show_job(request: PersonRequest, project: Project, pk: int) -> HttpResponse:
    """Show how far a job is: the card alone for htmx, which asks every second."""
    job = get_object_or_404(project.jobs.select_related("requested_by"), pk=pk)
    template = "labeling/jobs/_job.html" if request.htmx else "labeling/jobs/job.html"
    context = {
        "project": project,
        "job": job,
        "errors": job.report.get("errors", [])[:ERRORS_SHOWN],
        "worker_alive": jobs.worker_alive(),
    }
    return render(request, template, context)


@require_http_methods(["GET", "HEAD", "POST"])
@owner_page
def upload_documents(request: PersonRequest, project: Project) -> HttpResponse:
    form = DocumentUpload(*_posted(request))
    return _upload(request, project, form, kind=Job.Kind.IMPORT_DOCUMENTS)


@require_http_methods(["GET", "HEAD", "POST"])
@owner_page
def upload_taxonomy(request: PersonRequest, project: Project) -> HttpResponse:
    form = TaxonomyUpload(*_posted(request))
    return _upload(request, project, form, kind=Job.Kind.IMPORT_TAXONOMY)


def _posted(request: PersonRequest) -> Any:
    """Return what a form is bound to: data and files, or nothing."""
    return (request.POST, request.FILES) if request.method == "POST" else ()


def _upload(
    request: PersonRequest, project: Project, form: forms.Form, *, kind: Job.Kind
) -> HttpResponse:
    """Show the form, or take the file and go to its job; refuse while nobody could do it."""
    alive = jobs.worker_alive()
    posted = request.method == "POST"
    if posted and alive and form.is_valid():
        job = uploads.receive(
            kind,
            project,
            form.cleaned_data["file"],
            gold=form.cleaned_data.get("gold", False),
            draft=form.cleaned_data.get("draft", False),
            actor=request.user,
            now=timezone.now(),
        )
        return redirect("labeling:job", project.slug, job.pk)
    context = {
        "project": project,
        "form": form,
        "kind": kind,
        "worker_alive": alive,
        "jobs": project.jobs.filter(kind=kind).defer("report")[:10],
    }
    status = 200 if not posted else 422 if alive else 503
    return render(request, "labeling/jobs/upload.html", context, status=status)
