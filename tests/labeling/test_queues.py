from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from labeling import annotations, queue_counts, queues
from labeling.models import AuditEntry, Prediction, ReviewQueue, ReviewTask
from tests.factories import (
    DocumentFactory,
    MembershipFactory,
    PredictionFactory,
    ProjectFactory,
    ReviewQueueFactory,
    ReviewTaskFactory,
)

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)
pytestmark = pytest.mark.django_db


def test_most_valuable_task_comes_first(project, reviewer):
    ReviewTaskFactory(value=0.2)
    close_call = ReviewTaskFactory(value=0.9)
    ReviewTaskFactory(value=0.5)

    assert queues.lease_next(project, reviewer, now=NOON) == close_call


def test_of_two_equal_tasks_the_older_comes_first(project, reviewer):
    older = ReviewTaskFactory(value=0.5)
    ReviewTaskFactory(value=0.5)

    assert queues.lease_next(project, reviewer, now=NOON) == older


def test_leased_task_is_hidden_from_others(project, reviewer, other_reviewer):
    ReviewTaskFactory()
    queues.lease_next(project, reviewer, now=NOON)

    assert queues.lease_next(project, other_reviewer, now=NOON) is None


def test_lease_lasts_five_minutes(project, reviewer):
    ReviewTaskFactory()
    task = queues.lease_next(project, reviewer, now=NOON)

    assert task.leased_until == LATER
    assert task.is_leased_to(reviewer, at=LATER - timedelta(seconds=1))
    assert not task.is_leased_to(reviewer, at=LATER)


def test_expired_lease_is_offered_again(project, reviewer, other_reviewer):
    task = ReviewTaskFactory()
    queues.lease_next(project, reviewer, now=NOON)

    assert queues.lease_next(project, other_reviewer, now=LATER) == task


def test_reviewer_gets_the_task_they_hold_before_a_more_valuable_one(project, reviewer):
    held = ReviewTaskFactory(value=0.1)
    queues.lease_next(project, reviewer, now=NOON)
    ReviewTaskFactory(value=0.9)

    assert queues.lease_next(project, reviewer, now=NOON) == held


def test_taking_a_held_task_again_starts_its_five_minutes_anew(project, reviewer):
    ReviewTaskFactory()
    queues.lease_next(project, reviewer, now=NOON)

    again = queues.lease_next(project, reviewer, now=NOON + timedelta(minutes=4))

    assert again.leased_until == NOON + timedelta(minutes=9)


def test_other_projects_tasks_are_never_leased(project, reviewer):
    ReviewTaskFactory(document__project=ProjectFactory(slug="other"))

    assert queues.lease_next(project, reviewer, now=NOON) is None


def test_one_queue_can_be_picked(project, reviewer):
    ReviewTaskFactory(value=0.9)
    audit = ReviewQueueFactory(reason=ReviewQueue.Reason.AUDIT)
    sampled = ReviewTaskFactory(value=0.01, queue=audit)

    assert queues.lease_next(project, reviewer, now=NOON, queue=audit) == sampled


def test_closed_tasks_are_not_leased(project, reviewer):
    ReviewTaskFactory(status=ReviewTask.Status.DONE)
    ReviewTaskFactory(status=ReviewTask.Status.WITHDRAWN)

    assert queues.lease_next(project, reviewer, now=NOON) is None


def test_more_tasks_held_by_others_than_one_look_shows_hide_none(project, reviewer):
    for n in range(queues.WINDOW + 1):
        holder = MembershipFactory(project=project, user__username=f"holder-{n}").user
        ReviewTaskFactory(value=0.9)
        queues.lease_next(project, holder, now=NOON)
    free = ReviewTaskFactory(value=0.1)

    assert queues.lease_next(project, reviewer, now=NOON) == free


def test_leasing_does_not_read_the_body(project, reviewer):
    ReviewTaskFactory()
    task = queues.lease_next(project, reviewer, now=NOON)

    assert task.document.get_deferred_fields() == {"text", "metadata"}


def test_leasing_costs_four_queries_whatever_the_queue_length(
    project, reviewer, django_assert_num_queries
):
    ReviewTaskFactory.create_batch(30)
    with django_assert_num_queries(4):  # held, window, claim, read
        queues.lease_next(project, reviewer, now=NOON)


def test_skipped_task_goes_to_others_but_not_back(project, reviewer, other_reviewer):
    task = ReviewTaskFactory()
    queues.skip(queues.lease_next(project, reviewer, now=NOON), reviewer=reviewer, now=NOON)

    assert queues.lease_next(project, reviewer, now=NOON) is None
    assert queues.lease_next(project, other_reviewer, now=NOON) == task


def test_skipping_twice_is_written_down_once(project, reviewer):
    task = queues.lease(ReviewTaskFactory(), reviewer, now=NOON)
    queues.skip(task, reviewer=reviewer, now=NOON)
    queues.skip(task, reviewer=reviewer, now=NOON)

    assert task.skips.count() == 1
    assert AuditEntry.objects.filter(act="skipped").count() == 1


def test_what_is_decided_is_not_skipped(project, reviewer):
    """A click on the way back in the history must not hide the task once it is open again."""
    task = queues.lease(ReviewTaskFactory(), reviewer, now=NOON)
    annotation = annotations.annotate(task, reviewer=reviewer, labels=[], key=uuid4(), now=NOON)
    queues.skip(task, reviewer=reviewer, now=NOON)
    assert not task.skips.exists()

    annotations.undo(annotation, reviewer=reviewer, now=NOON)
    assert queues.lease_next(project, reviewer, now=LATER) == task


def test_task_leased_anew_speaks_of_the_current_prediction(project, reviewer, other_reviewer):
    document = DocumentFactory(project=project)
    former, present = (
        PredictionFactory(document=document, is_current=now) for now in (False, True)
    )
    task = ReviewTaskFactory(document=document, prediction=former)

    assert queues.lease(task, reviewer, now=NOON).prediction == present


def test_task_held_goes_on_speaking_of_what_was_shown(project, reviewer):
    document = DocumentFactory(project=project)
    shown = PredictionFactory(document=document)
    task = queues.lease(ReviewTaskFactory(document=document, prediction=shown), reviewer, now=NOON)
    Prediction.objects.update(is_current=False)
    PredictionFactory(document=document)

    assert queues.lease(task, reviewer, now=NOON).prediction == shown


def test_skipping_does_not_disturb_somebody_elses_lease(project, reviewer, other_reviewer):
    ReviewTaskFactory()
    task = queues.lease_next(project, other_reviewer, now=NOON)
    queues.skip(task, reviewer=reviewer, now=NOON)

    task.refresh_from_db()
    assert task.is_leased_to(other_reviewer, at=NOON)


def test_skipped_tasks_can_be_brought_back(project, reviewer):
    task = queues.lease(ReviewTaskFactory(), reviewer, now=NOON)
    queues.skip(task, reviewer=reviewer, now=NOON)

    assert queues.restore_skipped(project, reviewer, now=NOON) == 1
    assert queues.lease_next(project, reviewer, now=NOON) == task


def test_released_task_is_offered_to_all_at_once(project, reviewer, other_reviewer):
    ReviewTaskFactory()
    task = queues.lease_next(project, reviewer, now=NOON)
    queues.release(task, reviewer=reviewer, now=NOON)

    assert queues.lease_next(project, other_reviewer, now=NOON) == task


def test_releasing_somebody_elses_task_does_nothing(project, reviewer, other_reviewer):
    ReviewTaskFactory()
    task = queues.lease_next(project, other_reviewer, now=NOON)
    queues.release(task, reviewer=reviewer, now=NOON)

    task.refresh_from_db()
    assert task.is_leased_to(other_reviewer, at=NOON)


def test_heartbeat_prolongs_the_lease(project, reviewer):
    ReviewTaskFactory()
    task = queues.lease_next(project, reviewer, now=NOON)

    assert queues.renew(task, reviewer=reviewer, now=NOON + timedelta(minutes=1)) == (
        NOON + timedelta(minutes=6)
    )


def test_heartbeat_revives_a_lease_that_ran_out_and_nobody_took(project, reviewer):
    ReviewTaskFactory()
    task = queues.lease_next(project, reviewer, now=NOON)
    queues.renew(task, reviewer=reviewer, now=NOON + timedelta(hours=1))

    task.refresh_from_db()
    assert task.is_leased_to(reviewer, at=NOON + timedelta(hours=1))


def test_heartbeat_on_a_task_taken_by_somebody_else_is_refused(project, reviewer, other_reviewer):
    ReviewTaskFactory()
    task = queues.lease_next(project, reviewer, now=NOON)
    queues.lease_next(project, other_reviewer, now=LATER)

    with pytest.raises(queues.LeaseLost) as lost:
        queues.renew(task, reviewer=reviewer, now=LATER)

    assert lost.value.task.leased_by == other_reviewer


def test_a_skipped_task_can_be_leased_by_name(project, reviewer):
    task = ReviewTaskFactory()
    queues.skip(task, reviewer=reviewer, now=NOON)

    assert queues.lease(task, reviewer, now=NOON).is_leased_to(reviewer, at=NOON)


def test_a_task_somebody_holds_cannot_be_leased_by_name(project, reviewer, other_reviewer):
    ReviewTaskFactory()
    task = queues.lease_next(project, other_reviewer, now=NOON)

    with pytest.raises(queues.LeaseLost):
        queues.lease(task, reviewer, now=NOON)


def test_counts_say_what_is_open_held_by_others_and_skipped(project, reviewer, other_reviewer):
    queue = queues.ensure(project)[ReviewQueue.Reason.AMBIGUOUS]
    tasks = ReviewTaskFactory.create_batch(5, queue=queue)
    for task in tasks[:2]:
        queues.skip(queues.lease(task, reviewer, now=NOON), reviewer=reviewer, now=NOON)
    queues.lease(tasks[0], other_reviewer, now=NOON)
    queues.lease(tasks[2], reviewer, now=NOON)

    close_calls, *others = queue_counts.of(project, reviewer, NOON)

    assert (close_calls.open, close_calls.leased, close_calls.skipped) == (5, 1, 1)
    assert close_calls.waiting == 3
    assert [count.open for count in others] == [0, 0]


def test_counting_costs_three_queries(project, reviewer, django_assert_num_queries):
    queues.ensure(project)
    ReviewTaskFactory.create_batch(30)
    with django_assert_num_queries(3):
        queue_counts.of(project, reviewer, NOON)


def test_no_more_are_counted_than_anybody_need_know(project, reviewer, monkeypatch):
    monkeypatch.setattr(queue_counts, "MOST_COUNTED", 2)
    monkeypatch.setattr(queue_counts._listed, "known", {})  # it is written with the number in it
    found = queues.ensure(project)
    ReviewTaskFactory.create_batch(3, queue=found[ReviewQueue.Reason.AMBIGUOUS])
    ReviewTaskFactory.create_batch(2, queue=found[ReviewQueue.Reason.NONE_FITS])

    counted = {each.queue.reason: each for each in queue_counts.of(project, reviewer, NOON)}

    assert (counted["ambiguous"].waiting, counted["ambiguous"].is_more) == (2, True)
    assert (counted["none_fits"].waiting, counted["none_fits"].is_more) == (2, False)


def test_every_project_gets_each_queue_once(project):
    queues.ensure(project)
    assert list(queues.ensure(project)) == ReviewQueue.Reason.values
    assert project.queues.count() == len(ReviewQueue.Reason)


def test_two_people_never_get_the_same_task(project, reviewer, other_reviewer):
    ReviewTaskFactory.create_batch(2)
    first = queues.lease_next(project, reviewer, now=NOON)
    second = queues.lease_next(project, other_reviewer, now=NOON)

    assert first != second
