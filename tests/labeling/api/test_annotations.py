import json
from uuid import UUID, uuid4

import pytest

from labeling.models import Annotation, ReviewTask
from tests.factories import LabelFactory, ProjectFactory
from tests.labeling.api.conftest import speaking_for
from tests.labeling.desk import multi

pytestmark = pytest.mark.django_db


@pytest.fixture
def url(held):
    return f"/api/v1/tasks/{held().pk}/annotations"


def decision(*labels, **fields):
    return {"labels": list(labels), "key": str(uuid4()), **fields}


@pytest.mark.parametrize("name", ["pk", "key"])
def test_a_label_is_given_by_id_or_by_key(api, url, labels, name):
    stored = api.post(url, decision(getattr(labels[0], name)))

    assert stored.status_code == 201
    assert stored.json()["kind"] == "accepted"
    assert [each["key"] for each in stored.json()["labels"]] == [labels[0].key]
    assert Annotation.objects.get().labels.get() == labels[0]
    assert ReviewTask.objects.get().status == "done"


def test_another_label_corrects_the_suggestion_whatever_the_kind_says(api, url, labels):
    assert api.post(url, decision(labels[1].pk, kind="accepted")).json()["kind"] == "corrected"


def test_not_having_looked_at_the_candidates_is_told(api, url, labels):
    assert api.post(url, decision(labels[1].pk, kind="independent")).json()["kind"] == "independent"


def test_nothing_fits_is_said_outright(api, url):
    assert api.post(url, decision(kind="none_fits")).json()["labels"] == []


def test_several_labels_are_given_where_several_may(api, project, url, labels):
    multi(project)
    sent = decision(labels[1].pk, labels[0].key, labels[1].key)
    stored = api.post(url, sent)

    assert [each["id"] for each in stored.json()["labels"]] == [labels[0].pk, labels[1].pk]
    assert api.post(url, sent).json() == stored.json()


def test_sent_twice_is_one_decision(api, url, labels):
    sent = decision(labels[0].pk)
    first, again = api.post(url, sent), api.post(url, sent)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert Annotation.objects.count() == 1


def test_a_key_used_up_says_so_instead_of_sending_on(api, url, labels):
    stored = api.post(url, decision(labels[0].pk, key="once")).json()
    api.delete(f"/api/v1/annotations/{stored['id']}")
    refused = api.post(url, decision(labels[1].pk, key="once"))

    assert refused.status_code == 409
    assert refused.json()["detail"].endswith("Send a new key.")
    assert api.post(url, decision(labels[1].pk, key="twice")).status_code == 201


def test_keys_that_only_look_alike_differ(api, url, labels):
    loose = "{" + str(UUID(int=7)) + "}"
    api.post(url, decision(labels[0].pk, key=loose))

    assert Annotation.objects.get().key != UUID(int=7)


def test_a_key_is_any_text(api, url, labels):
    stored = api.post(url, decision(labels[0].pk, key="run 7, row 1"))

    assert api.post(url, decision(labels[0].pk, key="run 7, row 1")).json() == stored.json()
    assert isinstance(Annotation.objects.get().key, UUID)


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"labels": []}, "labels"),
        ({"labels": ["nowhere"]}, "labels"),
        ({"labels": [10**30]}, "labels"),
        ({"labels": [True]}, "labels"),
        ({"labels": [{"id": 1}]}, "labels"),
        ({"labels": [None]}, "labels"),
        ({"labels": ["\ud800"]}, "labels"),
        ({"labels": ["a\0"]}, "labels"),
        ({"labels": [], "kind": "\ud800"}, "kind"),
        ({"labels": "all"}, "labels"),
        ({"labels": [], "kind": "wrong"}, "kind"),
        ({"labels": [], "kind": "none_fits", "key": ""}, "key"),
        ({"labels": [], "kind": "none_fits", "key": "\0"}, "key"),
    ],
)
def test_a_bad_decision_names_the_field_and_stores_nothing(api, url, sent, field):
    body = json.dumps({"key": "k", **sent})
    refused = api.generic("POST", url, body, content_type="application/json")

    assert refused.status_code == 400
    assert field in refused.json()
    assert not Annotation.objects.exists()


def test_labels_with_the_kind_none_fits_are_refused(api, url, labels):
    assert api.post(url, decision(labels[0].pk, kind="none_fits")).status_code == 400


def test_two_labels_where_one_is_given_are_refused(api, url, labels):
    refused = api.post(url, decision(labels[0].pk, labels[1].pk))

    assert refused.json() == {"labels": ["This project gives exactly one label to each document."]}


def test_a_label_of_another_project_is_unknown(api, url):
    other = LabelFactory(project=ProjectFactory(slug="other"))
    assert api.post(url, decision(other.pk)).status_code == 400


def test_a_task_one_does_not_hold_is_a_conflict_that_tells_what_stands(api, other_api, url, labels):
    other = other_api.post(url, decision(labels[0].pk))
    assert other.json()["standing"] is None
    api.post(url, decision(labels[1].pk))
    refused = other_api.post(url, decision(labels[0].pk))

    assert (other.status_code, refused.status_code) == (409, 409)
    assert refused.json()["status"] == "done"
    assert refused.json()["standing"]["labels"][0]["key"] == labels[1].key


def test_undo_gives_the_task_back_to_who_decided(api, url, labels, reviewer):
    stored = api.post(url, decision(labels[0].pk)).json()
    undone = api.delete(f"/api/v1/annotations/{stored['id']}")

    assert undone.status_code == 200
    assert undone.json()["task"] == stored["task"]
    task = ReviewTask.objects.get()
    assert (task.status, task.leased_by) == ("open", reviewer)


def test_what_somebody_else_decided_is_not_undone(api, other_api, url, labels):
    stored = api.post(url, decision(labels[0].pk)).json()
    refused = other_api.delete(f"/api/v1/annotations/{stored['id']}")

    assert refused.status_code == 409
    assert "Only the person who decided" in refused.json()["detail"]


def test_for_outsiders_there_is_no_task_and_no_decision(api, outsider, url, labels):
    stored = api.post(url, decision(labels[0].pk)).json()
    stranger = speaking_for(outsider)

    assert stranger.post(url, decision(labels[0].pk)).status_code == 404
    assert stranger.delete(f"/api/v1/annotations/{stored['id']}").status_code == 404


def test_deciding_costs_the_same_whatever_the_queue_length(
    api, url, labels, waiting, django_assert_num_queries
):
    for _ in range(30):
        waiting()
    # token, task, labels; the act with its savepoint (tests/…/test_annotations)
    with django_assert_num_queries(3 + 8 + 2):
        api.post(url, decision(labels[0].pk))
