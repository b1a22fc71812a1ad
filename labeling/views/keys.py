from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from labeling import key_map
from labeling.access import PersonRequest
from labeling.forms.keys import KeysForm


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def change_keys(request: PersonRequest) -> HttpResponse:
    """Show the person's keys; `usual` brings back those everybody begins with."""
    now = timezone.now()
    if "usual" in request.POST:
        are_off = key_map.of(request.user).are_off
        key_map.change(request.user, {}, now=now, are_off=are_off)
        return saved(request, "You press the usual keys again.")
    form = KeysForm(key_map.of(request.user), request.POST or None)
    if request.method == "POST" and form.is_valid():
        key_map.change(request.user, form.keys, now=now, are_off=form.are_off)
        return saved(request, "Your keys are saved.")
    status = 422 if form.is_bound else 200
    return render(request, "labeling/accounts/keys.html", {"form": form}, status=status)


def saved(request: HttpRequest, words: str) -> HttpResponse:
    messages.success(request, words)
    return redirect("accounts:keys")
