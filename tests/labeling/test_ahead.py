"""The next tasks are leased and sent before the reviewer comes to them."""

import re

import pytest
from django.utils import timezone

from labeling.models import Annotation, ReviewQueue, ReviewTask
from tests.labeling.desk import HTMX, decision, url

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(client, reviewer):
    client.force_login(reviewer)
    return client


@pytest.fixture
def four(held, waiting):
    """The task the reviewer looks at, and three more, the most valuable first."""
    return [held(value=0.9), *(waiting(value=value) for value in (0.8, 0.7, 0.6))]


def sent(answer):
    return [int(pk) for pk in re.findall(r'<template data-task="(\d+)">', answer.text)]


def leased(reviewer):
    mine = ReviewTask.objects.leased_to(reviewer, at=timezone.now())
    return list(mine.order_by("-value").values_list("pk", flat=True))


def test_two_tasks_are_leased_ahead(client, reviewer, four):
    first, second, third, _ = (task.pk for task in four)

    assert sent(client.post(url("look-ahead"), {"ahead": 1, "have": first})) == [second, third]
    assert leased(reviewer) == [first, second, third]


def test_only_what_the_browser_lacks_is_sent(client, reviewer, four):
    first, second, third, _ = (task.pk for task in four)
    client.post(url("look-ahead"), {"ahead": 1, "have": first})

    assert sent(client.post(url("look-ahead"), {"ahead": 1, "have": [first, third]})) == [second]
    assert sent(client.post(url("look-ahead"), {"ahead": 1, "have": [first, second, third]})) == []
    assert len(leased(reviewer)) == 3


def test_only_tasks_of_the_queue_taken_from_come_ahead(client, held, waiting):
    task = held(value=0.9)
    waiting(value=0.8)
    audit = waiting(reason=ReviewQueue.Reason.AUDIT, value=0.1)
    answer = client.post(url("look-ahead"), {"ahead": 1, "have": task.pk, "queue": "audit"})

    assert sent(answer) == [audit.pk]
    assert 'name="queue" value="audit"' in answer.text


def test_a_decision_is_acknowledged_with_the_card_after_next(client, reviewer, four, labels):
    first, second, third, fourth = (task.pk for task in four)
    client.post(url("look-ahead"), {"ahead": 1, "have": first})
    answer = client.post(
        url("annotate", first), decision(labels[0], ahead=1, have=[second, third]), headers=HTMX
    )

    assert 'id="acknowledged"' in answer.text
    assert "Saved: <strong><bdi>Card arrival" in answer.text
    assert "HX-Push-Url" not in answer
    assert sent(answer) == [fourth]
    assert leased(reviewer) == [second, third, fourth]
    assert Annotation.objects.get().task_id == first


def test_the_same_decision_sent_twice_is_acknowledged_twice_and_stored_once(client, four, labels):
    chosen = decision(labels[0], ahead=1, have=four[1].pk)
    answers = [client.post(url("annotate", four[0].pk), chosen, headers=HTMX) for _ in range(2)]

    assert all('id="acknowledged"' in answer.text for answer in answers)
    assert Annotation.objects.count() == 1


def test_what_is_put_aside_is_acknowledged_and_can_be_taken_back(client, four):
    first, second, *_ = (task.pk for task in four)
    client.post(url("look-ahead"), {"ahead": 1, "have": first})
    answer = client.post(url("skip", first), {"ahead": 1, "have": second}, headers=HTMX)

    assert "Skipped." in answer.text
    assert url("take-back", first) in answer.text


def test_a_decision_on_a_lost_task_is_a_conflict_as_ever(client, other_reviewer, four, labels):
    lost = four[3]
    answer = client.post(
        url("annotate", lost.pk), decision(labels[0], ahead=1, have=four[0].pk), headers=HTMX
    )

    assert answer.status_code == 409
    assert "This is not yours at the moment" in answer.text


@pytest.mark.parametrize("have", ["x", "", "²", "-1", "9" * 400, "<script>"])
def test_what_is_no_id_is_passed_over(client, four, have):
    answer = client.post(url("look-ahead"), {"ahead": 1, "have": [four[0].pk, have]})

    assert sent(answer) == [four[1].pk, four[2].pk]


def test_where_nothing_is_left_nothing_is_sent(client, held):
    assert sent(client.post(url("look-ahead"), {"ahead": 1, "have": held().pk})) == []


def test_an_acknowledgement_costs_the_same_whatever_the_queue(
    client, four, waiting, labels, django_assert_max_num_queries
):
    for _ in range(30):
        waiting(value=0.1)
    client.post(url("look-ahead"), {"ahead": 1, "have": four[0].pk})
    have = [task.pk for task in four[1:3]]
    with django_assert_max_num_queries(35):
        client.post(
            url("annotate", four[0].pk), decision(labels[0], ahead=1, have=have), headers=HTMX
        )


def test_a_decision_sent_from_a_page_without_a_card_is_acknowledged_and_leases_nothing(
    client, reviewer, four, labels
):
    answer = client.post(url("annotate", four[0].pk), decision(labels[0], ahead=1), headers=HTMX)

    assert 'id="acknowledged"' in answer.text
    assert sent(answer) == leased(reviewer) == []
