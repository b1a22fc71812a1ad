"""Looking back at one's own decisions, and at full definitions."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories import AnnotationFactory, ExclusionFactory, ReviewTaskFactory
from tests.labeling.desk import HTMX, decision, url

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(client, reviewer):
    client.force_login(reviewer)
    return client


@pytest.fixture
def three(project, reviewer, labels):
    """Three decisions of the reviewer, the oldest first."""
    made = []
    for number, label in enumerate(labels[:3]):
        task = ReviewTaskFactory(document__subject=f"Mail {number}", status="done")
        at = timezone.now() - timedelta(minutes=10 - number)
        made.append(AnnotationFactory(task=task, reviewer=reviewer, annotated_at=at))
        made[-1].labels.set([label])
    return made


def test_the_last_decision_comes_first_and_leads_to_the_one_before(client, three):
    page = client.get(url("past"))

    assert "Mail 2" in page.text
    assert "Lost card" in page.text
    assert url("past-one", three[1].pk) in page.text
    assert "Back to the present" in page.text


def test_in_between_one_goes_both_ways(client, three):
    page = client.get(url("past-one", three[1].pk), headers=HTMX)

    assert url("past-one", three[0].pk) in page.text
    assert url("past-one", three[2].pk) in page.text
    assert "<main" not in page.text


def test_the_first_says_so(client, three):
    assert "This was the first." in client.get(url("past-one", three[0].pk)).text


def test_who_decided_nothing_is_led_to_the_desk(client):
    assert client.get(url("past")).url == url("review")


def test_decisions_of_others_are_not_found(client, three, other_reviewer):
    client.force_login(other_reviewer)

    assert client.get(url("past-one", three[0].pk)).status_code == 404


def test_undoing_there_opens_that_very_task_again(client, held, waiting, labels):
    task, following = held(value=0.9), waiting(value=0.1)
    client.post(url("annotate", task.pk), decision(labels[1]))
    client.post(url("skip", following.pk))
    annotation = task.annotations.get()

    assert f'name="annotation" value="{annotation.pk}"' in client.get(url("past")).text
    assert client.post(url("undo"), {"annotation": annotation.pk}).url == url("task", task.pk)


def test_looking_back_costs_the_same_whatever_was_decided(
    client, reviewer, three, labels, django_assert_max_num_queries
):
    for _ in range(30):
        task = ReviewTaskFactory(status="done")
        AnnotationFactory(task=task, reviewer=reviewer).labels.set(labels)
    with django_assert_max_num_queries(24):
        client.get(url("past"))


def test_definitions_are_whole(client, held, labels):
    ExclusionFactory(label=labels[3], situation="cards sold at a stall", use=labels[0])
    task = held()
    dialog = client.get(url("definitions", task.pk), headers=HTMX)
    page = client.get(url("definitions", task.pk))

    for shown in (dialog.text, page.text):
        assert "All about stolen card." in shown
        assert "cards sold at a stall" in shown
    assert "<main" not in dialog.text
    assert "Back to the document" in page.text


def test_definitions_cost_the_same_however_many(
    client, held, labels, django_assert_max_num_queries
):
    for label in labels:
        for _ in range(5):
            ExclusionFactory(label=label)
    task = held()
    with django_assert_max_num_queries(7):
        client.get(url("definitions", task.pk), headers=HTMX)
