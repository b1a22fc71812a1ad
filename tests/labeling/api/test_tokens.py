import pytest
from django.contrib.sessions.models import Session
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from knox.crypto import hash_token
from knox.models import AuthToken
from rest_framework.test import APIClient

from labeling import tokens
from labeling.models import AuditEntry
from tests.labeling.api.conftest import speaking_for

pytestmark = pytest.mark.django_db
URL = "/api/v1/token"
LABELS = "/api/v1/projects/support/labels"
PASSWORD = "a good long password"


@pytest.fixture
def person(reviewer):
    reviewer.set_password(PASSWORD)
    reviewer.save()
    return reviewer


def ask(person, password=PASSWORD):
    return APIClient().post(URL, {"username": person.username, "password": password})


def test_a_password_buys_a_token_that_opens_what_its_person_may_open(person):
    token = ask(person).json()["token"]
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Token {token}")

    assert api.get(LABELS).status_code == 200


def test_a_token_is_kept_as_a_digest_alone_and_written_down(person):
    told = ask(person).json()

    kept = AuthToken.objects.get()
    assert kept.digest == hash_token(told["token"])
    assert kept.expiry == parse_datetime(told["expires_at"])
    assert AuditEntry.objects.get().act == "took an API token"


def test_a_wrong_password_buys_nothing(person):
    assert ask(person, "wrong").status_code == 400
    assert not AuthToken.objects.exists()


def test_guessing_is_locked_out_as_at_the_sign_in_page(person, settings):
    settings.AXES_FAILURE_LIMIT = 3
    for _ in range(3):
        refused = ask(person, "wrong")

    assert (refused.status_code, ask(person).status_code) == (429, 429)
    assert "15 minutes" in refused.json()["detail"]


@pytest.mark.parametrize(
    "words", ["", "Token", "Token nonsense", "Token a b", "Bearer x", "Token \xff"]
)
def test_without_a_token_nothing_opens(project, words):
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=words)

    assert api.get(LABELS).status_code == 401


def test_giving_tokens_back_ends_all_of_them(person):
    first, second = speaking_for(person), speaking_for(person)

    assert first.delete("/api/v1/tokens").status_code == 204
    assert second.get(LABELS).status_code == 401


def test_somebody_without_a_token_has_none_to_give_back():
    assert APIClient().delete("/api/v1/tokens").status_code == 401


def test_an_ended_token_opens_nothing_and_is_no_hindrance_to_a_new_one(person):
    api = speaking_for(person)
    AuthToken.objects.update(expiry=timezone.now())

    assert api.get(LABELS).status_code == 401
    words = {"username": person.username, "password": PASSWORD}
    assert api.post(URL, words).status_code == 200


def test_a_person_has_twenty_tokens_at_most_the_newest(person):
    first = speaking_for(person)
    for _ in range(tokens.MOST):
        last = speaking_for(person)

    assert AuthToken.objects.count() == tokens.MOST
    assert (first.get(LABELS).status_code, last.get(LABELS).status_code) == (401, 200)


def test_a_program_needs_no_session(person):
    assert not ask(person).cookies
    assert not Session.objects.exists()


def test_the_right_password_ends_the_count_of_wrong_ones(person, settings):
    settings.AXES_FAILURE_LIMIT = 3
    answers = [ask(person, words).status_code for words in ("a", "b", PASSWORD, "c", "d", PASSWORD)]

    assert answers == [400, 400, 200, 400, 400, 200]


@pytest.mark.parametrize(
    "words",
    [
        {"username": "a" * 300, "password": "x"},
        {"username": "a"},
        {"username": "a\0", "password": "x"},
        [],
        None,
    ],
)
def test_what_is_no_name_and_password_is_refused(db, words):
    assert APIClient().post(URL, words).status_code == 400


def test_endless_nesting_is_refused(db):
    answer = APIClient().generic("POST", URL, "[" * 100_000, content_type="application/json")
    assert answer.status_code == 400


def test_a_new_password_ends_the_tokens_of_the_old_one(client, person):
    api = speaking_for(person)
    client.force_login(person)
    words = {"new_password1": "another long one!", "new_password2": "another long one!"}
    client.post(reverse("accounts:password_change"), {"old_password": PASSWORD, **words})

    assert api.get(LABELS).status_code == 401


def test_who_may_not_sign_in_any_more_has_no_token_either(person):
    api = speaking_for(person)
    person.is_active = False
    person.save()

    assert api.get(LABELS).status_code == 401
