from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction

from labeling import annotations, gold, taxonomies
from labeling.models import (
    Annotation,
    GoldLabel,
    Label,
)
from tests.factories import (
    LabelFactory,
    OverlapFactory,
    PredictionFactory,
)
from tests.labeling.desk import multi

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
Kind = Annotation.Kind
pytestmark = pytest.mark.django_db


def test_judgement_becomes_gold(decide, task, labels):
    annotation = decide(labels[1])

    stands = GoldLabel.objects.gold().get()
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

    assert GoldLabel.objects.gold().get().label is None


def test_candidates_passed_over_are_ruled_out(decide, labels):
    decide(labels[2])

    assert set(GoldLabel.objects.ruled_out().values_list("label", flat=True)) == {
        labels[0].pk,
        labels[1].pk,
    }


def test_accepting_the_first_candidate_rules_nothing_out(decide, labels):
    decide(labels[0])

    assert not GoldLabel.objects.ruled_out().exists()


def test_overlapping_candidate_is_not_ruled_out(decide, labels):
    OverlapFactory(first=labels[0], second=labels[2])
    decide(labels[2])

    assert list(GoldLabel.objects.ruled_out().values_list("label", flat=True)) == [labels[1].pk]


def test_nothing_fits_rules_out_every_candidate_shown(decide, labels):
    decide()

    assert GoldLabel.objects.ruled_out().count() == 4


def test_choice_from_elsewhere_rules_out_only_candidates_that_were_shown(project):
    shown = LabelFactory.create_batch(gold.SHOWN + 2)
    ranked = [[label.pk, 0.5, 1.0, 0.01] for label in shown]
    prediction = PredictionFactory(candidates=ranked)

    usable = dict.fromkeys(
        Label.objects.in_bulk(), taxonomies.Usable(is_right_too=False, one_of=[])
    )
    offered = gold.offer(prediction, usable, is_multi=False)
    passed = gold.passed_over(offered, {LabelFactory().pk}, is_multi=False)

    assert passed == [label.pk for label in shown[: gold.SHOWN]]


def test_label_retired_since_the_prediction_was_never_offered(decide, labels):
    Label.objects.filter(pk=labels[0].pk).update(retired_at=NOON)
    annotation = decide(labels[1])

    assert annotation.kind == annotation.Kind.ACCEPTED
    assert not GoldLabel.objects.ruled_out().exists()


def test_nobody_rules_out_nothing(task, labels):
    with pytest.raises(IntegrityError), transaction.atomic():
        GoldLabel.objects.create(
            project=task.project,
            document=task.document,
            label=labels[0],
            tier=GoldLabel.Tier.RULED_OUT,
            granted_at=NOON,
        )


def test_unticked_labels_are_ruled_out_in_a_multi_label_project(decide, project, task, labels):
    multi(project)
    task.prediction.label_ids = [labels[0].pk, labels[1].pk]
    task.prediction.save()
    decide(labels[1], labels[3])

    assert list(GoldLabel.objects.ruled_out().values_list("label", flat=True)) == [labels[0].pk]


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


# --- imported gold


def test_imported_gold_takes_the_task_away_even_from_its_holder(decide, project, task, labels):
    gold.grant_imported_bulk(project, [(task.document_id, [labels[0].pk])], NOON)

    with pytest.raises(annotations.LeaseLost):
        decide(labels[1])
    assert GoldLabel.objects.gold().get().annotation is None


def test_imported_gold_leaves_a_judged_document_alone(decide, project, task, labels):
    decide(labels[1])

    assert gold.grant_imported_bulk(project, [(task.document_id, [labels[0].pk])], NOON) == 0
    assert GoldLabel.objects.gold().get().label == labels[1]


def test_imported_document_without_labels_is_gold_that_nothing_fits(project, task):
    assert gold.grant_imported_bulk(project, [(task.document_id, [])], NOON) == 1
    assert GoldLabel.objects.gold().get().label is None
