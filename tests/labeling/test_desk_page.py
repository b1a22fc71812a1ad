import json

import pytest
from django.urls import reverse
from django.utils import timezone

from labeling import queues
from labeling.models import (
    Job,
    ReviewQueue,
)
from tests.factories import (
    DocumentFactory,
    JobFactory,
    LabelFactory,
    TaxonomyVersionFactory,
)
from tests.labeling.desk import HTMX, decision, url

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(client, reviewer):
    client.force_login(reviewer)
    return client


# --- the desk and empty queues


def test_desk_shows_what_waits_and_how_the_day_goes(client, held, waiting, labels):
    task = held()
    waiting(reason=ReviewQueue.Reason.AUDIT)
    client.post(url("annotate", task.pk), decision(labels[0]))
    page = client.get(url("review")).text

    assert "<strong>1</strong> today" in page
    assert 'Audit sample <span class="num">1</span>' in page


def test_project_without_documents_says_so(client, project):
    assert "No documents yet" in client.get(url("review")).text


def test_only_those_who_may_import_are_led_there(client, project, owner):
    assert reverse("labeling:documents", args=["support"]) not in client.get(url("review")).text
    client.force_login(owner)
    assert reverse("labeling:documents", args=["support"]) in client.get(url("review")).text


def test_running_predictions_are_told(client, project):
    DocumentFactory()
    JobFactory(kind=Job.Kind.PREDICT, status=Job.Status.RUNNING)

    assert "Predictions are running" in client.get(url("review")).text


def test_missing_predictions_are_told(client, project):
    DocumentFactory()

    assert "Nothing is predicted yet" in client.get(url("review")).text


def test_empty_queue_beside_a_full_one_offers_all_queues(client, waiting):
    waiting()
    page = client.get(url("review"), {"queue": "audit"}).text

    assert "Audit sample: all done" in page
    assert "Take from all queues" in page


def test_tasks_all_held_by_others_are_told(client, waiting, other_reviewer):
    queues.lease(waiting(), other_reviewer, now=timezone.now())

    assert "Others hold what is left" in client.get(url("review")).text


def test_everything_decided_is_told(client, held, labels):
    page = client.post(url("annotate", held().pk), decision(labels[0]), follow=True)

    assert "Everything is decided" in page.text


def test_htmx_gets_the_empty_queue_in_place_of_the_card(client, held, labels):
    card = client.post(url("annotate", held().pk), decision(labels[0]), headers=HTMX)

    assert 'id="task"' in card.text
    assert "Everything is decided" in card.text
    assert card["HX-Push-Url"] == url("review")


# --- the taxonomy for the typeahead


def test_typeahead_gets_every_assignable_label_with_its_path(client, labels):
    LabelFactory(name="Gone", retired_at=timezone.now())
    labels[0].aliases = ["delivery"]
    labels[0].save()
    rows = json.loads(client.get(url("review-labels")).text)

    assert rows[0][1:] == ["Card arrival", "Cards", "All about card arrival.", ["delivery"], []]
    assert {row[1] for row in rows} == {label.name for label in labels}


def test_typeahead_data_is_sent_once_per_taxonomy_version(client, project, labels):
    TaxonomyVersionFactory(number=1)
    first = client.get(url("review-labels"))
    again = client.get(url("review-labels"), headers={"If-None-Match": first["ETag"]})
    TaxonomyVersionFactory(number=2)
    newer = client.get(url("review-labels"), headers={"If-None-Match": first["ETag"]})

    assert (again.status_code, newer.status_code) == (304, 200)
    assert "private" in first["Cache-Control"]


def test_a_long_taxonomy_costs_two_queries_to_send(client, project, django_assert_num_queries):
    LabelFactory.create_batch(77)
    with django_assert_num_queries(5):  # session, person, project, version, labels
        client.get(url("review-labels"))


@pytest.mark.parametrize("number", [0, 2**63, 10**30])
def test_a_number_that_no_task_can_have_is_not_found(client, reviewer, number):
    client.force_login(reviewer)
    assert client.get(f"{url('review')}{number}/").status_code == 404
