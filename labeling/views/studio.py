"""Change the taxonomy: acts gather in a draft, whose impact is seen before it is published."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from labeling import drafts, publishing, taxonomies, taxonomy_acts
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
from labeling.taxonomy_entries import BadTaxonomy, TaxonomyEntry
from labeling.wording import difference

NAMES_SHOWN = 5_000  # labels offered while typing an id
BLANK = 1  # empty rows below those that are filled


@require_http_methods(["GET", "HEAD", "POST"])
@owner_page
def edit_label(request: PersonRequest, project: Project, pk: int) -> HttpResponse:
    """Edit what a label says: into the draft, or published at once where the draft is empty."""
    label = get_object_or_404(project.labels.active(), pk=pk)
    entry = as_drafted(project, label.key)
    form_for = partial(LabelForm, keys=frozenset(keys_of(project)), entry=entry)
    if request.method != "POST":
        prefilled = [ExclusionRow(request.GET.get("situation", ""), request.GET.get("use", ""))]
        form = form_for(
            initial=standing_values(entry) | drafts.seen(project),
            rows=[*standing_rows(entry), *prefilled],
            examples=entry.examples,
            overlaps=entry.overlaps,
        )
        return edit_page(request, project, label, form)
    do = request.POST.get("do", "draft")
    if do not in ("draft", "publish"):
        form = form_for(
            initial=request.POST.dict(),
            rows=changed_rows(request.POST),
            examples=request.POST.getlist("example"),
            overlaps=request.POST.getlist("overlap"),
        )
        return edit_page(request, project, label, form)
    form = form_for(request.POST)
    if not form.is_valid():
        return edit_page(request, project, label, form, status=422)
    at_once = (
        do == "publish" and not project.draft.exists()
    )  # else it would say what the draft does
    store = publish_at_once if at_once else put_into_draft
    return store(request, project, label, form)


def publish_at_once(
    request: PersonRequest, project: Project, label: Label, form: LabelForm
) -> HttpResponse:
    """Publish what the form says, or show what somebody else published meanwhile."""
    act = form.act()
    if act is None:
        messages.info(request, "Nothing differed, so nothing was published.")
        return redirect("labeling:label", project.slug, label.pk)
    try:
        version = publishing.publish_acts(
            project,
            [act],
            actor=request.user,
            now=timezone.now(),
            note=f"Edited {label.name}",
            seen_version=form.cleaned_data["seen_version"],
        )
    except publishing.EditConflict as conflict:
        return edit_page(request, project, label, form, edition=conflict.edition, status=409)
    except (BadAct, BadTaxonomy) as error:
        form.add_error(None, str(error))
        return edit_page(request, project, label, form, status=422)
    messages.success(request, f"Published {version}. Open documents are predicted anew.")
    return redirect("labeling:label", project.slug, label.pk)


def put_into_draft(
    request: PersonRequest, project: Project, label: Label, form: LabelForm
) -> HttpResponse:
    """Put what the form says into the draft, or show what somebody else did meanwhile."""
    act = form.act()
    if act is None:
        messages.info(request, "Nothing differed, so the draft is as it was.")
        return redirect("labeling:label", project.slug, label.pk)
    try:
        add(request, project, act, form)
    except publishing.EditConflict as conflict:
        return edit_page(request, project, label, form, edition=conflict.edition, status=409)
    except drafts.DraftConflict as conflict:
        return edit_page(request, project, label, form, theirs=conflict.theirs, status=409)
    except (BadAct, BadTaxonomy) as error:
        form.add_error(None, str(error))
        return edit_page(request, project, label, form, status=422)
    return redirect("labeling:draft", project.slug)


def add(request: PersonRequest, project: Project, act: Act, form: Seen) -> None:
    drafts.add(
        project,
        act,
        author=request.user,
        seen_version=form.cleaned_data["seen_version"],
        seen_act=form.cleaned_data["seen_act"],
        now=timezone.now(),
    )


def edit_page(
    request: PersonRequest,
    project: Project,
    label: Label,
    form: LabelForm,
    *,
    edition: LabelEdition | None = None,
    theirs: DraftAct | None = None,
    status: int = 200,
) -> HttpResponse:
    if edition or theirs:
        show_newest(project, form)
    context = {
        "project": project,
        "label": label,
        "form": form,
        "keys": sorted(keys_of(project).items()),
        "edition": edition,
        "theirs": theirs,
        "difference": list(compared(edition, form)) if edition else [],
        "draft_size": project.draft.count(),
        "examples": [*form.examples, *[""] * BLANK],
        "overlaps": [*form.overlaps, *[""] * BLANK],
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
    posted = request.method == "POST"
    initial = drafts.seen(project) | {"into": request.GET.get("into", "")}
    form = FORMS[kind](request.POST) if posted else FORMS[kind](initial=initial)
    status = 200
    if posted:
        status = drafted(request, project, form, lambda: form.act_on(label.key, taken(project)))
        if status < 400:
            return redirect("labeling:draft", project.slug)
    context = {
        "project": project,
        "label": label,
        "form": form,
        "kind": kind,
        "keys": sorted(keys_of(project).items()),
        "gold": label.gold.gold().count(),
    }
    return render(request, "labeling/taxonomy/change.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@owner_page
def create_label(request: PersonRequest, project: Project) -> HttpResponse:
    """Put a new label into the draft."""
    posted = request.method == "POST"
    initial = drafts.seen(project) | {"parent": request.GET.get("under", "")}
    form = CreateForm(request.POST) if posted else CreateForm(initial=initial)
    status = 200
    if posted:
        status = drafted(request, project, form, lambda: form.act(taken(project)))
        if status < 400:
            return redirect("labeling:draft", project.slug)
    context = {"project": project, "form": form, "keys": sorted(keys_of(project).items())}
    return render(request, "labeling/taxonomy/new.html", context, status=status)


def drafted(request: PersonRequest, project: Project, form: Seen, act: Callable[[], Act]) -> int:
    """Put what the form says into the draft; return the answer's status, errors in the form."""
    if not form.is_valid():
        return 422
    try:
        add(request, project, act(), form)
    except (publishing.EditConflict, drafts.DraftConflict) as conflict:
        show_newest(project, form)
        form.add_error(None, f"{conflict} Look at it, then send this again.")
        return 409
    except (BadAct, BadTaxonomy) as error:
        form.add_error(None, str(error))
        return 422
    return 302


@require_POST
@owner_page
def restore_label(request: PersonRequest, project: Project, pk: int) -> HttpResponse:
    """Put into the draft that a retired label is given again."""
    label = get_object_or_404(project.labels, pk=pk)
    form = Seen(request.POST)
    if drafted(request, project, form, lambda: Restore(label.key)) < 400:
        return redirect("labeling:draft", project.slug)
    messages.error(request, " ".join(map(str, form.non_field_errors())) or "Try it again.")
    return redirect("labeling:label", project.slug, pk)


# --- what stands and what was sent ----------------------------------------------------------------


def show_newest(project: Project, form: Seen) -> None:
    """Let the form, shown again with what stands by now, be sent again."""
    form.data = {**form.data, **drafts.seen(project)}


def taken(project: Project) -> set[str]:
    """Return the ids that labels have, retired and drafted ones too."""
    try:
        return set(drafts.outcome(project, drafts.rows_of(project)).entries)
    except BadAct:
        return set(project.labels.values_list("key", flat=True))


def keys_of(project: Project) -> dict[str, str]:
    """Return the names of labels by key, as they stand after the draft."""
    try:
        entries = drafts.outcome(project, drafts.rows_of(project)).entries
    except BadAct:
        return dict(project.labels.active().values_list("key", "name"))
    return {key: entry.name for key, entry in entries.items() if not entry.retired}


def as_drafted(project: Project, key: str) -> TaxonomyEntry:
    """Return a label as the draft has it, or as it stands where the draft cannot be done."""
    standing = {entry.key: entry for entry in taxonomies.entries(project)}
    try:
        return taxonomy_acts.done(standing, drafts.acts_of(drafts.rows_of(project))).entries[key]
    except BadAct:
        return standing[key]


def standing_values(entry: TaxonomyEntry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "parent": entry.parent or "",
        "description": entry.description,
        "aliases": "\n".join(entry.aliases),
    }


def standing_rows(entry: TaxonomyEntry) -> list[ExclusionRow]:
    return [ExclusionRow(situation, use or "") for situation, use in entry.exclusions]


def changed_rows(posted: QueryDict) -> list[ExclusionRow]:
    """Return the posted rows, with the one added or removed that the pressed button names."""
    rows = posted_rows(posted)
    act, _, place = str(posted["do"]).partition("-")
    if act == "add":
        rows.append(ExclusionRow())
    elif act == "remove" and place.isdecimal() and int(place) < len(rows):
        del rows[int(place)]
    return rows


def compared(edition: LabelEdition, form: LabelForm) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return, for each text that differs, what was published meanwhile against the form's."""
    published = edition.content
    rows = [(each["situation"], each["use"]) for each in published["exclusions"]]
    said = form.cleaned_data
    pairs = [
        ("Name", published["name"], said["name"]),
        ("Stands under", published["parent"] or "", said["parent"] or ""),
        ("Description", published["description"], said["description"]),
        ("Aliases", "\n".join(published.get("aliases", [])), "\n".join(said["aliases"])),
        ("Exclusions", lines(rows), lines(form.exclusions)),
        ("Examples", "\n".join(published["examples"]), "\n".join(form.examples)),
        ("Overlaps", "\n".join(published["overlaps"]), "\n".join(sorted(form.overlaps))),
    ]
    return [(name, list(difference(old, new))) for name, old, new in pairs if old != new]


def lines(exclusions: list[tuple[str, str | None]]) -> str:
    return "\n".join(f"{one} → {two}" if two else one for one, two in exclusions)
