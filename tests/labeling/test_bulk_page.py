"""The page on which many documents are decided at once."""

import re
from uuid import uuid4

import pytest
from django.contrib.messages import get_messages
from django.utils import timezone

from labeling import bulk, queues
from labeling.models import Annotation, Label, Project, ReviewTask
from tests.labeling.desk import url

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(client, reviewer):
    client.force_login(reviewer)
    return client


def form(label, *tasks, **fields):
    return {
        "label": label.pk,
        "task": [task.pk for task in tasks],
        "batch": uuid4(),
        **fields,
    }


def told(answer):
    return [str(message) for message in get_messages(answer.wsgi_request)]


def boxes(page):
    return [int(pk) for pk in re.findall(r'name="task" value="(\d+)" checked', page.text)]


def test_labels_link_to_their_documents(client, waiting, labels):
    task = waiting(document__subject="Where is it")
    page = client.get(url("bulk"), {"queue": "ambiguous"})
    address = f"?queue=ambiguous&amp;label={labels[0].pk}"

    assert f'<a href="{address}" data-moves><bdi>Card arrival</bdi></a>' in page.text
    page = client.get(url("bulk") + address.replace("&amp;", "&"))
    assert "Where is it" in page.text
    assert boxes(page) == [task.pk]


def test_checked_documents_get_the_label_and_others_wait(client, waiting, labels):
    checked, other = waiting(), waiting()
    answer = client.post(url("bulk-give"), form(labels[0], checked, queue="ambiguous"))

    assert answer.headers["Location"] == url("bulk") + "?queue=ambiguous"
    assert told(answer) == ["1 document decided: Card arrival."]
    assert ReviewTask.objects.open().get() == other


def test_what_others_took_is_said(client, waiting, labels, other_reviewer):
    mine, theirs = waiting(), waiting()
    queues.lease(theirs, other_reviewer, now=timezone.now())
    answer = client.post(url("bulk-give"), form(labels[0], mine, theirs))

    assert told(answer) == [
        "1 document decided: Card arrival. 1 left out: others hold or decided them, or the "
        "prediction changed."
    ]


def test_a_double_click_is_one_batch_and_answers_alike(client, waiting, labels):
    sent = form(labels[0], waiting(), waiting())
    answers = [client.post(url("bulk-give"), sent) for _ in range(2)]

    assert [told(answer)[-1] for answer in answers] == ["2 documents decided: Card arrival."] * 2
    assert Annotation.objects.count() == 2


def test_the_form_of_a_batch_undone_since_is_refused(client, waiting, labels):
    sent = form(labels[0], waiting())
    client.post(url("bulk-give"), sent)
    client.post(url("bulk-undo"), {"batch": sent["batch"]})
    answer = client.post(url("bulk-give"), sent)

    assert answer.status_code == 409
    assert "Check the documents again." in answer.text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"task": []}, "Check at least one document."),
        ({"task": ["x", "-1", "9" * 30]}, "Check at least one document."),
        ({"task": range(1, bulk.MOST + 2)}, "Check 100 documents at most."),
        ({"label": "x"}, "This label can no longer be given."),
        ({"batch": "x"}, "Enter a valid UUID."),
    ],
)
def test_a_form_that_makes_no_sense_is_refused(client, waiting, labels, wrong, said):
    answer = client.post(url("bulk-give"), form(labels[0], waiting()) | wrong)

    assert answer.status_code == 422
    assert said in answer.text
    assert not Annotation.objects.exists()


def test_a_batch_that_is_none_is_not_undone(client):
    answer = client.post(url("bulk-undo"), {"batch": "x"})

    assert answer.status_code == 422
    assert "There is no such batch." in answer.text


def test_the_last_batch_can_be_undone_from_the_page(client, waiting, labels):
    sent = form(labels[0], waiting(), waiting())
    client.post(url("bulk-give"), sent)
    page = client.get(url("bulk"))

    assert "Your last batch: 2 as <strong><bdi>Card arrival</bdi></strong>" in page.text
    assert f'name="batch" value="{sent["batch"]}"' in page.text
    answer = client.post(url("bulk-undo"), {"batch": sent["batch"]})
    assert told(answer)[-1] == "2 decisions undone."
    assert "Your last batch" not in client.get(url("bulk")).text


def test_all_that_match_are_counted_before_they_are_given(client, waiting, labels, monkeypatch):
    monkeypatch.setattr(bulk, "SHOWN", 2)
    tasks = [waiting() for _ in range(3)]
    page = client.get(url("bulk"), {"label": labels[0].pk})

    assert "3 documents predicted so; the 2 likeliest are here." in page.text
    assert len(boxes(page)) == 2
    assert f'href="?label={labels[0].pk}&amp;all=1">Select all 3</a>' in page.text
    page = client.get(url("bulk"), {"label": labels[0].pk, "all": 1})
    assert sorted(boxes(page)) == [task.pk for task in tasks]


def test_more_than_is_decided_at_once_is_said_with_both_counts(
    client, waiting, labels, monkeypatch
):
    monkeypatch.setattr(bulk, "SHOWN", 1)
    monkeypatch.setattr(bulk, "MOST", 2)
    for _ in range(3):
        waiting()

    page = client.get(url("bulk"), {"label": labels[0].pk})
    assert "Select 2 of all 3</a>" in page.text


@pytest.mark.parametrize("query", [{}, {"queue": "audit"}, {"queue": "nonsense", "label": "9"}])
def test_where_nothing_waits_the_page_says_so(client, project, query):
    queues.ensure(project)

    assert "Nothing to decide in bulk" in client.get(url("bulk"), query).text


def test_a_label_of_which_none_is_left_says_so(client, project, labels):
    assert "None left" in client.get(url("bulk"), {"label": labels[0].pk}).text


def test_hostile_text_is_shown_and_not_run(client, waiting, labels):
    evil = "<script>alert(1)</script>"
    Label.objects.filter(pk=labels[0].pk).update(name=evil, description=evil)
    for _ in range(2):
        waiting(document__subject=evil, document__text=evil)
    pages = [client.get(url("bulk")), client.get(url("bulk"), {"label": labels[0].pk})]

    for page in pages:
        assert evil not in page.text
        assert "&lt;script&gt;" in page.text


def test_a_document_without_words_or_with_a_book_of_them_is_a_short_row(client, waiting, labels):
    waiting(document__subject="", document__text="")
    waiting(document__subject="s" * 1000, document__text="word " * 100_000)
    page = client.get(url("bulk"), {"label": labels[0].pk})

    assert "No subject" in page.text
    assert "No text" in page.text
    assert len(page.text) < 20_000


def test_the_desk_leads_to_bulk_of_the_same_queue(client, waiting, project):
    waiting()

    assert f'href="{url("bulk")}"' in client.get(url("review")).text
    desk = client.get(url("review"), {"queue": "ambiguous"}).text
    assert f'href="{url("bulk")}?queue=ambiguous" data-command="bulk" data-keys="b"' in desk


def test_documents_of_another_project_are_neither_shown_nor_decided(client, waiting, labels):
    task = waiting(document__project__slug="elsewhere")
    foreign = Project.objects.get(slug="elsewhere")

    assert client.get(url("bulk", project=foreign.slug)).status_code == 404
    assert boxes(client.get(url("bulk"), {"label": labels[0].pk})) == []
    answer = client.post(url("bulk-give"), form(labels[0], task))
    assert told(answer)[0].startswith("0 documents decided")


@pytest.mark.parametrize(("of_one_label", "queries"), [(False, 9), (True, 9)])
def test_a_page_of_thirty_costs_as_much_as_a_page_of_one(
    client, waiting, labels, of_one_label, queries, django_assert_num_queries
):
    for _ in range(30):
        waiting()
    query = {"label": labels[0].pk} if of_one_label else {}
    with django_assert_num_queries(queries):
        client.get(url("bulk"), query)
