from uuid import uuid4

import pytest
from django.utils import timezone

from labeling import desk, queues
from labeling.models import (
    Annotation,
    Prediction,
    ReviewQueue,
    ReviewTask,
)
from tests.factories import (
    ExclusionFactory,
    GoldLabelFactory,
    LabelFactory,
    ReviewTaskFactory,
)
from tests.labeling.desk import HTMX, decision, multi, url

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(client, reviewer):
    client.force_login(reviewer)
    return client


# --- the card


def test_a_card_costs_five_queries_whatever_the_queue_length(
    held, waiting, reviewer, labels, django_assert_num_queries
):
    task = ReviewTask.objects.select_related("project", "queue", "prediction").get(pk=held().pk)
    ExclusionFactory(label=labels[0])
    for _ in range(30):
        waiting()
    # document; labels with their paths; exclusions; gold of the one, of the other
    with django_assert_num_queries(5):
        desk.card(task, viewer=reviewer)


def test_close_call_says_so_in_words(client, held):
    page = client.get(url("task", held().pk))

    expected = "Close call between Card arrival and Card delivery: 46\xa0% and 41\xa0%"
    assert expected in page.text


def test_nothing_fits_says_how_near_the_best_came(client, held):
    task = held(bucket=Prediction.Bucket.NONE_FITS, reason=ReviewQueue.Reason.NONE_FITS)

    assert "Nothing fits (best 46\xa0%)" in client.get(url("task", task.pk)).text


def test_audit_says_at_what_probability_it_was_accepted(client, held):
    task = held(bucket=Prediction.Bucket.AUTO, reason=ReviewQueue.Reason.AUDIT)

    assert "Audit sample: accepted at 46\xa0%" in client.get(url("task", task.pk)).text


def test_candidates_stand_in_the_models_order(client, held):
    page = client.get(url("task", held().pk)).text
    places = [page.index(f'choice__name" dir="auto">{name}') for name in (
        "Card arrival", "Card delivery", "Lost card", "Stolen card",
    )]  # fmt: skip

    assert places == sorted(places)


def test_first_two_labels_show_description_exclusions_and_gold(client, held, labels):
    ExclusionFactory(label=labels[0], situation="a card that never came", use=labels[2])
    GoldLabelFactory(
        label=labels[1], document__subject="Post", document__text="It came by post today."
    )
    page = client.get(url("task", held().pk)).text

    assert 'All about card <span class="differs">arrival</span>.' in page
    assert "a card that never came; use <strong>Lost card</strong>" in page
    assert "It came by post today." in page


def test_gold_of_the_document_itself_is_no_example(client, held, labels):
    task = held(document__text="My own words.")
    GoldLabelFactory(label=labels[0], document=task.document)

    assert client.get(url("task", task.pk)).text.count("My own words.") == 1


def test_metadata_is_shown(client, held):
    task = held(document__metadata={"from": "jo@example.org", "thread": [1, 2], "empty": ""})
    page = client.get(url("task", task.pk)).text

    assert "jo@example.org" in page
    assert "[1, 2]" in page
    assert "empty" not in page


def test_quoted_parts_are_folded(client, held):
    task = held(document__text="Any news?\n\n> Dear Jo,\n> we will look.\n-- \nJo")
    page = client.get(url("task", task.pk)).text

    assert page.count('<details class="desk__folded">') == 2
    assert "&gt; we will look." in page


def test_hostile_texts_stay_text(client, held, labels):
    hostile = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    labels[0].name = labels[0].description = hostile
    labels[0].save()
    ExclusionFactory(label=labels[0], situation=hostile)
    task = held(
        document__subject=hostile, document__text=hostile, document__metadata={hostile: hostile}
    )
    GoldLabelFactory(label=labels[0], document__text=hostile, document__subject=hostile)
    page = client.get(url("task", task.pk)).text

    assert "<script>alert" not in page
    assert "<img" not in page
    assert page.count("&lt;script&gt;alert(1)") >= 8


def test_a_huge_text_is_cut_and_says_so(client, held):
    task = held(document__text="x" * 2_000_000)
    page = client.get(url("task", task.pk)).text

    assert len(page) < 200_000
    assert "of 2\u202f000\u202f000 characters" in page


def test_a_document_without_text_says_so(client, held):
    task = held(document__text="", document__subject="")
    page = client.get(url("task", task.pk)).text

    assert "This document has no text." in page
    assert "No subject" in page


def test_retired_candidate_is_not_offered(client, held, labels):
    labels[1].retired_at = timezone.now()
    labels[1].save()
    page = client.get(url("task", held().pk)).text

    assert "Card delivery" not in page
    assert "Lost card" in page


def test_document_without_a_prediction_can_still_be_decided(client, held, reviewer, labels):
    task = queues.lease(ReviewTaskFactory(prediction=None), reviewer, now=timezone.now())
    page = client.get(url("task", task.pk)).text

    assert "Not predicted yet" in page
    assert 'name="none"' in page


def test_labels_can_be_looked_up_without_javascript(client, held):
    other = LabelFactory(name="Refund not shown", description="Money that did not come back.")
    page = client.get(url("task", held().pk), {"q": "refund"}).text

    assert f'name="label" value="{other.pk}"' in page


def test_looking_up_what_is_not_there_says_so(client, held):
    page = client.get(url("task", held().pk), {"q": "zzz<b>"}).text

    assert "No further label has “zzz&lt;b&gt;”" in page


# --- several labels


def test_multi_label_card_ticks_what_was_predicted(client, project, held, labels):
    multi(project)
    page = client.get(url("task", held(label_ids=[labels[2].pk]).pk)).text

    assert f'name="label" value="{labels[2].pk}" checked' in page
    assert f'name="label" value="{labels[0].pk}" checked' not in page
    assert "Unsure about" in page


def test_multi_label_decision_stores_every_ticked_label(client, project, held, labels):
    multi(project)
    client.post(url("annotate", held().pk), decision(labels[0], labels[3]))

    assert set(Annotation.objects.get().labels.all()) == {labels[0], labels[3]}


def test_multi_label_form_sent_with_nothing_ticked_asks_again_and_keeps_it_so(
    client, project, held, labels
):
    multi(project)
    answer = client.post(url("annotate", held().pk), {"key": uuid4()})

    assert answer.status_code == 422
    assert " checked" not in answer.text


# --- what a page costs


@pytest.fixture
def long_queue(waiting, reviewer, labels):
    LabelFactory.create_batch(73, parent=labels[0].parent)
    tasks = [waiting(value=0.5) for _ in range(30)]
    for label in labels:
        ExclusionFactory.create_batch(3, label=label, use=LabelFactory())
        GoldLabelFactory.create_batch(3, label=label)
    return queues.lease(tasks[0], reviewer, now=timezone.now())


def test_task_page_costs_the_same_whatever_the_queue_and_the_taxonomy(
    client, long_queue, django_assert_num_queries
):
    with django_assert_num_queries(17):
        client.get(url("task", long_queue.pk))


def test_deciding_and_getting_the_next_card_costs_the_same_too(
    client, long_queue, labels, django_assert_max_num_queries
):
    form = decision(labels[1])
    with django_assert_max_num_queries(33):  # one of them holds the document on PostgreSQL
        client.post(url("annotate", long_queue.pk), form, headers=HTMX)


def test_desk_costs_the_same_whatever_the_queue(client, long_queue, django_assert_num_queries):
    with django_assert_num_queries(11):
        client.get(url("review"))
