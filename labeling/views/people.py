import logging

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import send_mail
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.views.decorators.http import require_POST, require_safe

from labeling import memberships
from labeling.access import PersonRequest, admin_page
from labeling.forms.people import InvitationForm, RoleForm
from labeling.models import Membership, Project

logger = logging.getLogger(__name__)


def people_page(
    request: PersonRequest,
    project: Project,
    *,
    form: InvitationForm | None = None,
    invited: User | None = None,
    is_mailed: bool = False,
    link: str = "",
    status: int = 200,
) -> HttpResponse:
    """Render the page; *link*, where given, is shown this once."""
    context = {
        "project": project,
        "members": project.memberships.select_related("user").order_by("user__username"),
        "roles": Membership.Role,
        "form": form or InvitationForm(),
        "invited": invited,
        "is_mailed": is_mailed,
        "link": link,
    }
    return render(request, "labeling/people.html", context, status=status)


@require_safe
@admin_page
def show_people(request: PersonRequest, project: Project) -> HttpResponse:
    return people_page(request, project)


@require_POST
@admin_page
def invite(request: PersonRequest, project: Project) -> HttpResponse:
    """Give a person a role, and mail them a link where they have no password yet."""
    form = InvitationForm(request.POST)
    if not form.is_valid():
        return people_page(request, project, form=form, status=422)
    try:
        membership = memberships.invite(
            project, **form.cleaned_data, actor=request.user, now=timezone.now()
        )
    except memberships.Deactivated:
        form.add_error("email", "That account is deactivated; ask a site administrator.")
        return people_page(request, project, form=form, status=422)
    return welcome(request, project, membership.user)


def welcome(request: PersonRequest, project: Project, user: User) -> HttpResponse:
    """Mail *user* the way in, and show it this once to whoever invited, where that is safe."""
    link = "" if user.has_usable_password() else password_link(request, user)
    is_mailed = mail_invitation(user, project, link or request.build_absolute_uri(reverse("home")))
    shown = link if memberships.may_show_link(user, to=request.user) else ""
    return people_page(request, project, invited=user, is_mailed=is_mailed, link=shown)


@require_POST
@admin_page
def change_role(request: PersonRequest, project: Project, pk: int) -> HttpResponse:
    membership = get_object_or_404(project.memberships, pk=pk)
    form = RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, "There is no such role.")
        return people_page(request, project, status=422)
    try:
        memberships.set_role(
            membership, form.cleaned_data["role"], actor=request.user, now=timezone.now()
        )
    except memberships.LastAdmin:
        return last_admin(request, project)
    messages.success(request, f"{membership.user} has another role now.")
    return redirect_if_still_admin(request, project)


@require_POST
@admin_page
def remove(request: PersonRequest, project: Project, pk: int) -> HttpResponse:
    membership = get_object_or_404(project.memberships, pk=pk)
    try:
        memberships.remove(membership, actor=request.user, now=timezone.now())
    except memberships.LastAdmin:
        return last_admin(request, project)
    messages.success(request, f"{membership.user} is no longer in {project}.")
    return redirect_if_still_admin(request, project)


def last_admin(request: PersonRequest, project: Project) -> HttpResponse:
    messages.error(request, "A project keeps at least one admin. Make somebody else admin first.")
    return people_page(request, project, status=409)


def redirect_if_still_admin(request: PersonRequest, project: Project) -> HttpResponse:
    """Go back to the page, or home for those who just gave up the right to see it."""
    stays = Project.objects.administered_by(request.user).filter(pk=project.pk).exists()
    return redirect("labeling:people", project.slug) if stays else redirect("home")


def password_link(request: PersonRequest, user: User) -> str:
    """Return the address where *user* sets a password: valid once, for PASSWORD_RESET_TIMEOUT."""
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    token = default_token_generator.make_token(user)
    path = reverse("accounts:password_reset_confirm", args=[uid, token])
    return request.build_absolute_uri(path)


def mail_invitation(user: User, project: Project, link: str) -> bool:
    """Mail *link* to *user*; False where that failed, which must not undo the invitation."""
    days = settings.PASSWORD_RESET_TIMEOUT // 86400
    context = {"user": user, "project": project, "link": link, "days": days}
    body = render_to_string("labeling/accounts/invitation_mail.txt", context)
    subject = f"You are invited to {' '.join(project.name.split())}"
    try:
        return bool(send_mail(subject, body, None, [user.email])) if user.email else False
    except OSError:  # refused, unreachable, or any SMTPException
        logger.exception("The invitation of %s could not be mailed", user)
        return False
