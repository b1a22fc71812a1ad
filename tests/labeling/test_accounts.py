import re

import pytest
from django.core import mail
from django.test import Client

from labeling.models import AuditEntry
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

SIGN_IN = "/accounts/sign-in/"
PASSWORD = "correct horse 7"
NEW = {"new_password1": "battery staple 9", "new_password2": "battery staple 9"}


@pytest.fixture
def ann():
    user = UserFactory(username="ann")
    user.set_password(PASSWORD)
    user.save()
    return user


def sign_in(client, password=PASSWORD, username="ann", **query):
    return client.post(SIGN_IN, {"username": username, "password": password}, query_params=query)


def test_signing_in_leads_home(client, ann):
    assert sign_in(client).url == "/"


def test_signing_in_leads_back_to_where_one_was_sent_from(client, ann):
    assert sign_in(client, next="/p/support/").url == "/p/support/"


def test_a_wrong_password_is_refused_without_saying_what_was_wrong(client, ann):
    known, unknown = sign_in(client, "wrong"), sign_in(client, "wrong", username="nobody")

    assert known.status_code == unknown.status_code == 422
    assert message(known) == message(unknown)


def message(page) -> str:
    return str(page.context["form"].non_field_errors())


def test_whoever_is_signed_in_needs_no_sign_in_page(client, ann):
    client.force_login(ann)

    assert client.get(SIGN_IN).url == "/"


def test_signing_out_takes_a_post_and_ends_the_session(client, ann):
    client.force_login(ann)
    assert client.get("/accounts/sign-out/").status_code == 405

    client.post("/accounts/sign-out/")
    assert client.get("/").url.startswith(SIGN_IN)


def test_repeated_failures_lock_the_account_and_say_for_how_long(client, ann, settings):
    settings.AXES_FAILURE_LIMIT = 3
    answers = [sign_in(client, "wrong").status_code for _ in range(3)]
    page = sign_in(client)

    assert answers == [422, 422, 429]
    assert page.status_code == 429
    assert "15\N{NO-BREAK SPACE}minutes" in page.text


def test_a_lock_is_for_one_address_alone(client, ann, settings):
    settings.AXES_FAILURE_LIMIT = 1
    sign_in(client, "wrong")
    client.defaults["REMOTE_ADDR"] = "192.0.2.7"

    assert sign_in(client).status_code == 302


def test_a_changed_password_is_written_down_and_keeps_the_session(client, ann):
    client.force_login(ann)
    page = client.post("/accounts/password/", {"old_password": PASSWORD, **NEW}, follow=True)

    assert "Your password is changed" in page.text
    assert AuditEntry.objects.get().act == "changed password"


def test_changing_the_password_ends_all_other_sessions(client, ann, client_elsewhere):
    client.force_login(ann)
    client_elsewhere.force_login(ann)
    client.post("/accounts/password/", {"old_password": PASSWORD, **NEW})

    assert client_elsewhere.get("/").status_code == 302


@pytest.fixture
def client_elsewhere():
    return Client()


@pytest.mark.parametrize("weak", ["short 1", "password123", "8675309867"])
def test_weak_passwords_are_refused(client, ann, weak):
    client.force_login(ann)
    words = {"old_password": PASSWORD, "new_password1": weak, "new_password2": weak}

    assert client.post("/accounts/password/", words).status_code == 422


def test_a_forgotten_password_is_set_by_the_mailed_link(client, ann):
    client.post("/accounts/password/reset/", {"email": ann.email})
    link = re.search(r"http://testserver(\S+)", mail.outbox[0].body)[1]
    form = client.get(link, follow=True)
    page = client.post(form.redirect_chain[-1][0], NEW, follow=True)

    assert "Sign in as ann" in page.text
    assert sign_in(client, NEW["new_password1"]).url == "/"
    assert AuditEntry.objects.get().act == "set password"


def test_an_unknown_address_gets_the_same_answer_and_no_mail(client, ann):
    unknown = client.post("/accounts/password/reset/", {"email": "x@example.org"}, follow=True)
    known = client.post("/accounts/password/reset/", {"email": ann.email}, follow=True)

    assert len(mail.outbox) == 1
    assert "on its way" in unknown.text
    assert "on its way" in known.text


def test_the_mail_names_the_account_as_it_is_written(client, ann):
    ann.username = "o'hara"
    ann.save()
    client.post("/accounts/password/reset/", {"email": ann.email})

    assert "o'hara" in mail.outbox[0].body
