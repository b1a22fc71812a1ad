"""Nothing on the way of a decision or in a list reads a whole table."""

from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from labeling import annotations, document_walk, queues
from labeling.document_filters import DocumentFilter
from labeling.models import Label, Prediction, ReviewQueue
from tests.labeling.desk import url
from tests.plans import full_scans, plan, scanned

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def queue(waiting, project):
    for _ in range(30):
        waiting()
    return project.queues.get(reason=ReviewQueue.Reason.AMBIGUOUS)


@pytest.mark.parametrize("name", ["labeling_document", '"labeling_document" U0'])
def test_a_query_without_an_index_is_seen(queue, name):
    assert scanned(f"SELECT id FROM {name} WHERE subject = 'x'") == ["labeling_document"]


def test_words_asked_for_without_a_match_are_seen(db):
    assert scanned("SELECT * FROM labeling_documentwords WHERE words = 'x'") == [
        "labeling_documentwords"
    ]


def test_the_most_valuable_are_read_in_the_order_of_an_index_not_sorted(project, reviewer, queue):
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL sorts thirty rows whatever index there is")
    for tasks, index in (
        (project.tasks.all(), "task_next_in_project"),
        (queue.tasks.all(), "task_next_in_queue"),
    ):
        window = tasks.available_to(reviewer, at=NOON).most_valuable_first().values("pk")[:20]
        with CaptureQueriesContext(connection) as asked:
            list(window)
        lines = " / ".join(plan(asked[0]["sql"]))
        assert index in lines
        assert "ORDER BY" not in lines


def test_leasing_from_all_queues_finds_its_tasks_by_index(project, reviewer, queue):
    with full_scans() as found:
        queues.lease_several(project, reviewer, 3, now=NOON)

    assert found == []


def test_leasing_from_one_queue_finds_its_tasks_by_index(project, reviewer, queue):
    with full_scans() as found:
        queues.lease_several(project, reviewer, 3, now=NOON, queue=queue)

    assert found == []


def test_deciding_and_undoing_find_their_rows_by_index(project, reviewer, labels, queue):
    task = queues.lease_next(project, reviewer, now=NOON)
    with full_scans() as found:
        annotation = annotations.annotate(
            task, reviewer=reviewer, labels=labels[2:3], key=uuid4(), now=NOON
        )
        annotations.undo(annotation, reviewer=reviewer, now=NOON)

    assert found == []


def test_the_card_and_all_around_it_are_found_by_index(client, project, reviewer, queue):
    client.force_login(reviewer)
    task = queues.lease_next(project, reviewer, now=datetime.now(UTC))
    with full_scans() as found:
        assert client.get(url("task", task.pk)).status_code == 200

    assert found == []


@pytest.mark.parametrize("bucket", ["", *Prediction.Bucket.values])
def test_documents_are_listed_by_index(client, owner, queue, bucket):
    client.force_login(owner)
    with full_scans() as found:
        assert client.get(url("documents"), {"bucket": bucket}).status_code == 200

    assert found == []


@pytest.mark.parametrize("few", [0, 5_000])
@pytest.mark.parametrize(
    "asked",
    [
        "q=card",
        "q=card&order=closest",
        "q=card&gold=no&bucket=review",
        "order=closest",
        "bucket=review&order=newest",
        "label=card-arrival",
        "label=card-arrival&order=closest",
        "label=card-arrival&label_is=gold",
        "margin_from=10&margin_to=60",
        "margin_from=10&order=closest",
        "since=2026-01-01&until=2099-01-01",
        "since=2026-01-01&after=2098-01-01T00:00:00%2B00:00_7",
        "reviewer=the-reviewer",
        "decided=corrected",
        "decided=imported",
        "queue=ambiguous",
        "gold=yes",
        "gold=no",
        "bundle=aaaa",
    ],
)
def test_whatever_is_looked_for_is_found_by_index(
    client, owner, reviewer, labels, queue, monkeypatch, asked, few
):
    Label.objects.filter(pk=labels[0].pk).update(key="card-arrival")
    monkeypatch.setattr(document_walk, "FEW", few)
    client.force_login(owner)
    with full_scans() as found:
        assert "was left out" not in client.get(f"{url('documents')}?{asked}").text

    assert found == []


def test_the_order_of_the_newest_and_of_the_closest_is_that_of_an_index(
    project, queue, monkeypatch
):
    monkeypatch.setattr(document_walk, "FEW", 0)
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL sorts thirty rows whatever index there is")
    for asked, index in (
        (DocumentFilter(), "document_by_day"),
        (DocumentFilter(since=date(2026, 1, 1)), "document_by_day"),
        (DocumentFilter(order="closest"), "prediction_by_margin"),
    ):
        with CaptureQueriesContext(connection) as queries:
            document_walk.find(project, asked, after="", most=3)
        walked = next(each["sql"] for each in queries if "ORDER BY" in each["sql"])
        lines = " / ".join(plan(walked))
        assert index in lines
        assert "ORDER BY" not in lines


def test_the_history_is_listed_by_index(client, owner, queue):
    client.force_login(owner)
    with full_scans() as found:
        assert client.get(url("history")).status_code == 200

    assert found == []
