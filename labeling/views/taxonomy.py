from functools import partial

from django.contrib import messages
from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from labeling import exports, taxonomies, taxonomy_tree
from labeling.access import PersonRequest, member_page, owner_page
from labeling.forms.taxonomy import ExclusionRow, LabelForm, posted_rows
from labeling.models import Exclusion, Label, LabelEdition, Project
from labeling.views.exports import download
from labeling.wording import difference

EDITIONS_SHOWN = 20


@require_safe
@member_page
def show_taxonomy(request: PersonRequest, project: Project) -> HttpResponse:
    """Show the tree of labels with their counts, and the versions published so far."""
    nodes = taxonomy_tree.nodes(project)
    versions = list(project.taxonomy_versions.select_related("published_by")[:EDITIONS_SHOWN])
    context = {
        "project": project,
        "nodes": nodes,
        "assignable": sum(node.label.is_assignable for node in nodes),
        "is_small": len(nodes) <= 200,
        "versions": versions,
    }
    return render(request, "labeling/taxonomy/taxonomy.html", context)


@require_safe
@member_page
def show_label(request: PersonRequest, project: Project, pk: int) -> HttpResponse:
    """Show what the current version says of a label, what points to it, and its editions."""
    label = get_object_or_404(project.labels, pk=pk)
    context = {
        "project": project,
        "label": label,
        "around": taxonomy_tree.surroundings(label),
        "exclusions": label.exclusions.select_related("use"),
        "routed": Exclusion.objects.filter(use=label).select_related("label"),
        "counts": taxonomy_tree.counts_by_label(project).get(label.pk, taxonomy_tree.Counts()),
        "editions": editions(label),
    }
    return render(request, "labeling/taxonomy/label.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@owner_page
def edit_label(request: PersonRequest, project: Project, pk: int) -> HttpResponse:
    """Edit what a label says; buttons of the form add and remove rows, or publish."""
    label = get_object_or_404(project.labels.active(), pk=pk)
    keys = dict(project.labels.active().values_list("key", "name"))
    form_for = partial(LabelForm, keys=frozenset(keys), own=label.key)
    if request.method != "POST":
        standing = {
            "description": label.description,
            "aliases": "\n".join(label.aliases),
            "seen_version": taxonomies.current_number(project),
        }
        form = form_for(initial=standing, rows=standing_rows(label))
        return edit_page(request, project, label, form, keys)
    if request.POST.get("do", "publish") != "publish":
        form = form_for(initial=request.POST.dict(), rows=changed_rows(request.POST))
        return edit_page(request, project, label, form, keys)
    form = form_for(request.POST)
    if not form.is_valid():
        return edit_page(request, project, label, form, keys, status=422)
    return publish(request, project, label, form, keys)


def publish(
    request: PersonRequest, project: Project, label: Label, form: LabelForm, keys: dict[str, str]
) -> HttpResponse:
    """Publish what the form says, or show what somebody else published meanwhile."""
    try:
        version = taxonomies.edit_label(
            label,
            description=form.cleaned_data["description"],
            exclusions=form.exclusions,
            aliases=form.cleaned_data["aliases"],
            seen_version=form.cleaned_data["seen_version"],
            actor=request.user,
            now=timezone.now(),
        )
    except taxonomies.EditConflict as conflict:
        return edit_page(request, project, label, form, keys, edition=conflict.edition, status=409)
    except taxonomies.BadTaxonomy as error:
        form.add_error(None, str(error))
        return edit_page(request, project, label, form, keys, status=422)
    if version:
        messages.success(request, f"Published {version}. Open documents are predicted anew.")
    else:
        messages.info(request, "Nothing differed, so nothing was published.")
    return redirect("labeling:label", project.slug, label.pk)


def edit_page(
    request: PersonRequest,
    project: Project,
    label: Label,
    form: LabelForm,
    keys: dict[str, str],
    *,
    edition: LabelEdition | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "project": project,
        "label": label,
        "form": form,
        "keys": sorted(keys.items()),
        "edition": edition,
        "difference": list(compared(edition, form)) if edition else [],
    }
    return render(request, "labeling/taxonomy/edit.html", context, status=status)


def standing_rows(label: Label) -> list[ExclusionRow]:
    """Return the rows of the form as the label has them, and an empty one to fill."""
    standing = label.exclusions.select_related("use")
    rows = [ExclusionRow(each.situation, each.use.key if each.use else "") for each in standing]
    return [*rows, ExclusionRow()]


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
    pairs = [
        ("Description", published["description"], form.cleaned_data["description"]),
        (
            "Aliases",
            "\n".join(published.get("aliases", [])),
            "\n".join(form.cleaned_data["aliases"]),
        ),
        ("Exclusions", lines(rows), lines(form.exclusions)),
    ]
    return [(name, list(difference(old, new))) for name, old, new in pairs if old != new]


def lines(exclusions: list[tuple[str, str | None]]) -> str:
    return "\n".join(f"{one} → {two}" if two else one for one, two in exclusions)


def editions(label: Label) -> list[tuple[LabelEdition, list[str]]]:
    """Return the newest editions, each with the names of what it changed."""
    found = list(
        label.editions.select_related("version__published_by").order_by("-version__number")[
            : EDITIONS_SHOWN + 1
        ]
    )
    older = [edition.content for edition in found[1:]] + [None]
    return [
        (edition, differing(before, edition.content))
        for edition, before in zip(found, older, strict=True)
    ][:EDITIONS_SHOWN]


def differing(before: dict[str, object] | None, after: dict[str, object]) -> list[str]:
    if before is None:
        return ["new"]
    # An edition from before there were aliases lacks them: nothing, like an empty list.
    return [name for name in after if (before.get(name) or None) != (after[name] or None)]


@require_safe
@owner_page
def export_taxonomy(
    _request: PersonRequest, project: Project, format_: str
) -> StreamingHttpResponse:
    return download(project, "taxonomy", format_, exports.taxonomy)
