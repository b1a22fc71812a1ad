"""The draft of the taxonomy: what it holds, what it would do, and what becomes of it."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from labeling import breaches, drafts, jobs, publishing, sharing, taxonomy_acts, taxonomy_lint
from labeling.access import PersonRequest, owner_page
from labeling.forms.taxonomy import PublishForm
from labeling.models import DraftAct, Job, Project
from labeling.taxonomy_acts import Act, BadAct, Split
from labeling.taxonomy_entries import BadTaxonomy
from labeling.views import moves
from labeling.views.remarks import with_others


@require_safe
@owner_page
def show_draft(request: PersonRequest, project: Project) -> HttpResponse:
    """Show what waits in the draft, what is doubtful in it, and what it would do."""
    return draft_page(request, project)


def draft_page(
    request: PersonRequest, project: Project, *, error: str = "", status: int = 200
) -> HttpResponse:
    rows = drafts.rows_of(project)
    acts, names = drafts.acts_of(rows), drafts.names(project)
    found: list[taxonomy_lint.Remark] = []
    try:
        work = drafts.outcome(project, rows)
        found = [
            *breaches.remarks(project, work),
            *taxonomy_lint.remarks(work.entries, taxonomy_acts.touched(acts)),
        ]
        names = {key: entry.name for key, entry in work.entries.items()} | names
    except BadAct as bad:
        error = error or f"It cannot be published as it is. {bad}"
    context = {
        "project": project,
        "rows": [
            (row, act.words(names), each)
            for row, act, each in zip(rows, acts, shared(project, acts), strict=True)
        ],
        "remarks": with_others(project, found),
        "error": error,
        "form": PublishForm(
            initial={
                "seen_acts": ",".join(str(row.pk) for row in rows),
                "seen_change": drafts.last_change(rows),
            }
        ),
        **impact_of(project, rows),
    }
    return render(request, "labeling/taxonomy/draft.html", context, status=status)


def shared(project: Project, acts: Sequence[Act]) -> list[dict[str, Any]]:
    """Return, of each act that splits a label, how gold is shared out and that label.

    There one chooses documents; of a label that is only in the draft there are none.
    """
    keys = [act.source for act in acts if isinstance(act, Split)]
    labels = {label.key: label for label in project.labels.filter(key__in=keys)} if keys else {}
    return [
        {
            "label": labels[act.source],
            "shares": sharing.shares(act, drafts.decided(project, acts[:place], act)),
        }
        if isinstance(act, Split) and act.source in labels
        else {}
        for place, act in enumerate(acts)
    ]


def impact_of(project: Project, rows: Sequence[DraftAct]) -> dict[str, Any]:
    """Return the newest preview of this draft, and whether the draft changed since."""
    newest = project.jobs.filter(kind=Job.Kind.IMPACT).first()
    if newest is None or not rows or newest.arguments.get("draft", 0) < rows[0].pk:
        return {"impact": None}  # or that was of a draft published since
    is_old = [row.pk for row in rows] != newest.arguments.get("acts", [])
    is_old |= any(row.made_at > newest.created_at for row in rows)
    return {"impact": newest, "is_old": is_old, "worker_alive": jobs.worker_alive()}


@require_safe
@owner_page
def show_impact(request: PersonRequest, project: Project) -> HttpResponse:
    """Show how far the preview is, or what it found: a fragment that asks again each second."""
    context = {"project": project, **impact_of(project, drafts.rows_of(project))}
    return render(request, "labeling/taxonomy/_impact.html", context)


@require_POST
@owner_page
def change_draft(request: PersonRequest, project: Project) -> HttpResponse:
    """Take an act out of the draft, empty it, have its impact previewed, or publish it."""
    do, _, which = request.POST.get("do", "").partition("-")
    acts: dict[str, Callable[[], HttpResponse]] = {
        "remove": lambda: remove_act(request, project, which),
        "discard": lambda: discard(request, project),
        "preview": lambda: preview(request, project),
        "publish": lambda: publish(request, project),
    }
    return acts[do]() if do in acts else redirect("labeling:draft", project.slug)


def remove_act(request: PersonRequest, project: Project, which: str) -> HttpResponse:
    """Take an act out; who undoes a move in the tree, with htmx, stays there."""
    try:
        pk = int(which) if which.isdecimal() and len(which) < 19 else 0
        was_there = drafts.remove(project, pk)
    except BadAct as error:
        page = moves.drop if request.htmx else draft_page
        return page(request, project, error=str(error), status=422)
    if request.htmx:
        said = "It is out of the draft again." if was_there else "The draft has it no more."
        return moves.drop(request, project, said=said)
    return redirect("labeling:draft", project.slug)


def discard(request: PersonRequest, project: Project) -> HttpResponse:
    drafts.discard(project)
    messages.info(request, "The draft is empty; nothing was published.")
    return redirect("labeling:taxonomy", project.slug)


def preview(request: PersonRequest, project: Project) -> HttpResponse:
    acts = [row.pk for row in drafts.rows_of(project)]
    running = Job.objects.unfinished().filter(project=project, kind=Job.Kind.IMPACT)
    if running.filter(arguments__acts=acts).exists():
        return redirect("labeling:draft", project.slug)
    if acts and jobs.worker_alive():
        jobs.start(
            Job.Kind.IMPACT,
            project,
            actor=request.user,
            arguments={"draft": acts[-1], "acts": acts},
            now=timezone.now(),
        )
        return redirect("labeling:draft", project.slug)
    if not acts:
        return redirect("labeling:draft", project.slug)
    error = "No worker is running, so nothing can be previewed. Start one, then try again."
    return draft_page(request, project, error=error, status=503)


def publish(request: PersonRequest, project: Project) -> HttpResponse:
    form = PublishForm(request.POST)
    if not form.is_valid():
        error = " ".join(f"{error}" for errors in form.errors.values() for error in errors)
        return draft_page(request, project, error=error, status=422)
    try:
        version = drafts.publish(
            project,
            actor=request.user,
            seen_acts=form.cleaned_data["seen_acts"],
            seen_change=form.cleaned_data["seen_change"],
            note=form.cleaned_data["note"],
            again=form.cleaned_data["again"],
            now=timezone.now(),
        )
    except drafts.DraftChanged:
        error = "The draft was changed or published meanwhile. Look at it as it is now."
        return draft_page(request, project, error=error, status=409)
    except publishing.EditConflict as conflict:
        error = f"{conflict} since it came into the draft. Take that change out and make it anew."
        return draft_page(request, project, error=error, status=409)
    except (BadAct, BadTaxonomy) as error_:
        return draft_page(request, project, error=str(error_), status=422)
    if version:
        said = f"Published {version}. Open documents it affects are predicted anew."
        messages.success(request, said)
    else:
        messages.info(request, "The draft changed nothing, so nothing was published.")
    return redirect("labeling:taxonomy", project.slug)


@require_POST
@owner_page
def take_back(request: PersonRequest, project: Project, number: int) -> HttpResponse:
    """Take the last version back, or redo what was taken back last."""
    try:
        version = publishing.take_back(project, number, actor=request.user, now=timezone.now())
    except publishing.NothingToUndo as error:
        messages.error(request, f"{error} Look at what was published since.")
    else:
        said = f"{version.note}: {version} stands." if version else "Nothing differed."
        messages.success(request, said)
    return redirect("labeling:taxonomy", project.slug)
