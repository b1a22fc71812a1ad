from datetime import UTC, datetime
from uuid import UUID

import pytest

from labeling import annotations, queues
from labeling.models import (
    Annotation,
    AuditEntry,
    GoldLabel,
    ReviewTask,
)
from tests.factories import (
    ReviewTaskFactory,
)

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
Kind = Annotation.Kind
pytestmark = pytest.mark.django_db


def test_undoing_gives_the_task_back_to_its_reviewer(decide, reviewer, labels):
    task = annotations.undo(decide(labels[0]), reviewer=reviewer, now=NOON)

    assert task.is_leased_to(reviewer, at=NOON)
    assert task.status == ReviewTask.Status.OPEN


def test_undoing_withdraws_gold_and_what_was_ruled_out(decide, task, reviewer, labels):
    annotations.undo(decide(labels[2]), reviewer=reviewer, now=NOON)

    task.document.refresh_from_db()
    assert not GoldLabel.objects.exists()
    assert not GoldLabel.objects.ruled_out().exists()
    assert task.document.gold_at is None


def test_undone_judgement_is_kept_and_marked(decide, reviewer, labels):
    annotation = decide(labels[0])
    annotations.undo(annotation, reviewer=reviewer, now=NOON)

    annotation.refresh_from_db()
    assert annotation.undone_at == NOON
    assert list(annotation.labels.all()) == [labels[0]]


def test_undoing_is_written_down(decide, reviewer, labels):
    annotations.undo(decide(labels[0]), reviewer=reviewer, now=NOON)

    assert AuditEntry.objects.order_by("pk").last().act == "undid"


def test_undone_task_can_be_judged_anew(decide, reviewer, labels):
    annotations.undo(decide(labels[0]), reviewer=reviewer, now=NOON)
    decide(labels[1])

    assert GoldLabel.objects.gold().get().label == labels[1]
    assert Annotation.objects.standing().count() == 1


def test_form_of_an_undone_judgement_cannot_be_sent_again(decide, reviewer, labels):
    key = UUID(int=7)
    annotations.undo(decide(labels[0], key=key), reviewer=reviewer, now=NOON)

    with pytest.raises(annotations.LeaseLost):
        decide(labels[0], key=key)


def test_undoing_twice_is_undoing_once(decide, reviewer, labels):
    annotation = decide(labels[0])
    task = annotations.undo(annotation, reviewer=reviewer, now=NOON)

    assert annotations.undo(annotation, reviewer=reviewer, now=NOON) == task
    assert AuditEntry.objects.filter(act="undid").count() == 1


def test_undoing_again_after_the_task_passed_on_is_refused(
    decide, reviewer, other_reviewer, labels
):
    annotation = decide(labels[0])
    task = annotations.undo(annotation, reviewer=reviewer, now=NOON)
    queues.skip(task, reviewer=reviewer, now=NOON)
    queues.lease(task, other_reviewer, now=NOON)

    with pytest.raises(annotations.UndoRefused, match="already"):
        annotations.undo(annotation, reviewer=reviewer, now=NOON)


def test_somebody_elses_judgement_cannot_be_undone(decide, other_reviewer, labels):
    with pytest.raises(annotations.UndoRefused, match="person who decided"):
        annotations.undo(decide(labels[0]), reviewer=other_reviewer, now=NOON)

    assert GoldLabel.objects.count() == 1


def test_judgement_cannot_be_undone_once_other_gold_stands(decide, task, reviewer, labels):
    annotation = decide(labels[0])
    GoldLabel.objects.create(
        project=task.project, document=task.document, label=labels[1], granted_at=NOON
    )

    with pytest.raises(annotations.UndoRefused, match="gold from elsewhere"):
        annotations.undo(annotation, reviewer=reviewer, now=NOON)


def test_judgement_cannot_be_undone_once_its_document_waits_again(decide, task, reviewer, labels):
    annotation = decide(labels[0])
    ReviewTaskFactory(document=task.document, prediction=None)

    with pytest.raises(annotations.UndoRefused, match="again"):
        annotations.undo(annotation, reviewer=reviewer, now=NOON)


def test_last_judgement_is_the_newest_that_stands(decide, project, reviewer, labels):
    assert annotations.last_of(project.pk, reviewer) is None
    annotation = decide(labels[0])
    assert annotations.last_of(project.pk, reviewer) == annotation
    annotations.undo(annotation, reviewer=reviewer, now=NOON)
    assert annotations.last_of(project.pk, reviewer) is None
