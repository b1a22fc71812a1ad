"""Change the taxonomy: acts gather in a draft, whose impact is seen before it is published."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from labeling import drafts, proposals, publishing
from labeling.access import PersonRequest, owner_page
from labeling.forms.taxonomy import (
    CreateForm,
    ExclusionRow,
    LabelForm,
    MergeForm,
    RetireForm,
    Seen,
    SplitForm,
    posted_rows,
)
from labeling.models import DraftAct, Label, LabelEdition, Project
from labeling.taxonomy_acts import Act, BadAct, Restore
from labeling.taxonomy_entries import BadTaxonomy, TaxonomyEntry, entry_of
from labeling.taxonomy_versions import Worded, worded
from labeling.views import remarks

Entries = Mapping[str, TaxonomyEntry]
"""All labels by key, as the draft has them."""

BLANK = 1  # empty rows below those that are filled


@require_http_methods(["GET", "HEAD", "POST"])
@owner_page
def edit_label(request: PersonRequest, project: Project, pk: int) -> HttpResponse:
    """Edit what a label says: into the draft, or published at once where the draft is empty."""
    label = get_object_or_404(project.labels.active(), pk=pk)
    entries = drafts.entries(project)
    entry, keys = entries[label.key], frozenset(key for key, _ in offered(entries))
    form_for = partial(LabelForm, keys=keys, entry=entry)
    page = partial(edit_page, request, label, entries)
    if request.method != "POST":
        prefilled = [ExclusionRow(request.GET.get("situation", ""), request.GET.get("use", ""))]
        form = form_for(
            initial=standing_values(entry) | drafts.seen(project),
            rows=[*standing_rows(entry), *prefilled],
            examples=entry.examples,
            overlaps=entry.overlaps,
        )
        return page(form)
    if request.POST.get("do", "draft") not in ("draft", "publish"):
        form = form_for(
            initial=request.POST.dict(),
            rows=changed_rows(request.POST),
            examples=request.POST.getlist("example"),
            overlaps=request.POST.getlist("overlap"),
        )
        return page(form)
    form = form_for(request.POST)
    return store(request, label, form, page) if form.is_valid() else page(form, status=422)


def store(
    request: PersonRequest, label: Label, form: LabelForm, page: Callable[..., HttpResponse]
) -> HttpResponse:
    """Store what the form says, or show on its *page* what somebody else did meanwhile."""
    project, act = label.project, form.act()
    # What the form changes is what the draft has, else: then it goes there, too.
    at_once = request.POST.get("do") == "publish" and not project.draft.exists()
    if act is None:
        told = "nothing was published" if at_once else "the draft is as it was"
        messages.info(request, f"Nothing differed, so {told}.")
        return redirect("labeling:label", project.slug, label.pk)
    try:
        if not at_once:
            add(request, project, act, form)
            return redirect("labeling:draft", project.slug)
        version = publishing.publish_acts(
            project,
            [act],
            actor=request.user,
            now=timezone.now(),
            note=f"Edited {label.name}",
            seen_version=form.cleaned_data["seen_version"],
        )
    except publishing.EditConflict as conflict:
        return page(form, edition=conflict.edition, status=409)
    except drafts.DraftConflict as conflict:
        return page(form, theirs=conflict.theirs, status=409)
    except (BadAct, BadTaxonomy) as error:
        form.add_error(None, str(error))
        return page(form, status=422)
    messages.success(request, f"Published {version}. Open documents it affects are predicted anew.")
    return redirect("labeling:label", project.slug, label.pk)


def add(request: PersonRequest, project: Project, act: Act, form: Seen) -> DraftAct:
    return drafts.add(
        project,
        act,
        author=request.user,
        seen_version=form.cleaned_data["seen_version"],
        seen_act=form.cleaned_data["seen_act"],
        now=timezone.now(),
    )


def edit_page(
    request: PersonRequest,
    label: Label,
    entries: Entries,
    form: LabelForm,
    *,
    edition: LabelEdition | None = None,
    theirs: DraftAct | None = None,
    status: int = 200,
) -> HttpResponse:
    project = label.project
    if edition or theirs:
        show_newest(project, form)
    context = {
        "project": project,
        "label": label,
        "form": form,
        "keys": offered(entries),
        "edition": edition,
        "theirs": theirs,
        "difference": compared(edition, form) if edition else [],
        "draft_size": project.draft.count(),
        "examples": [*form.examples, *[""] * BLANK],
        "overlaps": [*form.overlaps, *[""] * BLANK],
        **remarks.context_of(project, entries, as_said(request, entries[label.key], entries)),
    }
    return render(request, "labeling/taxonomy/edit.html", context, status=status)


FORMS: dict[str, type[MergeForm | RetireForm | SplitForm]] = {
    "merge": MergeForm,
    "retire": RetireForm,
    "split": SplitForm,
}


@require_http_methods(["GET", "HEAD", "POST"])
@owner_page
def change_label(request: PersonRequest, project: Project, pk: int, kind: str) -> HttpResponse:
    """Merge, split or retire a label: put that into the draft."""
    label = get_object_or_404(project.labels.active(), pk=pk)
    if kind not in FORMS:
        raise Http404
    entries, posted = drafts.entries(project), request.method == "POST"
    wanted = kind == "split" and "proposed" in request.GET
    groups = proposals.groups_of(label) if wanted else []
    initial: dict[str, Any] = {
        **drafts.seen(project),
        "into": request.GET.get("into", ""),
        "parts": [(group.name, "") for group, _ in groups],
    }
    form = FORMS[kind](request.POST) if posted else FORMS[kind](initial=initial)
    status = 200
    if posted:
        row, status = drafted(request, project, form, lambda: form.act_on(label.key, entries))
        if row and request.POST.get("do") == "choose":
            return redirect("labeling:share-out", project.slug, label.pk)
        if row:
            return redirect("labeling:draft", project.slug)
    context = {
        "project": project,
        "label": label,
        "form": form,
        "kind": kind,
        "keys": offered(entries),
        "gold": label.gold.gold().count(),
        "groups": groups,
    }
    return render(request, "labeling/taxonomy/change.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@owner_page
def create_label(request: PersonRequest, project: Project) -> HttpResponse:
    """Put a new label into the draft."""
    entries, posted = drafts.entries(project), request.method == "POST"
    initial = drafts.seen(project) | {"parent": request.GET.get("under", "")}
    form = CreateForm(request.POST) if posted else CreateForm(initial=initial)
    if not project.is_multi:
        del form.fields["only_one"]
    status = 200
    if posted:
        row, status = drafted(request, project, form, lambda: form.act(entries))
        if row:
            return redirect("labeling:draft", project.slug)
    context = {
        "form": form,
        "keys": offered(entries),
        **remarks.context_of(project, entries, as_said(request, remarks.NEW, entries)),
    }
    return render(request, "labeling/taxonomy/new.html", context, status=status)


def drafted(
    request: PersonRequest, project: Project, form: Seen, act: Callable[[], Act]
) -> tuple[DraftAct | None, int]:
    """Put what the form says into the draft; return that, or errors in the form and the status."""
    if not form.is_valid():
        return None, 422
    try:
        return add(request, project, act(), form), 200
    except (publishing.EditConflict, drafts.DraftConflict) as conflict:
        show_newest(project, form)
        form.add_error(None, f"{conflict} Look at it, then send this again.")
        return None, 409
    except (BadAct, BadTaxonomy) as error:
        form.add_error(None, str(error))
        return None, 422


@require_POST
@owner_page
def restore_label(request: PersonRequest, project: Project, pk: int) -> HttpResponse:
    """Put into the draft that a retired label is given again."""
    label = get_object_or_404(project.labels, pk=pk)
    form = Seen(request.POST)
    row, _ = drafted(request, project, form, lambda: Restore(label.key))
    if row:
        return redirect("labeling:draft", project.slug)
    messages.error(request, " ".join(map(str, form.non_field_errors())) or "Try it again.")
    return redirect("labeling:label", project.slug, pk)


# --- what stands and what was sent ----------------------------------------------------------------


def as_said(request: PersonRequest, entry: TaxonomyEntry, entries: Entries) -> TaxonomyEntry:
    """Return *entry* as the form says it that is shown: as it stands, until something was sent."""
    return remarks.said(request.POST, entry, entries) if request.method == "POST" else entry


def show_newest(project: Project, form: Seen) -> None:
    """Let the form, shown again with what stands by now, be sent again."""
    form.data = {**form.data, **drafts.seen(project)}


def offered(entries: Entries) -> list[tuple[str, str]]:
    """Return the ids and names of labels that a form may name."""
    return sorted((key, entry.name) for key, entry in entries.items() if not entry.retired)


def standing_values(entry: TaxonomyEntry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "parent": entry.parent or "",
        "description": entry.description,
        "aliases": "\n".join(entry.aliases),
        "only_one": entry.only_one,
    }


def standing_rows(entry: TaxonomyEntry) -> list[ExclusionRow]:
    return [ExclusionRow(situation, use or "") for situation, use in entry.exclusions]


def changed_rows(posted: QueryDict) -> list[ExclusionRow]:
    """Return the posted rows, with the one added or removed that the pressed button names."""
    rows = posted_rows(posted)
    act, _, place = str(posted["do"]).partition("-")
    if act == "add":
        rows.append(ExclusionRow())
    elif act == "remove" and place.isdecimal() and len(place) < 5 and int(place) < len(rows):
        del rows[int(place)]
    return rows


def compared(edition: LabelEdition, form: LabelForm) -> list[Worded]:
    """Return each text that differs, with what was published meanwhile against the form's."""
    theirs = entry_of(edition.label.key, edition.content)
    return worded(theirs, replace(theirs, **form.said))
