from datetime import UTC, datetime, timedelta

import pytest

from labeling import queues
from labeling.models import Document, Prediction, Project, ReviewQueue, ReviewTask
from labeling.queue_filling import audit_position
from tests.factories import DocumentFactory, PredictionFactory

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
Bucket, Reason, Status = Prediction.Bucket, ReviewQueue.Reason, ReviewTask.Status
pytestmark = pytest.mark.django_db


def only_task():
    return ReviewTask.objects.select_related("queue").get()


def repredicted(prediction, **fields):
    Prediction.objects.filter(pk=prediction.pk).update(is_current=False)
    return PredictionFactory(document=prediction.document, bundle="b" * 64, **fields)


@pytest.fixture
def audit_all(project):
    Project.objects.filter(pk=project.pk).update(audit_share=1)


@pytest.fixture
def audit_none(project):
    Project.objects.filter(pk=project.pk).update(audit_share=0)


@pytest.mark.parametrize(
    ("bucket", "reason"),
    [(Bucket.REVIEW, Reason.AMBIGUOUS), (Bucket.NONE_FITS, Reason.NONE_FITS)],
)
def test_prediction_goes_to_the_queue_of_its_bucket(project, bucket, reason):
    prediction = PredictionFactory(bucket=bucket, margin=0.25)

    assert queues.enqueue([prediction], now=NOON) == 1

    task = only_task()
    assert (task.queue.reason, task.prediction, task.value) == (reason, prediction, 0.75)


def test_accepted_prediction_outside_the_sample_needs_no_person(project, audit_none):
    assert queues.enqueue([PredictionFactory(bucket=Bucket.AUTO)], now=NOON) == 0
    assert not ReviewTask.objects.exists()


def test_accepted_prediction_in_the_sample_is_audited(project, audit_all):
    queues.enqueue([PredictionFactory(bucket=Bucket.AUTO)], now=NOON)

    assert only_task().queue.reason == Reason.AUDIT


def test_audit_sample_depends_on_the_document_alone():
    assert audit_position("ab" * 32) == audit_position("ab" * 32)
    assert audit_position("ab" * 32) != audit_position("cd" * 32)


def test_audit_sample_is_as_large_as_its_share():
    positions = [audit_position(f"{n:064x}") for n in range(10_000)]

    assert all(0 <= position < 1 for position in positions)
    assert sum(position < 0.02 for position in positions) == pytest.approx(200, abs=60)


def test_audit_sample_takes_exactly_the_documents_below_the_share(project):
    Project.objects.update(audit_share=0.5)
    predictions = PredictionFactory.create_batch(20, bucket=Bucket.AUTO)
    queues.enqueue(predictions, now=NOON)

    sampled = {p.document_id for p in predictions if audit_position(p.document.fingerprint) < 0.5}
    assert set(ReviewTask.objects.values_list("document", flat=True)) == sampled
    assert 0 < len(sampled) < 20


def test_queuing_twice_leaves_one_task(project):
    predictions = PredictionFactory.create_batch(3)
    queues.enqueue(predictions, now=NOON)
    before = list(ReviewTask.objects.order_by("pk").values())
    queues.enqueue(predictions, now=NOON + timedelta(hours=1))

    assert list(ReviewTask.objects.order_by("pk").values()) == before


def test_new_prediction_takes_over_the_open_task(project):
    first = PredictionFactory(margin=0.1)
    queues.enqueue([first], now=NOON)
    newer = repredicted(first, margin=0.4, bucket=Bucket.NONE_FITS)
    queues.enqueue([newer], now=NOON)

    task = only_task()
    assert (task.prediction, task.value, task.queue.reason) == (newer, 0.6, Reason.NONE_FITS)


def test_leased_task_keeps_its_prediction(project, reviewer):
    first = PredictionFactory(margin=0.1)
    queues.enqueue([first], now=NOON)
    queues.lease_next(project, reviewer, now=NOON)
    queues.enqueue([repredicted(first, margin=0.4)], now=NOON)

    assert only_task().prediction == first
    assert only_task().is_leased_to(reviewer, at=NOON)


def test_task_whose_lease_ran_out_takes_the_new_prediction(project, reviewer):
    first = PredictionFactory()
    queues.enqueue([first], now=NOON)
    queues.lease_next(project, reviewer, now=NOON)
    newer = repredicted(first)
    queues.enqueue([newer], now=NOON + timedelta(minutes=5))

    assert only_task().prediction == newer


def test_task_is_withdrawn_once_its_document_is_accepted(project, audit_none):
    first = PredictionFactory()
    queues.enqueue([first], now=NOON)
    queues.enqueue([repredicted(first, bucket=Bucket.AUTO)], now=NOON)

    assert only_task().status == Status.WITHDRAWN


def test_leased_task_is_not_withdrawn(project, reviewer, audit_none):
    first = PredictionFactory()
    queues.enqueue([first], now=NOON)
    queues.lease_next(project, reviewer, now=NOON)
    queues.enqueue([repredicted(first, bucket=Bucket.AUTO)], now=NOON)

    assert only_task().status == Status.OPEN


def test_withdrawn_document_that_turns_close_again_gets_a_new_task(project, audit_none):
    first = PredictionFactory()
    queues.enqueue([first], now=NOON)
    second = repredicted(first, bucket=Bucket.AUTO)
    queues.enqueue([second], now=NOON)
    queues.enqueue([repredicted(second)], now=NOON)

    assert ReviewTask.objects.open().count() == 1


def test_document_with_gold_gets_no_task(project):
    prediction = PredictionFactory(document__gold_at=NOON)

    assert queues.enqueue([prediction], now=NOON) == 0
    assert not ReviewTask.objects.exists()


def test_nothing_predicted_queues_nothing():
    assert queues.enqueue([], now=NOON) == 0


def test_queuing_costs_the_same_number_of_queries_whatever_the_batch(
    project, django_assert_max_num_queries
):
    queues.ensure(project)
    predictions = PredictionFactory.create_batch(30)
    with django_assert_max_num_queries(12):
        queues.enqueue(predictions, now=NOON)


def test_more_predictions_than_one_batch_are_all_queued(project, monkeypatch):
    monkeypatch.setattr("labeling.queue_filling.BATCH", 4)
    predictions = PredictionFactory.create_batch(10)

    assert queues.enqueue(predictions, now=NOON) == 10
    assert ReviewTask.objects.open().count() == 10


# --- the chosen batch


def test_chosen_documents_come_first_and_in_order(project, reviewer):
    close = PredictionFactory(margin=0.01)
    chosen = PredictionFactory.create_batch(3, margin=0.9)
    queues.enqueue([close, *chosen], now=NOON)
    order = [chosen[2].document_id, chosen[0].document_id, chosen[1].document_id]
    queues.prioritise(project, order, now=NOON)

    ranked = ReviewTask.objects.most_valuable_first().values_list("document", "value")
    assert list(ranked) == [
        (order[0], 2.0),
        (order[1], pytest.approx(5 / 3)),
        (order[2], pytest.approx(4 / 3)),
        (close.document_id, pytest.approx(0.99)),
    ]


def test_former_batch_falls_back_to_what_its_margin_says(project):
    former, chosen = PredictionFactory.create_batch(2, margin=0.25)
    queues.enqueue([former, chosen], now=NOON)
    queues.prioritise(project, [former.document_id], now=NOON)
    queues.prioritise(project, [chosen.document_id], now=NOON)

    assert former.tasks.get().value == 0.75
    assert chosen.tasks.get().value == 2


def test_chosen_task_keeps_its_place_when_predicted_again(project):
    first = PredictionFactory()
    queues.enqueue([first], now=NOON)
    queues.prioritise(project, [first.document_id], now=NOON)
    newer = repredicted(first, margin=0.5)
    queues.enqueue([newer], now=NOON)

    assert (only_task().value, only_task().prediction) == (2, newer)


def test_chosen_task_stays_though_it_could_be_accepted_now(project, audit_none):
    prediction = PredictionFactory(margin=0.5)
    queues.prioritise(project, [prediction.document_id], now=NOON)
    queues.enqueue([repredicted(prediction, bucket=Bucket.AUTO)], now=NOON)

    assert only_task().status == Status.OPEN


def test_chosen_task_of_a_document_with_gold_goes(project):
    prediction = PredictionFactory(margin=0.5)
    queues.prioritise(project, [prediction.document_id], now=NOON)
    Document.objects.update(gold_at=NOON)
    queues.enqueue([repredicted(prediction)], now=NOON)

    assert only_task().status == Status.WITHDRAWN


def test_who_held_a_task_before_it_was_predicted_again_must_take_it_anew(project, reviewer):
    """They saw the former prediction, and may not answer for the new one."""
    prediction = PredictionFactory(margin=0.5)
    queues.enqueue([prediction], now=NOON)
    task = queues.lease_next(project, reviewer, now=NOON)
    later = task.leased_until + timedelta(minutes=1)
    queues.enqueue([repredicted(prediction)], now=later)

    with pytest.raises(queues.LeaseLost):
        queues.renew(task, reviewer=reviewer, now=later)


def test_chosen_document_without_a_task_gets_one(project):
    prediction = PredictionFactory(bucket=Bucket.AUTO)
    queues.prioritise(project, [prediction.document_id], now=NOON)

    task = only_task()
    assert (task.prediction, task.value) == (prediction, 2)
    assert task.queue.reason == Reason.AMBIGUOUS


def test_chosen_document_without_a_prediction_gets_a_task_all_the_same(project):
    document = DocumentFactory()
    queues.prioritise(project, [document.pk], now=NOON)

    assert (only_task().document, only_task().prediction) == (document, None)


def test_chosen_document_with_gold_gets_no_task(project):
    queues.prioritise(project, [DocumentFactory(gold_at=NOON).pk], now=NOON)

    assert not ReviewTask.objects.exists()


def test_choosing_a_leased_task_leaves_its_lease(project, reviewer):
    queues.enqueue([PredictionFactory()], now=NOON)
    task = queues.lease_next(project, reviewer, now=NOON)
    queues.prioritise(project, [task.document_id], now=NOON)

    assert only_task().is_leased_to(reviewer, at=NOON)


def test_choosing_nothing_ends_the_former_batch(project):
    prediction = PredictionFactory(margin=0.25)
    queues.enqueue([prediction], now=NOON)
    queues.prioritise(project, [prediction.document_id], now=NOON)
    queues.prioritise(project, [], now=NOON)

    assert only_task().value == 0.75
