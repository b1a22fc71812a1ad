from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from labeling import (
    comments,
    document_list,
    document_walk,
    exports,
    jobs,
    meaning,
    saved_views,
)
from labeling.access import PersonRequest, owner_page
from labeling.document_filters import DocumentFilter
from labeling.forms.documents import DocumentFilterForm, ViewNameForm
from labeling.models import Candidate, GoldLabel, Label, Prediction, Project
from labeling.models.comments import LONGEST
from labeling.views.exports import download


@require_safe
@owner_page
def show_documents(request: PersonRequest, project: Project) -> HttpResponse:
    """List the documents that the address asks for; what it asks in vain is said."""
    form = DocumentFilterForm(project, request.GET)
    return documents_page(request, project, form, after=request.GET.get("after", ""))


def documents_page(
    request: PersonRequest,
    project: Project,
    form: DocumentFilterForm,
    *,
    name_form: ViewNameForm | None = None,
    after: str = "",
    status: int = 200,
) -> HttpResponse:
    asked = form.filter
    counts = document_list.counts(project)
    views = list(project.saved_views.all())
    near = meaning.find(project, asked) if asked.by_meaning else None
    found = near.documents if near else ()
    context = {
        "project": project,
        "page": document_list.nearest(project, found)
        if asked.by_meaning
        else document_list.page(project, asked, after=after),
        "near": near,
        "worker_alive": near is not None or not asked.by_meaning or jobs.worker_alive(),
        "is_first": not after,
        "counts": counts,
        "form": form,
        "asked": asked,
        "chosen": chosen(form, asked),
        "tabs": tabs(asked, counts),
        "all_buckets": without(asked, "bucket"),
        "few": document_walk.FEW,
        "views": views,
        "saved": next((view for view in views if view.query == asked.address), None),
        "name_form": name_form or ViewNameForm(),
        "jobs": project.jobs.unfinished().defer("report"),
    }
    return render(request, "labeling/documents/documents.html", context, status=status)


def chosen(form: DocumentFilterForm, asked: DocumentFilter) -> list[tuple[str, str, str]]:
    """Return the name of each filter but the search, what it asks, and the address without it."""
    return [
        (str(form.fields[name].label), form.shown(name), without(asked, name))
        for name in asked.asked
        if name not in ("q", "by", "label_is")
    ]


def without(asked: DocumentFilter, *names: str, **instead: str) -> str:
    """Return the address of *asked* with some filters left out or put in."""
    query = QueryDict(mutable=True)
    query.update({name: value for name, value in asked.asked.items() if name not in names})
    query.update(instead)
    return query.urlencode()


def tabs(asked: DocumentFilter, counts: document_list.DocumentCounts) -> list[dict[str, Any]]:
    """Return the buckets to look into; how many are in each only while nothing else is asked."""
    is_plain = not set(asked.asked) - {"bucket"}
    return [
        {
            "name": name,
            "address": without(asked, bucket=value),
            "is_current": asked.bucket == value,
            "count": counts.buckets[value] if is_plain else None,
        }
        for value, name in Prediction.Bucket.choices
    ]


@require_POST
@owner_page
def save_view(request: PersonRequest, project: Project) -> HttpResponse:
    """Keep what `address` asks for under a name."""
    form = DocumentFilterForm(project, QueryDict(request.POST.get("address", "")))
    name_form = ViewNameForm(request.POST)
    if name_form.is_valid():
        name = name_form.cleaned_data["name"]
        try:
            saved_views.save(project, name, form.filter, actor=request.user, now=timezone.now())
        except saved_views.NameTaken:
            name_form.add_error("name", "There is a view of this name; choose another.")
        else:
            messages.success(request, f"“{name}” is kept, for owners and admins of {project}.")
            page = reverse("labeling:documents", args=[project.slug])
            return redirect(f"{page}?{form.filter.address}")
    return documents_page(request, project, form, name_form=name_form, status=422)


@require_POST
@owner_page
def delete_view(request: PersonRequest, project: Project, pk: int) -> HttpResponse:
    view = get_object_or_404(project.saved_views, pk=pk)
    saved_views.delete(view, actor=request.user, now=timezone.now())
    messages.success(request, f"The view “{view}” is deleted; no document is.")
    return redirect("labeling:documents", project.slug)


@require_safe
@owner_page
def show_document(request: PersonRequest, project: Project, pk: int) -> HttpResponse:
    """Show one document whole: text, prediction, gold, and every decision on it."""
    document = get_object_or_404(project.documents, pk=pk)
    prediction = document.predictions.current().select_related("taxonomy_version").first()
    context = {
        "project": project,
        "document": document,
        "prediction": prediction,
        "candidates": named(prediction.ranked) if prediction else [],
        "gold": GoldLabel.objects.gold().filter(document=document).select_related("label"),
        "annotations": project.annotations.filter(task__document=document)
        .exclude(task__status="open", task__judged__gt=0, task__is_disputed=False)
        .select_related("reviewer")
        .prefetch_related("labels"),
        "comments": comments.on(document),
        "longest_note": LONGEST,
    }
    return render(request, "labeling/documents/document.html", context)


@require_safe
@owner_page
def export_gold(_request: PersonRequest, project: Project, format_: str) -> StreamingHttpResponse:
    return download(project, "gold", format_, exports.gold)


@require_safe
@owner_page
def export_found(request: PersonRequest, project: Project, format_: str) -> HttpResponseBase:
    """Stream the documents that the address asks for; none where not all of it can be read."""
    form = DocumentFilterForm(project, request.GET)
    if form.errors or form.filter.by_meaning:  # which is found a few at a time, never all
        return documents_page(request, project, form, status=422)
    return download(project, "documents", format_, partial(exports.found, asked=form.filter))


def named(candidates: list[Candidate]) -> list[tuple[Label | None, Candidate]]:
    """Return each candidate beside its label."""
    labels = Label.objects.in_bulk([each.label_id for each in candidates])
    return [(labels.get(each.label_id), each) for each in candidates]
