from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from labeling import (
    confusions,
    drafts,
    exports,
    publishing,
    taxonomies,
    taxonomy_tree,
    taxonomy_versions,
)
from labeling.access import PersonRequest, member_page, owner_page, standing_of
from labeling.document_fields import clean
from labeling.models import Exclusion, Label, LabelEdition, Project
from labeling.taxonomy_entries import entry_of
from labeling.views import moves
from labeling.views.exports import download

EDITIONS_SHOWN = 20
SMALL = 200  # labels up to which the whole tree stands open


@require_safe
@member_page
def show_taxonomy(request: PersonRequest, project: Project) -> HttpResponse:
    """Show the tree of labels with their counts, and the versions published so far.

    For htmx, who types into the search: the labels found alone, or the tree.
    """
    asked = " ".join(clean(request.GET.get("q", "")).split())[:200]
    if asked and request.htmx:
        found = taxonomy_tree.search(project, asked)
        context = {"project": project, "asked": asked, "found": found}
        return render(request, "labeling/taxonomy/_found.html", context)
    nodes = taxonomy_tree.nodes(project)
    versions = list(project.taxonomy_versions.select_related("published_by")[:EDITIONS_SHOWN])
    context = {
        "project": project,
        "nodes": nodes,
        "assignable": sum(node.label.is_assignable for node in nodes),
        "is_small": len(nodes) <= SMALL,
        "top": [node for node in nodes if node.depth == 0],
        "asked": asked,
        "found": taxonomy_tree.search(project, asked) if asked else [],
        "versions": versions,
    }
    context["undo"], context["redo"] = publishing.undoable(project)
    if standing_of(request, project).is_owner:
        context |= moves.at_hand(project)
    name = "_labels_shown" if request.htmx else "taxonomy"
    return render(request, f"labeling/taxonomy/{name}.html", context)


@require_safe
@member_page
def show_branch(request: PersonRequest, project: Project, pk: int) -> HttpResponse:
    """Show what stands directly under a label: a fragment for a large tree that is opened."""
    label = get_object_or_404(project.labels, pk=pk)
    context = {"project": project, "nodes": taxonomy_tree.branch(project, label.pk)}
    return render(request, "labeling/taxonomy/_branch.html", context)


@require_safe
@member_page
def show_label(request: PersonRequest, project: Project, pk: int) -> HttpResponse:
    """Show what the current version says of a label, what points to it, and its editions."""
    label = get_object_or_404(project.labels.select_related("successor"), pk=pk)
    told = confusions.told(label)
    taken_for = told.taken_for if told else []
    known = taxonomies.labels_of([pk for pk, _ in taken_for])
    context: dict[str, object] = {
        "project": project,
        "label": label,
        "around": taxonomy_tree.surroundings(label),
        "exclusions": label.exclusions.select_related("use"),
        "routed": Exclusion.objects.filter(use=label).select_related("label"),
        "counts": taxonomy_tree.counts_of(label),
        "editions": editions(label),
        "told": told,
        "taken_for": [(known[pk], count) for pk, count in taken_for if pk in known],
    }
    if label.retired_at is not None:  # then it can be restored
        context |= drafts.seen(project)
    return render(request, "labeling/taxonomy/label.html", context)


def editions(label: Label) -> list[tuple[LabelEdition, list[str]]]:
    """Return the newest editions, each with the names of what it changed."""
    found = list(
        label.editions.select_related("version__published_by").order_by("-version__number")[
            : EDITIONS_SHOWN + 1
        ]
    )
    said = [entry_of(label.key, edition.content) for edition in found]
    changed = [
        [name.lower() for name in taxonomy_versions.differing(before, after)]
        for before, after in zip(said[1:], said, strict=False)
    ]
    return list(zip(found, [*changed, ["new"]], strict=False))[:EDITIONS_SHOWN]


@require_safe
@owner_page
def export_taxonomy(
    _request: PersonRequest, project: Project, format_: str
) -> StreamingHttpResponse:
    return download(project, "taxonomy", format_, exports.taxonomy)
