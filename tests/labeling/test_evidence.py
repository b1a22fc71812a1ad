"""What stands beside a card: decisions on documents like it, and what moves the prediction."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from labeling import events, evidence, jobs
from tests.factories import (
    DocumentFactory,
    EvidenceFactory,
    GoldLabelFactory,
    ReviewQueueFactory,
    ReviewTaskFactory,
)
from tests.labeling.desk import HTMX, decision, url

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(client, reviewer):
    client.force_login(reviewer)
    return client


@pytest.fixture
def wanted():
    """The ids of the predictions for which evidence was asked."""
    heard = []

    def hear(*, prediction_ids, **_):
        heard.extend(prediction_ids)

    events.evidence_wanted.connect(hear)
    yield heard
    events.evidence_wanted.disconnect(hear)


@pytest.fixture
def _worker():
    cache.set(jobs.HEARTBEAT, 1)
    yield
    cache.delete(jobs.HEARTBEAT)


def decided(label, subject, **fields):
    document = DocumentFactory(subject=subject, gold_at=timezone.now(), **fields)
    GoldLabelFactory(document=document, label=label)
    return document


def test_documents_decided_before_stand_nearest_first_with_their_labels(client, held, labels):
    task = held()
    far, same = decided(labels[1], "A far one"), decided(labels[0], "The same again")
    EvidenceFactory(prediction=task.prediction, nearest=[[far.pk, 0.61], [same.pk, 0.97]])
    page = client.get(url("evidence", task.pk), headers=HTMX).text

    assert page.index("The same again") < page.index("A far one")
    assert "nearly the same" in page
    assert "61\N{NO-BREAK SPACE}% alike" in page
    assert "hx-get" not in page  # it is here: nobody asks again


def test_what_stands_now_is_shown_and_what_was_taken_back_is_not(held, labels):
    task = held()
    first, undone = decided(labels[1], "First"), DocumentFactory(subject="Undone")
    EvidenceFactory(prediction=task.prediction, nearest=[[undone.pk, 0.9], [first.pk, 0.5]])
    first.gold.update(label=labels[2])

    (shown,) = evidence.of(task).nearest
    assert (shown.subject, shown.labels) == ("First", [labels[2].name])


def test_what_is_hardly_alike_is_no_evidence(held, labels):
    task = held()
    EvidenceFactory(prediction=task.prediction, nearest=[[decided(labels[0], "Far").pk, 0.49]])
    assert not evidence.of(task)


def test_gold_that_says_nothing_fits_says_so(client, held):
    task = held()
    EvidenceFactory(prediction=task.prediction, nearest=[[decided(None, "Odd").pk, 0.8]])
    assert "Nothing fits" in client.get(url("evidence", task.pk), headers=HTMX).text


def test_the_passage_that_moves_it_most_stands_there_word_for_word(client, held):
    task = held()
    EvidenceFactory(
        prediction=task.prediction, passage="<b>It never came.</b>", before=0.46, without=0.21
    )
    page = client.get(url("evidence", task.pk), headers=HTMX).text
    assert "&lt;b&gt;It never came.&lt;/b&gt;" in page
    assert "Card arrival</bdi> goes from 46\N{NO-BREAK SPACE}% to 21\N{NO-BREAK SPACE}%" in page


@pytest.mark.usefixtures("_worker")
def test_until_it_is_gathered_the_card_asks_again_and_then_offers_to_look_again(client, held):
    task = held()
    first = client.get(url("evidence", task.pk), headers=HTMX).text
    assert 'tries=1" hx-trigger="load delay:1s"' in first
    tenth = client.get(f"{url('evidence', task.pk)}?tries=9", headers=HTMX).text
    assert f'hx-post="{url("gather-again", task.pk)}?tries=10"' in tenth
    assert "csrfmiddlewaretoken" in tenth
    late = client.get(f"{url('evidence', task.pk)}?tries=99", headers=HTMX).text
    assert "hx-trigger" not in late
    assert "Look again" in late


def test_without_a_worker_the_card_says_so_and_looks_now_and_then_whether_one_came(client, held):
    page = client.get(url("evidence", held().pk), headers=HTMX).text
    assert "No worker is running" in page
    assert 'hx-trigger="load delay:5s"' in page


def test_where_nothing_like_it_was_decided_that_is_said(client, held):
    task = held()
    EvidenceFactory(prediction=task.prediction)
    page = client.get(url("evidence", task.pk), headers=HTMX).text
    assert "No decision on a document like this one was found" in page


def test_without_scripts_it_is_a_page(client, held):
    page = client.get(url("evidence", held().pk))
    assert "<main" in page.text
    assert "Back to the document" in page.text


def test_only_who_holds_the_task_sees_it(client, waiting, other_reviewer, held):
    assert client.get(url("evidence", waiting().pk)).status_code == 404
    task = held()
    client.force_login(other_reviewer)
    assert client.get(url("evidence", task.pk)).status_code == 404
    assert client.post(url("gather-again", task.pk)).status_code == 404


def test_evidence_is_gathered_for_the_card_and_those_ahead_once(
    client, waiting, labels, wanted, django_capture_on_commit_callbacks
):
    first, second, third = (waiting(value=value) for value in (0.9, 0.8, 0.7))
    with django_capture_on_commit_callbacks(execute=True):
        client.post(url("review-next"), headers=HTMX)
    assert wanted == [first.prediction_id]
    EvidenceFactory(prediction=second.prediction)
    with django_capture_on_commit_callbacks(execute=True):
        ahead = {"ahead": 1, "have": first.pk}
        client.post(url("annotate", first.pk), decision(labels[0], **ahead), headers=HTMX)
    assert wanted == [first.prediction_id, third.prediction_id]


def test_looking_again_has_it_gathered_again(
    client, held, wanted, django_capture_on_commit_callbacks
):
    task = held()
    with django_capture_on_commit_callbacks(execute=True):
        assert client.get(url("evidence", task.pk)).status_code == 200
        answer = client.post(url("gather-again", task.pk))
    assert wanted == [task.prediction_id]
    assert answer.url == url("evidence", task.pk)


@pytest.mark.parametrize("blind", ["check", "disputed"])
def test_who_judges_blind_sees_none_of_it(client, held, wanted, blind, reviewer):
    task = held()
    EvidenceFactory(prediction=task.prediction, passage="It.", before=0.5, without=0.1)
    if blind == "check":
        queue = ReviewQueueFactory(project=task.project, reason="check")
        type(task).objects.filter(pk=task.pk).update(queue=queue)
    else:
        type(task).objects.filter(pk=task.pk).update(is_disputed=True)
    assert client.get(url("evidence", task.pk), headers=HTMX).status_code == 404
    assert url("evidence", task.pk) not in client.get(url("task", task.pk)).text
    evidence.want([type(task).objects.get(pk=task.pk)])
    assert wanted == []


def test_a_task_without_a_prediction_wants_nothing(client, reviewer, wanted):
    task = ReviewTaskFactory(
        prediction=None,
        leased_by=reviewer,
        leased_until=timezone.now() + timedelta(minutes=5),
    )
    assert url("evidence", task.pk) not in client.get(url("task", task.pk)).text
    assert client.post(url("gather-again", task.pk), headers=HTMX).status_code == 200
    assert wanted == []


def test_it_costs_the_same_whatever_was_decided(client, held, labels, django_assert_num_queries):
    task = held()
    nearest = [[decided(labels[n % 4], f"Mail {n}").pk, 0.9 - n / 100] for n in range(20)]
    EvidenceFactory(prediction=task.prediction, nearest=nearest)
    with django_assert_num_queries(6):  # session, person, project, task; evidence, gold
        client.get(url("evidence", task.pk), headers=HTMX)
