"""Two versions of the taxonomy beside each other."""

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from labeling import taxonomy_versions
from labeling.access import PersonRequest, member_page
from labeling.models import Project

SHOWN = 50  # labels of one page


@require_safe
@member_page
def compare_versions(request: PersonRequest, project: Project) -> HttpResponse:
    """Show what differs between two versions, label by label; the last two where none is named."""
    known = project.taxonomy_versions.only("project", "number")
    versions = {version.number: version for version in known}
    newest = max(versions, default=0)
    chosen = [
        named(request.GET.get("before", ""), otherwise=max(newest - 1, 1)),
        named(request.GET.get("after", ""), otherwise=newest),
    ]
    if not versions.keys() >= set(chosen):
        raise Http404
    earlier, later = sorted(chosen)
    old = taxonomy_versions.standing(project, earlier)
    new = taxonomy_versions.standing(project, later)
    changes = taxonomy_versions.compare(old, new)
    shown = Paginator(changes, SHOWN).get_page(request.GET.get("page"))
    keys = [each.after.key for each in shown]
    ids = dict(project.labels.filter(key__in=keys).values_list("key", "pk"))
    context = {
        "project": project,
        "versions": versions.values(),
        "earlier": versions[earlier],
        "later": versions[later],
        "numbers": taxonomy_versions.numbers(changes),
        "shown": shown,
        "rows": [
            (ids[each.after.key], each, taxonomy_versions.worded(each.before, each.after, old, new))
            for each in shown
        ],
    }
    return render(request, "labeling/taxonomy/versions.html", context)


def named(text: str, *, otherwise: int) -> int:
    """Return the number of the version that an address names; 0, which none has, for nonsense."""
    if not text:
        return otherwise
    return int(text) if text.isdecimal() and len(text) < 10 else 0
