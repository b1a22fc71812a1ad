"""Labels dropped under others in the tree: each drop waits in the draft, and can be taken out."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST

from labeling import drafts, taxonomies
from labeling.access import PersonRequest, owner_page
from labeling.forms.taxonomy import MoveForm
from labeling.models import Label, Project
from labeling.taxonomy_acts import Edit
from labeling.views.studio import drafted


@require_POST
@owner_page
def move_label(request: PersonRequest, project: Project) -> HttpResponse:
    """Put into the draft that a label stands under another one, or at the top: a fragment."""
    form = MoveForm(request.POST)
    if not form.is_valid():
        return drop(request, project, error="It was not told what goes where.", status=422)
    label = get_object_or_404(project.labels, pk=form.cleaned_data["label"])
    pk = form.cleaned_data["under"]
    under = get_object_or_404(project.labels, pk=pk) if pk else None
    if stands_there(project, label, under):
        is_drafted = label.parent_id != (under.pk if under else None)
        already = "in the draft already" if is_drafted else "already"
        return drop(request, project, said=f"{label} stands {place(under)} {already}.")
    act = Edit(label.key, {"parent": under.key if under else None})
    row, status = drafted(request, project, form, lambda: act)
    if row is None:
        return drop(
            request, project, error=" ".join(map(str, form.non_field_errors())), status=status
        )
    to = place(under) if under else "to the top"
    return drop(request, project, said=f"Moved {label} {to} in the draft.", row=row.pk)


def place(under: Label | None) -> str:
    return f"under {under}" if under else "at the top"


def stands_there(project: Project, label: Label, under: Label | None) -> bool:
    """Tell whether the draft has *label* there already, as when a drop was sent twice."""
    if not project.draft.exists():
        return label.parent_id == (under.pk if under else None)
    entry = drafts.entries(project)[label.key]
    return entry.parent == (under.key if under else None)


def drop(
    request: PersonRequest, project: Project, *, status: int = 200, **said: Any
) -> HttpResponse:
    """Show what came of a drop, with what the next one is sent with."""
    context = {
        "project": project,
        "status": status,
        "is_fragment": True,
        **said,
        **at_hand(project),
    }
    return render(request, "labeling/taxonomy/_drop.html", context, status=status)


def at_hand(project: Project) -> dict[str, Any]:
    """Return what a drop is sent with, and which labels the draft moves."""
    rows = list(project.draft.all())
    return {
        "seen_version": taxonomies.current_number(project),
        "seen_act": rows[-1].pk if rows else 0,
        "moving": drafts.moving(project, rows),
        "draft_size": len(rows),
    }
