"""Signing in, and passwords: Django's own views with our pages and an audit entry."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import views as auth
from django.db import transaction
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse_lazy
from django.utils import timezone

from labeling import audit, tokens


def locked(request: HttpRequest, _answer: Any, _credentials: Any) -> HttpResponse:
    """Say that somebody failed to sign in too often, as a page or to a program."""
    if request.path_info.startswith("/api/"):
        minutes = round(settings.AXES_COOLOFF_TIME / timedelta(minutes=1))
        detail = f"Too many failed attempts. Try again in {minutes} minutes."
        return JsonResponse({"detail": detail}, status=429)
    context = {
        "cooloff_timedelta": settings.AXES_COOLOFF_TIME,
        "failure_limit": settings.AXES_FAILURE_LIMIT,
    }
    return render(request, "labeling/accounts/locked.html", context, status=429)


class Unprocessable:
    """A form that does not hold is answered 422, as everywhere in this app."""

    def form_invalid(self, form: BaseForm) -> HttpResponse:
        answer: HttpResponse = super().form_invalid(form)  # type: ignore[misc]
        answer.status_code = 422
        return answer


class SignIn(Unprocessable, auth.LoginView):
    template_name = "labeling/accounts/sign_in.html"
    redirect_authenticated_user = True


class SignOut(auth.LogoutView):
    pass


class ChangePassword(Unprocessable, auth.PasswordChangeView):
    template_name = "labeling/accounts/change_password.html"
    success_url = reverse_lazy("home")

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            answer = super().form_valid(form)
            audit.record("changed password", actor=form.user, now=timezone.now())
            tokens.revoke_all(form.user, now=timezone.now())
        messages.success(self.request, "Your password is changed.")
        return answer


class ResetPassword(Unprocessable, auth.PasswordResetView):
    """Mails a link. The answer is the same whether or not the address is known."""

    template_name = "labeling/accounts/reset_password.html"
    email_template_name = "labeling/accounts/reset_password_mail.txt"
    subject_template_name = "labeling/accounts/reset_password_subject.txt"
    success_url = reverse_lazy("accounts:login")

    def form_valid(self, form: Any) -> HttpResponse:
        notice = "If an account has that address, a link to set its password is on its way."
        messages.success(self.request, notice)
        return super().form_valid(form)


class SetPassword(Unprocessable, auth.PasswordResetConfirmView):
    """Where the link of an invitation or a reset leads."""

    template_name = "labeling/accounts/set_password.html"
    success_url = reverse_lazy("accounts:login")

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            answer = super().form_valid(form)
            audit.record("set password", actor=form.user, now=timezone.now())
            tokens.revoke_all(form.user, now=timezone.now())
        name = form.user.get_username()
        messages.success(self.request, f"Your password is set. Sign in as {name}.")
        return answer
