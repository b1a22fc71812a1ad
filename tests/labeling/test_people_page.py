import re

import pytest
from django.core import mail

from labeling.models import Membership
from tests.factories import MembershipFactory, ProjectFactory

pytestmark = pytest.mark.django_db

PEOPLE = "/p/support/people/"


@pytest.fixture
def client(client, admin):
    client.force_login(admin)
    return client


def link_in(text: str) -> str:
    return re.search(r"http://testserver(/accounts/password/set/[\w/-]+)", text)[1]


def invite(client, email="new@example.org", role="reviewer"):
    return client.post(f"{PEOPLE}invite/", {"email": email, "role": role})


def test_an_invitation_is_mailed_and_its_link_shown_once(client):
    page = invite(client)

    assert link_in(page.text) == link_in(mail.outbox[0].body)
    assert mail.outbox[0].to == ["new@example.org"]
    assert "/accounts/password/set/" not in client.get(PEOPLE).text


def test_the_invited_person_sets_a_password_and_signs_in(client):
    link = link_in(invite(client).text)
    client.logout()

    form = client.get(link, follow=True)
    words = {"new_password1": "correct horse 7", "new_password2": "correct horse 7"}
    client.post(form.redirect_chain[-1][0], words)
    sign_in = {"username": "new@example.org", "password": "correct horse 7"}
    home = client.post("/accounts/sign-in/", sign_in, follow=True)

    assert "Support mail" in home.text


def test_a_link_works_once(client):
    link = link_in(invite(client).text)
    form = client.get(link, follow=True)
    words = {"new_password1": "correct horse 7", "new_password2": "correct horse 7"}
    client.post(form.redirect_chain[-1][0], words)
    client.logout()
    client.cookies.clear()

    assert "no longer works" in client.get(link, follow=True).text


def test_inviting_somebody_with_a_password_sends_no_link_to_set_one(client, outsider):
    outsider.set_password("correct horse 7")
    outsider.save()
    page = invite(client, outsider.email)

    assert "password/set" not in page.text + mail.outbox[0].body
    assert Membership.objects.filter(user=outsider, role="reviewer").exists()


def test_the_link_to_an_account_of_other_projects_goes_to_its_owner_alone(client):
    stranger = MembershipFactory(project=ProjectFactory(slug="elsewhere")).user
    stranger.set_unusable_password()
    stranger.save()
    page = invite(client, stranger.email)

    assert "password/set" not in page.text
    assert "password/set" in mail.outbox[0].body


def test_an_invitation_without_an_address_is_refused(client):
    assert invite(client, email="nobody").status_code == 422
    assert not mail.outbox


def test_a_deactivated_account_is_named_as_the_reason(client, outsider):
    outsider.is_active = False
    outsider.save()
    page = invite(client, outsider.email)

    assert page.status_code == 422
    assert "deactivated" in page.text


def test_an_invitation_stands_where_no_mail_can_be_sent(client, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    page = invite(client)

    assert "No mail could be sent" in page.text
    assert link_in(page.text)


def test_an_admin_changes_a_role(client, reviewer):
    member = reviewer.memberships.get()
    client.post(f"{PEOPLE}{member.pk}/role/", {"role": "owner"})

    member.refresh_from_db()
    assert member.role == "owner"


def test_an_unknown_role_is_refused(client, reviewer):
    member = reviewer.memberships.get()

    assert client.post(f"{PEOPLE}{member.pk}/role/", {"role": "king"}).status_code == 422


def test_the_last_admin_stays_and_is_told_why(client, admin):
    member = admin.memberships.get()
    for answer in (
        client.post(f"{PEOPLE}{member.pk}/role/", {"role": "owner"}),
        client.post(f"{PEOPLE}{member.pk}/remove/"),
    ):
        assert answer.status_code == 409
        assert "at least one admin" in answer.text


def test_an_admin_who_leaves_goes_home(client, admin, project):
    MembershipFactory(project=project, role=Membership.Role.ADMIN)
    answer = client.post(f"{PEOPLE}{admin.memberships.get().pk}/remove/")

    assert answer.url == "/"
    assert client.get("/p/support/").status_code == 404


def test_the_page_costs_the_same_for_thirty_people(client, project, django_assert_num_queries):
    MembershipFactory.create_batch(30, project=project)

    with django_assert_num_queries(5):  # session, person, project, role, members
        client.get(PEOPLE)
