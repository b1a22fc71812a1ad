"""Many documents decided at once, and all of that taken back."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from labeling import annotations, bulk, escalations, queues
from labeling.models import (
    Annotation,
    AuditEntry,
    GoldLabel,
    Label,
    Prediction,
    ReviewQueue,
    ReviewTask,
    TaskSkip,
)
from tests.factories import DocumentFactory, PredictionFactory, ReviewTaskFactory
from tests.labeling.desk import multi
from tests.plans import full_scans

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
KEY = UUID(int=7)
pytestmark = pytest.mark.django_db


@pytest.fixture
def give(labels, reviewer):
    def give(*tasks, label=labels[0], by=reviewer, batch=KEY, now=NOON):
        return bulk.give(label, [task.pk for task in tasks], reviewer=by, batch=batch, now=now)

    return give


@pytest.fixture
def undo(project, reviewer):
    def undo(batch=KEY, by=reviewer):
        return bulk.undo(project, batch, reviewer=by, now=NOON)

    return undo


@pytest.fixture
def likely(labels):
    """Make a task for which a label is predicted at a probability."""

    def likely(probability, label=labels[0], **document):
        made = PredictionFactory(
            document=DocumentFactory(**document),
            first=label,
            probability=probability,
            candidates=[[label.pk, 0.5, 1.0, probability]],
        )
        return ReviewTaskFactory(document=made.document, prediction=made)

    return likely


def counted(project, person, **where):
    found = bulk.predicted(project, person, now=NOON, **where)
    return [(each.label.name, each.documents) for each in found]


def sheet(project, person, label, **how):
    return bulk.sheet(bulk.waiting(project, person, now=NOON), label, **how)


# --- What waits


def test_labels_are_counted_by_what_is_predicted_most_first(project, reviewer, labels, likely):
    likely(0.5, labels[1])
    for _ in range(2):
        likely(0.5, labels[0])

    assert counted(project, reviewer) == [("Card arrival", 2), ("Card delivery", 1)]


def test_only_what_the_person_may_decide_alone_is_counted(
    project, reviewer, other_reviewer, waiting
):
    mine, theirs, escalated, skipped, several, stale, closed = (waiting() for _ in range(7))
    waiting(reason=ReviewQueue.Reason.CHECK)
    queues.lease(mine, reviewer, now=NOON)
    queues.lease(theirs, other_reviewer, now=NOON)
    held = queues.lease(escalated, other_reviewer, now=NOON)
    escalations.escalate(held, "Which?", reviewer=other_reviewer, now=NOON)
    TaskSkip.objects.create(task=skipped, reviewer=reviewer, skipped_at=NOON)
    ReviewTask.objects.filter(pk=several.pk).update(wanted=2)
    Prediction.objects.filter(pk=stale.prediction_id).update(is_current=False)
    ReviewTask.objects.filter(pk=closed.pk).update(status=ReviewTask.Status.DONE)

    assert counted(project, reviewer) == [("Card arrival", 1)]


def test_one_queue_is_counted_by_itself(project, reviewer, waiting):
    waiting()
    audit = waiting(reason=ReviewQueue.Reason.AUDIT).queue

    assert counted(project, reviewer, queue=audit) == [("Card arrival", 1)]


def test_a_queue_for_others_is_not_looked_through(project, reviewer, other_reviewer, waiting):
    audit = waiting(reason=ReviewQueue.Reason.AUDIT).queue
    audit.people.add(other_reviewer)

    assert counted(project, reviewer) == []
    assert counted(project, other_reviewer) == [("Card arrival", 1)]


def test_a_retired_label_is_not_offered(project, reviewer, waiting, labels):
    waiting()
    Label.objects.filter(pk=labels[0].pk).update(retired_at=NOON)

    assert counted(project, reviewer) == []


def test_with_several_labels_a_document_only_what_has_one_predicted_counts(
    project, reviewer, waiting, labels
):
    multi(project)
    project.refresh_from_db()
    labels[0].project.refresh_from_db()
    alone = waiting()
    waiting(label_ids=[labels[0].pk, labels[1].pk])
    waiting(label_ids=[])

    assert counted(project, reviewer) == [("Card arrival", 1)]
    [row] = sheet(project, reviewer, Label.objects.get(pk=labels[0].pk)).others
    assert row.task_id == alone.pk


def test_a_sheet_shows_the_likeliest_and_counts_all(project, reviewer, labels, likely):
    for share, subject in ((0.4, "Fee"), (0.9, "Card"), (0.6, "Loan")):
        likely(share, subject=subject, text=subject)
    likely(0.99, labels[1])
    shown = sheet(project, reviewer, labels[0], most=2)

    assert [row.subject for row in shown.others] == ["Card", "Loan"]
    assert (shown.total, shown.shown) == (3, 2)


def test_what_is_nearly_the_same_stands_together_the_largest_group_first(
    project, reviewer, labels, likely
):
    for share, subject in ((0.9, "Fee 1"), (0.8, "Alone"), (0.7, "Card 1"), (0.6, "Card 2")):
        likely(share, subject=subject, text="")
    for number, share in ((2, 0.5), (3, 0.4)):
        likely(share, subject=f"Fee {number}", text="")
    shown = sheet(project, reviewer, labels[0])

    groups = [[row.subject for row in group] for group in shown.groups]
    assert groups == [["Fee 1", "Fee 2", "Fee 3"], ["Card 1", "Card 2"]]
    assert [row.subject for row in shown.others] == ["Alone"]


# --- Giving


def test_giving_is_a_decision_for_each_that_names_the_batch(give, waiting, reviewer, labels):
    tasks = [waiting() for _ in range(3)]

    assert give(*tasks) == 3
    made = Annotation.objects.all()
    assert {each.task_id for each in made} == {task.pk for task in tasks}
    assert {(each.kind, each.batch, each.reviewer) for each in made} == {
        (Annotation.Kind.ACCEPTED, KEY, reviewer)
    }
    assert set(GoldLabel.objects.values_list("label", flat=True)) == {labels[0].pk}
    assert not ReviewTask.objects.open().exists()
    details = AuditEntry.objects.filter(act="annotated").values_list("detail__batch", flat=True)
    assert list(details) == [str(KEY)] * 3


def test_what_somebody_took_meanwhile_is_left_to_them(give, waiting, other_reviewer):
    mine, theirs = waiting(), waiting()
    queues.lease(theirs, other_reviewer, now=NOON)

    assert give(mine, theirs) == 1
    theirs.refresh_from_db()
    assert theirs.is_leased_to(other_reviewer, at=NOON)


def test_what_is_predicted_otherwise_by_now_is_left_out_and_free(give, waiting, labels):
    task = waiting()
    Prediction.objects.filter(pk=task.prediction_id).update(first=labels[1])

    assert give(task) == 0
    assert ReviewTask.objects.unleased(at=NOON).get() == task


@pytest.mark.parametrize(
    "change", [{"wanted": 2}, {"is_disputed": True}, {"status": "done"}, {"status": "withdrawn"}]
)
def test_what_is_not_one_persons_to_decide_is_left_out(give, waiting, change):
    task = waiting()
    ReviewTask.objects.filter(pk=task.pk).update(**change)

    assert give(task) == 0
    assert not Annotation.objects.exists()


def test_gold_to_check_is_left_out(give, waiting):
    assert give(waiting(reason=ReviewQueue.Reason.CHECK)) == 0


def test_a_task_of_another_project_is_left_out(give, waiting):
    assert give(waiting(document__project__slug="elsewhere")) == 0


def test_a_label_retired_on_the_way_is_given_to_none(give, waiting, labels):
    task = waiting()
    Label.objects.filter(pk=labels[0].pk).update(retired_at=NOON)

    assert give(task) == 0
    assert ReviewTask.objects.unleased(at=NOON).get() == task


def test_the_same_batch_twice_is_one(give, waiting):
    tasks = [waiting(), waiting()]
    give(*tasks)

    assert give(*tasks, tasks[0]) == 2
    assert Annotation.objects.count() == 2


def test_what_was_missing_of_a_batch_is_made_up_for(give, waiting):
    tasks = [waiting(), waiting()]
    give(tasks[0])

    assert give(*tasks) == 2


def test_a_batch_undone_since_decides_nothing(give, undo, waiting):
    tasks = [waiting(), waiting()]
    give(*tasks)
    undo()

    with pytest.raises(bulk.BatchUndone):
        give(*tasks)
    assert not Annotation.objects.standing().exists()


def test_two_people_with_one_key_have_a_batch_each(give, waiting, reviewer, other_reviewer):
    assert give(waiting()) == give(waiting(), by=other_reviewer) == 1
    assert bulk.decisions(reviewer, KEY).count() == 1


# --- Undoing


def test_undoing_a_batch_frees_its_tasks_for_all(give, undo, waiting, other_reviewer, project):
    tasks = [waiting(), waiting()]
    give(*tasks)

    assert undo() == bulk.Undone(2, {})
    assert not GoldLabel.objects.exists()
    free = ReviewTask.objects.available_to(other_reviewer, at=NOON)
    assert set(free) == set(tasks)


def test_what_cannot_be_undone_stands_and_the_rest_goes(give, undo, waiting, labels):
    tasks = [waiting(), waiting(), waiting()]
    give(*tasks)
    GoldLabel.objects.create(
        project=tasks[1].project, document=tasks[1].document, label=labels[1], granted_at=NOON
    )

    assert undo() == bulk.Undone(2, {"The document has gold from elsewhere since.": 1})
    assert Annotation.objects.standing().get().task == tasks[1]


def test_undoing_a_batch_twice_is_undoing_it_once(give, undo, waiting):
    give(waiting())
    undo()

    assert undo() == bulk.Undone(0, {})


def test_nobody_undoes_the_batch_of_somebody_else(give, undo, waiting, other_reviewer):
    give(waiting())

    assert undo(by=other_reviewer) == bulk.Undone(0, {})
    assert Annotation.objects.standing().count() == 1


def test_what_was_decided_again_one_by_one_is_no_part_of_the_batch(
    give, undo, waiting, project, reviewer, labels
):
    task = waiting()
    give(task)
    undo()
    queues.lease(task, reviewer, now=NOON)
    annotations.annotate(task, reviewer=reviewer, labels=labels[1:2], key=uuid4(), now=NOON)

    assert undo() == bulk.Undone(0, {})
    assert bulk.last_of(project, reviewer) is None


def test_the_last_batch_is_the_newest_of_which_something_stands(
    give, undo, waiting, project, reviewer, labels
):
    assert bulk.last_of(project, reviewer) is None
    give(waiting(), waiting())
    later = NOON + timedelta(minutes=1)
    give(waiting(), batch=UUID(int=8), now=later)

    assert bulk.last_of(project, reviewer) == bulk.Batch(UUID(int=8), labels[0], 1, later)
    undo(UUID(int=8))
    assert bulk.last_of(project, reviewer) == bulk.Batch(KEY, labels[0], 2, NOON)


# --- Cost


def test_bulk_reads_no_table_whole(give, undo, waiting, project, reviewer, labels):
    tasks = [waiting() for _ in range(30)]
    with full_scans() as found:
        bulk.predicted(project, reviewer, now=NOON)
        sheet(project, reviewer, labels[0])
        give(*tasks[:3])
        bulk.last_of(project, reviewer)
        undo()

    assert found == []


def test_a_batch_of_ten_asks_no_more_around_its_decisions_than_a_batch_of_one(give, waiting):
    tasks = [waiting() for _ in range(11)]
    with CaptureQueriesContext(connection) as one:
        give(tasks[0], batch=uuid4())
    with CaptureQueriesContext(connection) as ten:
        give(*tasks[1:], batch=uuid4())

    each = (len(ten) - len(one)) / 9
    assert each <= 12  # one decision: its row, its label, its gold, its audit entry, savepoints
