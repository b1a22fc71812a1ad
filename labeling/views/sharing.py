"""Share the gold of a label that the draft splits out, document by document."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from labeling import drafts, key_map, sharing
from labeling.access import PersonRequest, owner_page
from labeling.drafts import DraftChanged
from labeling.forms.taxonomy import SharingForm
from labeling.models import Label, Project
from labeling.search import parse
from labeling.sharing import NotSplit
from labeling.taxonomy_acts import BadAct


@require_http_methods(["GET", "HEAD", "POST"])
@owner_page
def share_out(request: PersonRequest, project: Project, pk: int) -> HttpResponse:
    """Show documents whose gold is shared out, a page at a time; keep what is chosen for them."""
    label = get_object_or_404(project.labels, pk=pk)
    try:
        return choose(request, label) if request.method == "POST" else page(request, label)
    except NotSplit as error:
        messages.error(request, f"{error} It was published or taken out of the draft.")
        return redirect("labeling:label", project.slug, label.pk)
    except DraftChanged:
        said = f"Nothing was kept: the draft splits “{label.name}” otherwise by now."
        messages.error(request, said)
        return redirect("labeling:share-out", project.slug, label.pk)
    except BadAct as error:
        messages.error(request, str(error))
        return redirect("labeling:draft", project.slug)


def choose(request: PersonRequest, label: Label) -> HttpResponse:
    """Keep what is chosen on one page, and go where the pressed button says."""
    _, act, _ = sharing.split_of(label)
    form = SharingForm(request.POST, parts=act.parts)
    if not form.is_valid():
        return page(request, label, form=form, status=422)
    given = form.cleaned_data
    left_out = sharing.choose(
        label,
        form.said,
        by_nearest=form.by_nearest,
        seen_act=given["seen_act"],
        now=timezone.now(),
    )
    if left_out:
        messages.warning(request, f"{left_out:,} passed over: “{label.name}” was taken from them.")
    if request.POST.get("do") == "done":
        return redirect("labeling:draft", label.project.slug)
    is_same = given["find"] == request.GET.get("find", "")
    place = {"find": given["find"], "page": (given["number"] if is_same else None) or 1}
    address = reverse("labeling:share-out", args=[label.project.slug, label.pk])
    return redirect(f"{address}?{urlencode(place)}")


def page(
    request: PersonRequest, label: Label, *, form: SharingForm | None = None, status: int = 200
) -> HttpResponse:
    project, find = label.project, request.GET.get("find", "")
    row, act, before = sharing.split_of(label)
    form = form or SharingForm(request.GET, parts=act.parts)
    asked = request.GET.get("page", "")
    number = int(asked) if asked.isdecimal() and len(asked) < 9 else 1
    ids = drafts.decided(project, before, act)
    context = {
        "project": project,
        "label": label,
        "form": form,
        "seen_act": row.pk,
        "by_nearest": act.by_nearest,
        "parts": list(enumerate(act.parts, 1)),
        "review": len(act.parts) + 1,
        "sheet": sharing.sheet(project, act, ids, search=parse(find), number=number),
        "shares": sharing.shares(act, ids),
        "total": len(ids),
        "find": find,
        "keys": key_map.of(request.user),
    }
    return render(request, "labeling/taxonomy/sharing.html", context, status=status)
