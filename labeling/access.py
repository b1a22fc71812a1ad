"""Open a project's pages only to those who may see them; to all others they do not exist (404)."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django_htmx.middleware import HtmxDetails

from labeling.memberships import Standing, role_of
from labeling.models import Project
from labeling.models.projects import ProjectQuerySet

P = ParamSpec("P")


class PersonRequest(HttpRequest):
    """A request that passed login_required and HtmxMiddleware."""

    user: User
    htmx: HtmxDetails


ProjectView = Callable[Concatenate[PersonRequest, Project, P], HttpResponseBase]
SlugView = Callable[..., HttpResponseBase]


def project_page(
    may_open: Callable[[User], ProjectQuerySet],
) -> Callable[[ProjectView[P]], SlugView]:
    """Decorate a view of one project: sign-in, then the project by slug through *may_open*."""

    def decorate(view: ProjectView[P]) -> SlugView:
        @login_required
        @wraps(view)
        def opened(
            request: PersonRequest, slug: str, *args: P.args, **kwargs: P.kwargs
        ) -> HttpResponse | HttpResponseBase:
            project = get_object_or_404(may_open(request.user), slug=slug)
            return view(request, project, *args, **kwargs)

        return opened

    return decorate


def standing_of(request: HttpRequest, project: Project) -> Standing:
    """Return what the person may do in *project*, asking the database once per request."""
    known: dict[int, Standing] = request.__dict__.setdefault("_standings", {})
    if project.pk not in known:
        known[project.pk] = Standing(role_of(request.user, project) or "")
    return known[project.pk]


member_page = project_page(lambda user: Project.objects.visible_to(user))
owner_page = project_page(lambda user: Project.objects.editable_by(user))
admin_page = project_page(lambda user: Project.objects.administered_by(user))


def site_administrator_page(view: Callable[[PersonRequest], HttpResponse]) -> SlugView:
    """Decorate a page for site administrators alone."""

    @login_required
    @wraps(view)
    def opened(request: PersonRequest) -> HttpResponse:
        if not request.user.is_superuser:
            raise Http404
        return view(request)

    return opened
