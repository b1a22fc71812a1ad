"""What an attacker would try first, on every page."""

import re

import pytest
from django.test import Client

from labeling import audit, memberships
from labeling.models import Membership
from tests.factories import LabelFactory, MembershipFactory, ProjectFactory, UserFactory

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
PAGES = ["", "settings/", "people/", "history/", "taxonomy/", "documents/", "review/", "models/"]


@pytest.fixture
def hostile_admin(project):
    """Somebody of a project in which every name tries to break out of the page."""
    project.name = HOSTILE
    project.save()
    user = UserFactory(username=HOSTILE[:150], first_name=HOSTILE[:150], last_name=HOSTILE[:150])
    MembershipFactory(project=project, user=user, role=Membership.Role.ADMIN)
    LabelFactory(project=project, key=HOSTILE, name=HOSTILE, description=HOSTILE)
    return user


@pytest.mark.parametrize("page", ["/", "/help/", *(f"/p/support/{part}" for part in PAGES)])
def test_hostile_names_are_shown_as_text(client, hostile_admin, project, page):
    audit.record(
        HOSTILE[:60],
        actor=hostile_admin,
        now=project.created_at,
        project=project,
        subject=HOSTILE,
        detail={HOSTILE: [HOSTILE]},
    )
    client.force_login(hostile_admin)
    answer = client.get(page)

    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert "<img src=x" not in answer.text


@pytest.mark.parametrize("page", ["/accounts/sign-in/", "/", "/p/support/", "/nowhere/"])
def test_pages_allow_no_inline_script_or_style(client, admin, page):
    client.force_login(admin)
    policy = client.get(page).headers["Content-Security-Policy"]

    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("page", ["/", "/help/", *(f"/p/support/{part}" for part in PAGES)])
def test_pages_hold_nothing_the_policy_would_block(client, admin, page):
    client.force_login(admin)
    text = client.get(page).text

    assert not re.findall(r"<script(?![^>]*\ssrc=)(?![^>]*type=\"application/json\")", text)
    assert not re.findall(r"<style|\sstyle=|\son[a-z]+=\"|javascript:|hx-on|hx-vals=.js", text)


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"],
)
def test_signing_in_never_leads_to_another_site(client, admin, elsewhere):
    admin.set_password("correct horse 7")
    admin.save()
    words = {"username": admin.username, "password": "correct horse 7", "next": elsewhere}

    assert client.post("/accounts/sign-in/", words).url == "/"
    assert client.get("/accounts/sign-in/", {"next": elsewhere}).url == "/"


def test_the_session_is_out_of_reach_of_scripts_and_other_sites(client, admin):
    admin.set_password("correct horse 7")
    admin.save()
    words = {"username": admin.username, "password": "correct horse 7"}
    cookie = client.post("/accounts/sign-in/", words).cookies["sessionid"]

    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_behind_https_cookies_travel_only_there(client, admin, settings):
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    admin.set_password("correct horse 7")
    admin.save()
    words = {"username": admin.username, "password": "correct horse 7"}
    answer = client.post("/accounts/sign-in/", words, secure=True)

    assert answer.cookies["sessionid"]["secure"]
    assert answer.cookies["csrftoken"]["secure"]


@pytest.mark.parametrize("page", ["sign-up", "signup", "register", "accounts/sign-up", "admin"])
def test_nobody_can_make_themselves_an_account(client, page):
    assert client.get(f"/{page}/").status_code == 404


def test_a_deactivated_person_is_out_at_once(client, admin):
    client.force_login(admin)
    assert client.get("/p/support/").status_code == 200

    admin.is_active = False
    admin.save()
    assert client.get("/p/support/").url == "/accounts/sign-in/?next=/p/support/"


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        (
            "http://testserver/p/support/review/7/?queue=audit",
            "/p/support/review/7/%3Fqueue%3Daudit",
        ),
        ("https://elsewhere.example/p/support/", "/"),
        ("", "/"),
    ],
)
def test_whose_session_ended_under_a_form_comes_back_to_its_page(client, referer, back):
    answer = client.post("/p/support/review/next/", headers={"referer": referer})
    assert answer.url == f"/accounts/sign-in/?next={back}"


def test_a_removed_person_is_out_at_once(client, admin, reviewer, project):
    client.force_login(reviewer)
    memberships.remove(reviewer.memberships.get(), actor=admin, now=project.created_at)

    assert client.get("/p/support/").status_code == 404


def test_a_form_sent_from_another_site_is_refused(admin):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin)
    answer = client.post("/p/support/people/invite/", {"email": "x@example.org", "role": "admin"})

    assert answer.status_code == 403
    assert "expired" in answer.text


def test_what_is_missing_and_what_is_hidden_look_the_same(client, outsider, project):
    ProjectFactory(slug="empty")
    client.force_login(outsider)
    hidden, missing = client.get("/p/support/"), client.get("/p/nowhere/")

    assert hidden.status_code == missing.status_code == 404
    assert body(hidden) == body(missing)


def body(page) -> str:
    return re.sub(r'value="\w{64}"', "", page.text)


def test_an_error_page_needs_no_database(client, admin, monkeypatch):
    monkeypatch.setattr("labeling.overview.totals", lambda project: 1 / 0)
    client.force_login(admin)
    client.raise_request_exception = False
    answer = client.get("/p/support/")

    assert answer.status_code == 500
    assert "Something went wrong" in answer.text
    assert "ZeroDivisionError" not in answer.text
