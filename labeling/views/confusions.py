"""Which labels are taken for which, and what to do about it."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from labeling import confusions, drafts, proposals, publishing, second_opinions, taxonomies
from labeling.access import PersonRequest, owner_page
from labeling.models import Label, Project, ProposalAnswer
from labeling.taxonomy_acts import BadAct
from labeling.taxonomy_entries import BadTaxonomy

Kind = ProposalAnswer.Kind
PAIRS = 20  # named below the matrix


@require_safe
@owner_page
def show_confusions(request: PersonRequest, project: Project) -> HttpResponse:
    """Show the matrix of one branch, the pairs confused most, and what is proposed."""
    labels = Label.objects.filter(project=project).only("name", "key", "parent", "retired_at")
    known = {label.pk: label for label in labels.order_by("position", "pk")}
    under = _number(request.GET.get("under", ""))
    found = confusions.collect(project)
    matrix = confusions.matrix(
        found,
        {pk: label.parent_id for pk, label in known.items()},
        under if under in known else None,
    )
    usable = Label.objects.assignable().filter(project=project).values_list("pk", flat=True)
    proposed = proposals.find(
        found,
        second_opinions.collect(project).judgements,
        taxonomies.overlapping_ids(project),
        set(usable),
        proposals.answered(project),
        proposals.kept(project),
    )
    branches = {label.parent_id for label in known.values()}
    context = {
        "project": project,
        "under": known.get(under or 0),
        "columns": [known[pk] for pk in matrix.labels],
        "branches": branches,
        "rows": [
            (known[pk], [(cell, known[cell.said], pk in branches) for cell in cells])
            for pk, cells in zip(matrix.labels, matrix.rows, strict=True)
        ],
        "more": matrix.more,
        "decided": sum(found.said.values()),
        "pairs": [
            (known[said], known[given], count, count / max(found.decided[given], 1))
            for (said, given), count in found.most(PAIRS)
            if said in known and given in known
        ],
        "proposals": [(each, known[each.first], known[each.second]) for each in proposed],
    }
    return render(request, "labeling/taxonomy/confusions.html", context)


@require_safe
@owner_page
def show_pair(request: PersonRequest, project: Project, said: int, given: int) -> HttpResponse:
    """Show the documents of which the model said one label and people another."""
    labels = project.labels.all()
    context = {
        "project": project,
        "said": get_object_or_404(labels, pk=said),
        "given": get_object_or_404(labels, pk=given),
        "decisions": confusions.documents(project, said, given),
        "most": confusions.DOCUMENTS,
    }
    return render(request, "labeling/taxonomy/confusion.html", context)


@require_POST
@owner_page
def answer_proposal(request: PersonRequest, project: Project) -> HttpResponse:
    """Put what is proposed into the draft, or do not propose it again; a split opens its form."""
    kind, is_split = request.POST.get("kind", ""), request.POST.get("kind") == Kind.SPLIT
    pair = tuple(_number(request.POST.get(name, "")) for name in ("first", "second"))
    if kind not in Kind or (pair[0] == pair[1]) != is_split:
        raise Http404
    first, second = (get_object_or_404(project.labels, pk=pk) for pk in pair)
    accepted = request.POST.get("do") == "accept"
    if accepted and is_split:  # what it is split into, only a person can say
        form = reverse("labeling:change-label", args=[project.slug, first.pk, "split"])
        return redirect(f"{form}?proposed=1")
    try:
        proposals.answer(
            project,
            kind,
            (first.pk, second.pk),
            accepted=accepted,
            person=request.user,
            now=timezone.now(),
        )
    except (BadAct, BadTaxonomy, publishing.EditConflict, drafts.DraftConflict) as error:
        messages.error(request, str(error))
        return redirect("labeling:confusions", project.slug)
    return redirect("labeling:draft" if accepted else "labeling:confusions", project.slug)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 19 else 0
