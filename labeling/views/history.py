from datetime import datetime

from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_safe

from labeling.access import PersonRequest, owner_page
from labeling.models import AuditEntry, Project

PAGE = 50


@require_safe
@owner_page
def show_history(request: PersonRequest, project: Project) -> HttpResponse:
    """Show who did what, newest first; `?before=<time>,<id>` goes back from that entry."""
    entries = AuditEntry.objects.filter(project=project).select_related("actor")
    before = request.GET.get("before", "")
    if before:
        at, pk = cursor(before)
        entries = entries.filter(Q(at__lt=at) | Q(at=at, pk__lt=pk))
    found = list(entries[: PAGE + 1])
    page = found[:PAGE]
    older = f"{page[-1].at.isoformat()},{page[-1].pk}" if len(found) > PAGE else ""
    context = {"project": project, "entries": page, "older": older, "is_first": not before}
    return render(request, "labeling/history.html", context)


def cursor(text: str) -> tuple[datetime, int]:
    """Read a place in the history.

    Raises:
        Http404: the text names no place.
    """
    at, _, pk = text.partition(",")
    try:
        moment = parse_datetime(at)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not pk.isdecimal() or len(pk) > 18:
        raise Http404
    return moment, int(pk)
