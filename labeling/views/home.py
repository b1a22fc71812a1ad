"""The first page, the help, and the answer to "are you there?"."""

from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from labeling import key_map, overview
from labeling.access import PersonRequest
from labeling.models import Membership, Project


@dataclass(frozen=True, slots=True)
class ProjectCard:
    """One project on the home page: the person's role and what waits for them."""

    project: Project
    role: str
    queues: dict[str, int]
    running: list[overview.Waiting]

    @property
    def open_tasks(self) -> int:
        return sum(self.queues.values())


@require_safe
@login_required
def home(request: PersonRequest) -> HttpResponse:
    """Show each person their projects, those with most to do first."""
    return render(request, "labeling/home.html", {"cards": project_cards(request.user)})


def project_cards(user: User) -> list[ProjectCard]:
    """Gather the cards at a cost that does not grow with the number of projects."""
    projects = list(Project.objects.visible_to(user))
    ids = [project.pk for project in projects]
    roles = dict(Membership.objects.filter(user=user).values_list("project", "role"))
    tasks = overview.open_tasks(ids)
    editable = [pk for pk in ids if may_edit(user, roles.get(pk))]
    running = overview.running(editable)
    cards = [
        ProjectCard(
            project,
            role_name(roles.get(project.pk)),
            tasks[project.pk],
            running.get(project.pk, []),
        )
        for project in projects
    ]
    return sorted(cards, key=lambda card: card.open_tasks == 0)


def may_edit(user: User, role: str | None) -> bool:
    return user.is_superuser or role in {Membership.Role.OWNER, Membership.Role.ADMIN}


def role_name(role: str | None) -> str:
    return str(Membership.Role(role).label) if role else "Site administrator"


@require_safe
@login_required
def show_help(request: PersonRequest) -> HttpResponse:
    """Explain keys, words and roles."""
    context = {"keys": key_map.of(request.user)}
    return render(request, "labeling/help.html", context)


@require_safe
def healthz(_request: HttpRequest) -> JsonResponse:
    """Answer 200 while this process can reach its database; for load balancers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})
