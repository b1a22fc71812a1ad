from datetime import timedelta

import pytest
from django.utils import timezone

from labeling import audit
from tests.factories import ProjectFactory

pytestmark = pytest.mark.django_db

HISTORY = "/p/support/history/"


@pytest.fixture
def client(client, owner):
    client.force_login(owner)
    return client


def record(project, count, actor=None, step=timedelta(0)):
    now = timezone.now()
    for number in range(count):
        audit.record(
            "did", actor=actor, now=now + number * step, project=project, subject=f"act {number}"
        )


def subjects(page) -> list[str]:
    return [entry.subject for entry in page.context["entries"]]


def test_the_newest_act_stands_first(client, project, owner):
    record(project, 3, owner, step=timedelta(seconds=1))

    assert subjects(client.get(HISTORY)) == ["act 2", "act 1", "act 0"]


@pytest.mark.parametrize("step", [timedelta(0), timedelta(microseconds=1)])
def test_going_back_meets_every_act_once(client, project, step):
    record(project, 120, step=step)
    seen, query = [], {}
    while query is not None:
        page = client.get(HISTORY, query)
        seen += subjects(page)
        query = {"before": page.context["older"]} if page.context["older"] else None

    assert seen == [f"act {number}" for number in reversed(range(120))]


def test_the_link_to_older_acts_leads_there(client, project):
    record(project, 51)
    page = client.get(HISTORY)
    link = page.text.split('href="?before=')[1].split('"')[0]

    assert subjects(client.get(f"{HISTORY}?before={link}")) == ["act 0"]


@pytest.mark.parametrize(
    "place",
    [
        "x",
        "2026-01-01",
        "2026-01-01T00:00:00,1",
        "2026-13-01T00:00:00Z,1",
        "2026-01-01T00:00:00Z,-1",
        "2026-01-01T00:00:00Z," + "9" * 30,
    ],
)
def test_a_place_that_is_none_does_not_exist(client, place):
    assert client.get(HISTORY, {"before": place}).status_code == 404


def test_acts_of_other_projects_are_not_shown(client):
    record(ProjectFactory(slug="elsewhere"), 1)

    assert "Nothing has happened yet" in client.get(HISTORY).text


def test_what_changed_is_told_in_words(client, project):
    detail = {"role": {"before": "reviewer", "after": "owner"}, "labels": ["a", "b"], "left": None}
    audit.record("did", actor=None, now=timezone.now(), project=project, detail=detail)

    page = client.get(HISTORY).text
    for told in ("role: reviewer → owner", "labels: a, b", "left: none"):  # in any order: jsonb
        assert told in page


def test_the_page_costs_the_same_for_thirty_acts(client, project, owner, django_assert_num_queries):
    record(project, 30, owner)

    with django_assert_num_queries(5):  # session, person, project, entries, role
        client.get(HISTORY)
