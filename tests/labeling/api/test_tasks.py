import json

import pytest
from django.core.management import call_command

from labeling import queues
from labeling.api import shapes
from labeling.models import Prediction, ReviewQueue, ReviewTask
from labeling.queue_filling import Doubt
from tests.factories import ReviewTaskFactory
from tests.labeling.api.conftest import speaking_for
from tests.labeling.desk import multi

pytestmark = pytest.mark.django_db
NEXT = "/api/v1/projects/support/tasks/next"


def test_next_task_comes_with_all_the_card_shows(api, waiting, labels):
    task = waiting(document__subject="Where is it?", document__text="My card is late.")
    (told,) = api.post(NEXT).json()["tasks"]

    assert told["id"] == task.pk
    assert told["queue"] == "ambiguous"
    assert told["why"].startswith("Close call between Card arrival and Card delivery")
    assert told["document"]["subject"] == "Where is it?"
    assert told["document"]["text"] == "My card is late."
    assert [(each["key"], each["probability"]) for each in told["candidates"]] == [
        (label.key, share) for label, share in zip(labels, (0.46, 0.41, 0.08, 0.05), strict=True)
    ]
    assert told["suggested"] == [labels[0].pk]


def test_several_labels_are_suggested_where_several_are_given(api, project, waiting, labels):
    multi(project)
    waiting(label_ids=[labels[1].pk, labels[2].pk])

    (told,) = api.post(NEXT).json()["tasks"]
    assert told["suggested"] == [labels[1].pk, labels[2].pk]


def test_as_many_are_leased_as_are_asked_for(api, waiting, reviewer):
    for _ in range(4):
        waiting()

    assert len(api.post(NEXT, {"count": 3}).json()["tasks"]) == 3
    assert ReviewTask.objects.filter(leased_by=reviewer).count() == 3


def test_asking_again_brings_the_same_tasks_back(api, waiting):
    for _ in range(4):
        waiting()
    first, again = (api.post(NEXT, {"count": 2}).json()["tasks"] for _ in range(2))

    assert [each["id"] for each in first] == [each["id"] for each in again]


def test_two_programs_never_get_the_same_task(api, other_api, waiting):
    for _ in range(3):
        waiting()
    mine, theirs = (each.post(NEXT, {"count": 2}).json()["tasks"] for each in (api, other_api))

    assert len(mine) == 2
    assert len(theirs) == 1
    assert not {each["id"] for each in mine} & {each["id"] for each in theirs}


def test_a_queue_can_be_named(api, waiting):
    waiting()
    lost = waiting(reason=ReviewQueue.Reason.NONE_FITS, bucket=Prediction.Bucket.NONE_FITS)

    (told,) = api.post(NEXT, {"queue": "none_fits", "count": 9}).json()["tasks"]
    assert told["id"] == lost.pk


@pytest.mark.parametrize("order", [{}, {"queue": "audit"}])
def test_no_task_left_is_no_error(api, order):
    assert api.post(NEXT, order).json() == {"tasks": []}


@pytest.mark.parametrize(
    ("order", "field"),
    [
        ({"count": 0}, "count"),
        ({"count": 21}, "count"),
        ({"queue": "nowhere"}, "queue"),
        ({"queue": "\ud800"}, "queue"),
        ([], "non_field_errors"),
    ],
)
def test_a_bad_order_names_the_field(api, order, field):
    refused = api.generic("POST", NEXT, json.dumps(order), content_type="application/json")

    assert refused.status_code == 400
    assert list(refused.json()) == [field]


def test_what_is_no_json_is_refused(api):
    refused = api.generic("POST", NEXT, "{", content_type="application/json")
    assert refused.status_code == 400


def test_leasing_costs_the_same_whatever_the_queue_length(api, waiting, django_assert_num_queries):
    for _ in range(30):
        waiting()
    # token, project; held, window, claim, read; labels
    with django_assert_num_queries(7):
        api.post(NEXT)


def test_a_skipped_task_goes_to_others(api, other_api, waiting):
    task = waiting()
    api.post(NEXT)

    assert api.post(f"/api/v1/tasks/{task.pk}/skip").status_code == 204
    assert api.post(NEXT).json() == {"tasks": []}
    assert len(other_api.post(NEXT).json()["tasks"]) == 1


def test_heartbeat_prolongs_a_lease_of_ones_own_alone(api, other_api, waiting):
    task = waiting()
    api.post(NEXT)
    url = f"/api/v1/tasks/{task.pk}/heartbeat"

    assert api.post(url).json()["task"] == task.pk
    refused = other_api.post(url)
    assert refused.status_code == 409
    assert refused.json()["status"] == "open"


def test_labels_come_in_the_order_of_the_taxonomy(api, labels):
    told = api.get("/api/v1/projects/support/labels").json()

    assert [each["key"] for each in told] == [label.key for label in labels]
    assert told[0]["path"] == "Cards"


@pytest.mark.parametrize("url", [NEXT, "/api/v1/tasks/{}/skip", "/api/v1/tasks/{}/heartbeat"])
def test_for_outsiders_there_is_no_project(outsider, project, url):
    task = ReviewTaskFactory()
    assert speaking_for(outsider).post(url.format(task.pk)).status_code == 404


def test_gold_to_check_is_asked_about_by_what_stands(api, project, labels, task, decide):
    annotation = decide(labels[2])
    doubt = Doubt(task.document_id, [(labels[0].pk, 0.9), (labels[2].pk, 0.1)], 0.8)
    queues.doubt(project, [doubt], now=annotation.annotated_at)

    (told,) = api.post(NEXT).json()["tasks"]
    assert told["why"].startswith("Gold to check: Lost card stands")
    assert told["suggested"] == [labels[2].pk]


def test_answers_have_the_shape_the_schema_tells(api, other_api, waiting, labels):
    waiting()
    (task,) = api.post(NEXT).json()["tasks"]
    decision = {"labels": [labels[0].pk], "key": "k"}
    judgement = api.post(f"/api/v1/tasks/{task['id']}/annotations", decision).json()
    label = api.get("/api/v1/projects/support/labels").json()[0]
    lost = other_api.post(f"/api/v1/tasks/{task['id']}/heartbeat").json()
    undone = api.delete(f"/api/v1/annotations/{judgement['id']}").json()

    for answer, shape in (
        (task, shapes.TaskShape),
        (task["document"], shapes.DocumentShape),
        (task["candidates"][0], shapes.CandidateShape),
        (judgement, shapes.Judgement),
        (judgement["labels"][0], shapes.GivenLabel),
        (label, shapes.LabelShape),
        (lost, shapes.Lost),
        (undone, shapes.Lease),
    ):
        assert list(answer) == list(shape().fields)


def test_the_schema_is_whole(tmp_path):
    file = tmp_path / "schema.yaml"
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", file)

    text = file.read_text()
    assert "knoxApiToken" in text
    for path in ("tasks/next", "annotations", "token", "tokens"):
        assert f"/{path}:" in text
