"""Open a project's pages only to those who may see them; to all others they do not exist (404)."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlsplit, urlunsplit

from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django_htmx.middleware import HtmxDetails

from labeling.memberships import Standing, project_of, role_of
from labeling.models import Project

P = ParamSpec("P")


class PersonRequest(HttpRequest):
    """A request that passed login_required and HtmxMiddleware."""

    user: User
    htmx: HtmxDetails


ProjectView = Callable[Concatenate[PersonRequest, Project, P], HttpResponseBase]
SlugView = Callable[..., HttpResponseBase]


def project_page(
    open_to: Callable[[User, str], Project | None],
) -> Callable[[ProjectView[P]], SlugView]:
    """Decorate a view of one project: sign-in, then the project by slug as *open_to* finds it."""

    def decorate(view: ProjectView[P]) -> SlugView:
        @wraps(view)
        def opened(
            request: PersonRequest, slug: str, *args: P.args, **kwargs: P.kwargs
        ) -> HttpResponse | HttpResponseBase:
            if not is_signed_in(request):
                return sign_in_first(request)
            project = open_to(request.user, slug)
            if project is None:
                raise Http404
            return view(request, project, *args, **kwargs)

        return opened

    return decorate


def is_signed_in(request: HttpRequest) -> bool:
    return request.user.is_authenticated


def sign_in_first(request: HttpRequest) -> HttpResponse:
    """Lead to the sign-in page and back: after a form, to the page it stood on."""
    back = request.get_full_path()
    if request.method not in ("GET", "HEAD"):
        form = urlsplit(request.headers.get("Referer", ""))
        here = form.netloc == request.get_host()
        back = urlunsplit(("", "", form.path, form.query, "")) if here else resolve_url("home")
    return redirect_to_login(back)


def standing_of(request: HttpRequest, project: Project) -> Standing:
    """Return what the person may do in *project*, asking the database once per request."""
    known: dict[int, Standing] = request.__dict__.setdefault("_standings", {})
    if project.pk not in known:
        known[project.pk] = Standing(role_of(request.user, project) or "")
    return known[project.pk]


member_page = project_page(project_of)
owner_page = project_page(
    lambda user, slug: Project.objects.editable_by(user).filter(slug=slug).first()
)
admin_page = project_page(
    lambda user, slug: Project.objects.administered_by(user).filter(slug=slug).first()
)


def site_administrator_page(view: Callable[[PersonRequest], HttpResponse]) -> SlugView:
    """Decorate a page for site administrators alone."""

    @wraps(view)
    def opened(request: PersonRequest) -> HttpResponse:
        if not is_signed_in(request):
            return sign_in_first(request)
        if not request.user.is_superuser:
            raise Http404
        return view(request)

    return opened
