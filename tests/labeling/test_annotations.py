from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from labeling import annotations, queues
from labeling.models import (
    Annotation,
    AuditEntry,
    GoldLabel,
    ReviewTask,
)
from tests.factories import (
    LabelFactory,
    ProjectFactory,
    ReviewTaskFactory,
)
from tests.labeling.desk import multi

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
Kind = Annotation.Kind
pytestmark = pytest.mark.django_db


# --- what a judgement is


def test_choosing_the_first_candidate_accepts_the_suggestion(decide, labels):
    assert decide(labels[0]).kind == Kind.ACCEPTED


def test_choosing_another_label_corrects_the_suggestion(decide, labels):
    assert decide(labels[2]).kind == Kind.CORRECTED


def test_choosing_nothing_says_that_nothing_fits(decide):
    annotation = decide()
    assert annotation.kind == Kind.NONE_FITS
    assert not annotation.labels.exists()


def test_choosing_without_seeing_the_prediction_is_independent(decide, labels):
    assert decide(labels[0], independent=True).kind == Kind.INDEPENDENT
    assert not GoldLabel.objects.ruled_out().exists()


def test_choosing_where_nothing_was_predicted_is_independent(project, reviewer, labels):
    task = queues.lease(ReviewTaskFactory(prediction=None), reviewer, now=NOON)
    annotation = annotations.annotate(
        task, reviewer=reviewer, labels=labels[:1], key=uuid4(), now=NOON
    )
    assert annotation.kind == Kind.INDEPENDENT


def test_prediction_that_assigns_no_label_suggests_its_first_candidate(decide, task, labels):
    task.prediction.label_ids = []
    task.prediction.save()

    assert decide(labels[0]).kind == Kind.ACCEPTED


def test_ticking_where_a_multi_label_prediction_suggested_nothing_corrects_it(decide, task, labels):
    multi(task.project)
    task.prediction.label_ids = []
    task.prediction.save()

    assert decide(labels[0]).kind == Kind.CORRECTED


def test_judgement_keeps_what_the_reviewer_was_shown(decide, task, labels):
    assert decide(labels[1]).prediction == task.prediction


def test_judging_closes_the_task_and_ends_the_lease(decide, task, labels):
    decide(labels[0])

    task.refresh_from_db()
    assert (task.status, task.leased_by, task.leased_until) == (
        ReviewTask.Status.DONE,
        None,
        None,
    )


def test_judging_is_written_down(decide, labels, reviewer):
    decide(labels[0])

    entry = AuditEntry.objects.get()
    assert (entry.act, entry.actor, entry.at) == ("annotated", reviewer, NOON)
    assert entry.detail["labels"] == [labels[0].key]


SAVEPOINT = 2  # set and released, since a test is a transaction already


@pytest.mark.parametrize("place", [0, 2], ids=["accepted", "corrected"])
def test_deciding_costs_eight_queries_whatever_the_queue_length(
    decide, labels, place, django_assert_num_queries
):
    ReviewTaskFactory.create_batch(30)
    # task and document; close; labels; annotation, its labels; gold and what was passed over;
    # document; history
    with django_assert_num_queries(8 + SAVEPOINT):
        decide(labels[place])


# --- once is enough


def test_sending_the_same_key_twice_is_one_judgement(decide, labels):
    key = UUID(int=7)
    first = decide(labels[0], key=key)

    assert decide(labels[0], key=key) == first
    assert Annotation.objects.count() == 1


def test_sending_the_same_labels_twice_is_one_judgement(decide, labels):
    first = decide(labels[0])

    assert decide(labels[0]) == first
    assert Annotation.objects.count() == 1


def test_the_same_key_stands_by_its_first_labels(decide, labels):
    key = UUID(int=7)
    first = decide(labels[0], key=key)

    assert decide(labels[1], key=key) == first
    assert [label.pk for label in first.labels.all()] == [labels[0].pk]


def test_another_choice_from_a_second_tab_is_refused_and_tells_what_stands(decide, labels):
    first = decide(labels[0])

    with pytest.raises(annotations.LeaseLost) as lost:
        decide(labels[1])

    assert lost.value.standing == first


def test_a_key_used_for_another_task_is_refused(decide, project, reviewer, labels):
    key = UUID(int=7)
    decide(labels[0], key=key)
    other = queues.lease(ReviewTaskFactory(), reviewer, now=NOON)

    with pytest.raises(annotations.LeaseLost):
        annotations.annotate(other, reviewer=reviewer, labels=labels[:1], key=key, now=NOON)


# --- who may


def test_judging_without_a_lease_is_refused(decide, other_reviewer, labels):
    with pytest.raises(annotations.LeaseLost):
        decide(labels[0], by=other_reviewer)

    assert not Annotation.objects.exists()


def test_judging_after_the_lease_ran_out_is_taken_while_nobody_took_it(decide, task, labels):
    assert decide(labels[0], now=NOON + timedelta(minutes=9)).task == task


def test_judging_what_somebody_took_after_the_lease_ran_out_is_refused(
    decide, task, other_reviewer, labels
):
    late = NOON + timedelta(minutes=6)
    queues.lease(task, other_reviewer, now=late)
    with pytest.raises(annotations.LeaseLost) as lost:
        decide(labels[0], now=late)

    assert lost.value.standing is None


def test_judging_what_somebody_else_decided_tells_what_they_decided(
    decide, task, other_reviewer, labels
):
    late = NOON + timedelta(minutes=6)
    queues.lease(task, other_reviewer, now=late)
    theirs = decide(labels[1], by=other_reviewer, now=late)

    with pytest.raises(annotations.LeaseLost) as lost:
        decide(labels[0], now=late)

    assert lost.value.standing == theirs


def test_judging_a_withdrawn_task_is_refused(decide, task, labels):
    ReviewTask.objects.update(status=ReviewTask.Status.WITHDRAWN)

    with pytest.raises(annotations.LeaseLost):
        decide(labels[0])


# --- which labels


def test_label_of_another_project_is_refused(decide):
    with pytest.raises(annotations.LabelRefused, match="another project"):
        decide(LabelFactory(project=ProjectFactory(slug="other")))


def test_retired_label_is_refused(decide):
    with pytest.raises(annotations.LabelRefused, match="retired"):
        decide(LabelFactory(retired_at=NOON))


def test_label_that_only_groups_is_refused(decide):
    with pytest.raises(annotations.LabelRefused, match="only groups"):
        decide(LabelFactory(is_assignable=False))


def test_two_labels_in_a_single_label_project_are_refused(decide, labels):
    with pytest.raises(annotations.LabelRefused, match="exactly one"):
        decide(*labels[:2])


def test_refused_label_leaves_the_task_with_its_reviewer(decide, task, reviewer, labels):
    with pytest.raises(annotations.LabelRefused):
        decide(*labels[:2])

    task.refresh_from_db()
    assert task.is_leased_to(reviewer, at=NOON)


def test_multi_label_project_takes_any_number_of_labels(decide, project, labels):
    multi(project)
    annotation = decide(*labels[:3])

    assert annotation.labels.count() == 3
    assert annotation.kind == Kind.CORRECTED


def test_multi_label_choice_equal_to_the_suggestion_accepts_it(decide, project, task, labels):
    multi(project)
    task.prediction.label_ids = [labels[1].pk, labels[0].pk]
    task.prediction.save()

    assert decide(*labels[:2]).kind == Kind.ACCEPTED
