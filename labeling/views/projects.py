from django.contrib import messages
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from labeling import memberships, overview
from labeling.access import (
    PersonRequest,
    admin_page,
    member_page,
    site_administrator_page,
    standing_of,
)
from labeling.forms.projects import ProjectForm, SettingsForm
from labeling.models import Project
from labeling.views.people import welcome


@require_safe
@member_page
def show_project(request: PersonRequest, project: Project) -> HttpResponse:
    """Show what waits, what there is, and while the project is new, what comes next."""
    sums = overview.totals(project)
    model = overview.serving_model(project)
    may_edit = standing_of(request, project).is_owner
    queues = overview.open_tasks([project.pk])[project.pk]
    context = {
        "project": project,
        "totals": sums,
        "model": model,
        "queues": queues,
        "open_tasks": sum(queues.values()),
        "running": overview.running([project.pk])[project.pk] if may_edit else [],
        "steps": overview.steps(project, sums, model),
        "version": project.taxonomy_versions.first(),
        "lately": project.audit_entries.select_related("actor")[:6] if may_edit else [],
    }
    return render(request, "labeling/project.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@site_administrator_page
def create_project(request: PersonRequest) -> HttpResponse:
    """Make a project and its first admin."""
    form = ProjectForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        status = 422 if form.is_bound else 200
        return render(request, "labeling/project_new.html", {"form": form}, status=status)
    try:
        project, admin = made_from(form, by=request.user)
    except memberships.Deactivated:
        form.add_error("admin", "That account is deactivated.")
        return render(request, "labeling/project_new.html", {"form": form}, status=422)
    if admin != request.user:
        return welcome(request, project, admin)
    messages.success(request, f"{project.name} is ready. The steps below fill it.")
    return redirect("labeling:project", project.slug)


@transaction.atomic
def made_from(form: ProjectForm, *, by: User) -> tuple[Project, User]:
    """Make the project of a valid *form*, and the account of its first admin where it is new.

    Raises:
        Deactivated: the account of that address was deactivated.
    """
    email = form.cleaned_data["admin"]
    admin = memberships.account_for(email) if email else by
    project = memberships.create_project(
        name=form.cleaned_data["name"],
        slug=form.cleaned_data["slug"],
        kind=form.cleaned_data["kind"],
        admin=admin,
        actor=by,
        now=timezone.now(),
    )
    return project, admin


@require_http_methods(["GET", "HEAD", "POST"])
@admin_page
def change_settings(request: PersonRequest, project: Project) -> HttpResponse:
    form = SettingsForm(request.POST or None, instance=Project.objects.get(pk=project.pk))
    if request.method != "POST" or not form.is_valid():
        context = {"project": project, "form": form}
        status = 422 if form.is_bound else 200
        return render(request, "labeling/project_settings.html", context, status=status)
    memberships.change_settings(project, form.cleaned_data, actor=request.user, now=timezone.now())
    messages.success(request, "Settings saved.")
    return redirect("labeling:settings", project.slug)
