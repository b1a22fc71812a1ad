"""What is doubtful about a label while somebody writes it."""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256

from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST

from labeling import drafts, taxonomy_lint
from labeling.access import PersonRequest, owner_page
from labeling.document_fields import clean
from labeling.forms.taxonomy import key_from, listed, posted_rows
from labeling.models import Label, Project
from labeling.taxonomy_entries import NAME_LENGTH, TaxonomyEntry
from labeling.taxonomy_lint import Remark

Entries = Mapping[str, TaxonomyEntry]
Told = list[tuple[Remark, Label | None]]
"""Remarks, each with the other label it speaks of; None: of none, or of one only in the draft."""

NEW = TaxonomyEntry("", "")
DESCRIPTION = 20_000  # characters that are read


@require_POST
@owner_page
def show_remarks(request: PersonRequest, project: Project) -> HttpResponse:
    """Show what is doubtful about the label that a form says by now: a fragment, as one types.

    Where that is what stands on the page already, there is nothing to say anew.
    """
    label = None
    if of := request.GET.get("of", ""):
        number = int(of) if of.isdecimal() and len(of) < 19 else 0
        label = get_object_or_404(project.labels.active(), pk=number)
    entries = drafts.entries(project, brief=True)  # read last: all labels found so far are in it
    entry = entries[label.key] if label else NEW
    context = context_of(project, entries, said(request.POST, entry, entries))
    if request.POST.get("told") == context["told"]:
        return HttpResponse(status=204)
    return render(request, "labeling/taxonomy/_remarks.html", context)


def context_of(project: Project, entries: Entries, entry: TaxonomyEntry) -> dict[str, object]:
    """Return what `_remarks.html` shows of a label that says what *entry* says."""
    found: list[Remark] = []
    if entry.name:
        found = taxonomy_lint.remarks({**entries, entry.key: entry}, [entry.key])
    words = "\n".join(remark.message for remark in found)
    return {
        "project": project,
        "remarks": with_others(project, found),
        "told": sha256(words.encode(errors="replace")).hexdigest()[:16],
    }


def with_others(project: Project, found: list[Remark]) -> Told:
    keys = {remark.other for remark in found if remark.other}
    found_labels = Label.objects.filter(project=project, key__in=keys).only("key", "name")
    labels = {label.key: label for label in found_labels}
    return [(remark, labels.get(remark.other)) for remark in found]


def said(posted: QueryDict, entry: TaxonomyEntry, entries: Entries) -> TaxonomyEntry:
    """Return *entry* as a form that may still be faulty says it; NEW gets an id of its own."""
    name = " ".join(clean(posted.get("name", "")).split())[:NAME_LENGTH]
    parent = posted.get("parent", "").strip()
    return replace(
        entry,
        key=entry.key or key_from(name, entries),
        name=name,
        parent=parent if parent in entries else None,
        description=clean(posted.get("description", ""))[:DESCRIPTION],
        exclusions=tuple(
            (row.situation, row.use or None) for row in posted_rows(posted) if row.situation
        ),
        overlaps=tuple(listed(posted, "overlap")),
    )
