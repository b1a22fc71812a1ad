from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from labeling import comments, document_list
from labeling.access import PersonRequest, owner_page
from labeling.models import Candidate, GoldLabel, Label, Prediction, Project
from labeling.models.comments import LONGEST
from labeling.views.exports import download


@require_safe
@owner_page
def show_documents(request: PersonRequest, project: Project) -> HttpResponse:
    """List documents: the newest, or those of one bucket with the closest calls first."""
    asked = request.GET.get("bucket", "")
    bucket = asked if asked in Prediction.Bucket.values else ""
    counts = document_list.counts(project)
    tabs = [
        (value, name, counts.buckets.get(value, 0)) for value, name in Prediction.Bucket.choices
    ]
    context = {
        "project": project,
        "page": document_list.page(project, bucket=bucket, after=request.GET.get("after", "")),
        "is_first": "after" not in request.GET,
        "counts": counts,
        "bucket": bucket,
        "tabs": tabs,
        "jobs": project.jobs.unfinished().defer("report"),
    }
    return render(request, "labeling/documents/documents.html", context)


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
        .select_related("reviewer")
        .prefetch_related("labels"),
        "comments": comments.on(document),
        "longest_note": LONGEST,
    }
    return render(request, "labeling/documents/document.html", context)


@require_safe
@owner_page
def export_gold(_request: PersonRequest, project: Project, format_: str) -> StreamingHttpResponse:
    return download(project, "gold", format_)


def named(candidates: list[Candidate]) -> list[tuple[Label | None, Candidate]]:
    """Return each candidate beside its label."""
    labels = Label.objects.in_bulk([each.label_id for each in candidates])
    return [(labels.get(each.label_id), each) for each in candidates]
