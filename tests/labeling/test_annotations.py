from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from labeling import annotations, gold, queues
from labeling.models import (
    Annotation,
    AuditEntry,
    GoldLabel,
    Project,
    ReviewTask,
    RuledOut,
)
from tests.factories import (
    LabelFactory,
    OverlapFactory,
    PredictionFactory,
    ProjectFactory,
    ReviewTaskFactory,
)

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
Kind = Annotation.Kind
pytestmark = pytest.mark.django_db


@pytest.fixture
def labels(project):
    return LabelFactory.create_batch(4)


def candidates(labels):
    return [[label.pk, 0.5, 1.0, 0.4 - 0.1 * rank] for rank, label in enumerate(labels)]


@pytest.fixture
def task(project, reviewer, labels):
    """A task that *reviewer* holds; its prediction ranks the four labels in order."""
    prediction = PredictionFactory(
        first=labels[0],
        second=labels[1],
        candidates=candidates(labels),
        label_ids=[labels[0].pk],
    )
    ReviewTaskFactory(document=prediction.document, prediction=prediction)
    return queues.lease_next(project, reviewer, now=NOON)


@pytest.fixture
def decide(task, reviewer):
    def decide(*labels, key=None, by=reviewer, now=NOON, **options):
        return annotations.annotate(
            task, reviewer=by, labels=labels, key=key or uuid4(), now=now, **options
        )

    return decide


def multi(project):
    Project.objects.filter(pk=project.pk).update(kind=Project.Kind.MULTI)


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
    assert not RuledOut.objects.exists()


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


def test_judging_costs_the_same_number_of_queries_whatever_the_queue_length(
    decide, labels, django_assert_max_num_queries
):
    ReviewTaskFactory.create_batch(30)
    with django_assert_max_num_queries(13):
        decide(labels[2])


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


def test_judging_after_the_lease_ran_out_is_refused(decide, labels):
    with pytest.raises(annotations.LeaseLost) as lost:
        decide(labels[0], now=NOON + timedelta(minutes=5))

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


# --- gold


def test_judgement_becomes_gold(decide, task, labels):
    annotation = decide(labels[1])

    stands = GoldLabel.objects.get()
    assert (stands.document, stands.label, stands.annotation) == (
        task.document,
        labels[1],
        annotation,
    )
    assert GoldLabel.objects.gold().count() == 1


def test_document_with_gold_is_open_no_more(decide, task, labels):
    decide(labels[1])

    task.document.refresh_from_db()
    assert task.document.gold_at == NOON


def test_nothing_fits_is_gold_without_a_label(decide):
    decide()

    assert GoldLabel.objects.get().label is None


def test_silver_gives_way_to_gold(decide, task, labels):
    GoldLabel.objects.create(
        project=task.project,
        document=task.document,
        label=labels[1],
        tier=GoldLabel.Tier.SILVER,
        granted_at=NOON,
    )
    decide(labels[1])

    assert GoldLabel.objects.get().tier == GoldLabel.Tier.GOLD


def test_candidates_passed_over_are_ruled_out(decide, labels):
    decide(labels[2])

    assert set(RuledOut.objects.values_list("label", flat=True)) == {labels[0].pk, labels[1].pk}


def test_accepting_the_first_candidate_rules_nothing_out(decide, labels):
    decide(labels[0])

    assert not RuledOut.objects.exists()


def test_overlapping_candidate_is_not_ruled_out(decide, labels):
    OverlapFactory(first=labels[0], second=labels[2])
    decide(labels[2])

    assert list(RuledOut.objects.values_list("label", flat=True)) == [labels[1].pk]


def test_nothing_fits_rules_out_every_candidate_shown(decide, labels):
    decide()

    assert RuledOut.objects.count() == 4


def test_choice_from_elsewhere_rules_out_only_candidates_that_were_shown(project):
    shown = LabelFactory.create_batch(gold.SHOWN + 2)
    prediction = PredictionFactory(candidates=candidates(shown))

    passed = gold.passed_over(prediction, {LabelFactory().pk}, is_multi=False)

    assert passed == [label.pk for label in shown[: gold.SHOWN]]


def test_unticked_labels_are_ruled_out_in_a_multi_label_project(decide, project, task, labels):
    multi(project)
    task.prediction.label_ids = [labels[0].pk, labels[1].pk]
    task.prediction.save()
    decide(labels[1], labels[3])

    assert list(RuledOut.objects.values_list("label", flat=True)) == [labels[0].pk]


def test_gold_is_announced_once_it_stands(
    decide, labels, project, django_capture_on_commit_callbacks
):
    from labeling.events import gold_changed

    heard = []

    def listen(project_id, **_):
        heard.append(project_id)

    gold_changed.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            decide(labels[0])
            assert heard == []
    finally:
        gold_changed.disconnect(listen)
    assert heard == [project.pk]


# --- undo


def test_undoing_gives_the_task_back_to_its_reviewer(decide, reviewer, labels):
    task = annotations.undo(decide(labels[0]), reviewer=reviewer, now=NOON)

    assert task.is_leased_to(reviewer, at=NOON)
    assert task.status == ReviewTask.Status.OPEN


def test_undoing_withdraws_gold_and_what_was_ruled_out(decide, task, reviewer, labels):
    annotations.undo(decide(labels[2]), reviewer=reviewer, now=NOON)

    task.document.refresh_from_db()
    assert not GoldLabel.objects.exists()
    assert not RuledOut.objects.exists()
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

    assert GoldLabel.objects.get().label == labels[1]
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


# --- imported gold


def test_imported_gold_takes_the_task_away_even_from_its_holder(decide, project, task, labels):
    gold.grant_imported_bulk(project, [(task.document_id, [labels[0].pk])], NOON)

    with pytest.raises(annotations.LeaseLost):
        decide(labels[1])
    assert GoldLabel.objects.get().annotation is None


def test_imported_gold_leaves_a_judged_document_alone(decide, project, task, labels):
    decide(labels[1])

    assert gold.grant_imported_bulk(project, [(task.document_id, [labels[0].pk])], NOON) == 0
    assert GoldLabel.objects.get().label == labels[1]


def test_imported_document_without_labels_is_gold_that_nothing_fits(project, task):
    assert gold.grant_imported_bulk(project, [(task.document_id, [])], NOON) == 1
    assert GoldLabel.objects.get().label is None
