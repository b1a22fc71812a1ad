import threading
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from inference import deployments, rebuild, serving
from labeling import annotations, events, queues
from labeling.models import Annotation, GoldLabel, Label, Prediction, ReviewTask
from tests.factories import (
    DocumentFactory,
    GoldLabelFactory,
    TaxonomyVersionFactory,
)
from tests.training.world import NOW, World, champion
from training import curation, instant, registry, tasks
from training.gates import Evidence, Interval
from training.models import ModelVersion
from training.teaching import teach

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(settings, db):
    return World(settings)


def test_refit_registers_and_deploys_what_gold_taught(world):
    world.settle(*range(40))

    version = instant.refit(world.project, now=NOW)

    assert version.passed
    assert version.origin == ModelVersion.Origin.INSTANT
    assert version.gold_count == 40
    assert champion(world.project) == version.bundle
    assert version.metrics["top1"] > 0.9


def test_refit_puts_the_next_batch_first_with_predictions_by_the_new_champion(world, reviewer):
    world.settle(*range(40))
    version = instant.refit(world.project, now=NOW)

    first = world.project.tasks.open().most_valuable_first()[:10]

    assert [task.value for task in first] == pytest.approx([2 - n / 10 for n in range(10)])
    assert {task.prediction.bundle for task in first} == {version.bundle}
    assert not GoldLabel.objects.filter(document__in=[task.document_id for task in first]).exists()


def test_documents_outside_the_batch_are_left_to_the_prediction_job(world):
    world.settle(*range(40))
    instant.refit(world.project, now=NOW)
    assert Prediction.objects.current().count() == 10


def test_document_somebody_is_looking_at_is_not_chosen(world, reviewer):
    chosen = instant.choose_next(world.project, now=NOW)
    held = queues.lease_next(world.project, reviewer, now=NOW)
    again = instant.choose_next(world.project, now=NOW)
    assert held.document_id in chosen
    assert held.document_id not in again


def test_same_gold_twice_is_one_version(world):
    world.settle(*range(30))
    first = instant.refit(world.project, now=NOW)
    second = instant.refit(world.project, now=NOW + timedelta(seconds=1))
    assert first == second
    assert world.project.deployments.count() == 2  # the label texts alone, and this one


def test_without_gold_there_is_nothing_to_learn(world):
    assert instant.refit(world.project, now=NOW) is None


def test_without_a_taxonomy_there_is_nothing_to_learn_with(db):
    document = DocumentFactory()
    GoldLabelFactory(document=document, label=None)
    assert instant.refit(document.project, now=NOW) is None


def test_one_gold_document_is_enough_to_go_on(world):
    world.settle(0)
    version = instant.refit(world.project, now=NOW)
    assert version.gold_count == 1
    assert champion(world.project) == version.bundle


def test_gold_that_fits_nothing_only_is_unmeasured_and_does_not_deploy(world):
    before = champion(world.project)
    world.settle(*range(12), label=None)

    version = instant.refit(world.project, now=NOW)

    assert not version.passed
    assert "not measured" in version.gates[0]["reason"]
    assert champion(world.project) == before


def test_gold_of_a_retired_label_teaches_nothing(world, settings):
    world.settle(*range(30))
    version = instant.refit(world.project, now=NOW)
    world.labels[2].retired_at = NOW
    world.labels[2].save()
    TaxonomyVersionFactory(project=world.project, number=2)

    later = instant.refit(world.project, now=NOW + timedelta(seconds=1))

    assert later.gold_count == 20
    assert serving.load(later.bundle).label_ids == tuple(each.pk for each in world.labels[:2])
    assert len(serving.load(version.bundle).label_ids) == 3


def test_head_that_is_worse_than_the_label_texts_stays_out(world, settings):
    before = champion(world.project)
    world.settle(*range(30))
    bundle = serving.load(before)
    _, lesson = instant.lesson_of(world.project, bundle, curation.gold_of(world.project))
    taught = teach(bundle, lesson)
    loss = Interval(-0.3, -0.4, -0.2)
    evidence = Evidence(taught.evidence.champion, taught.evidence.challenger, {"top1": loss})

    version = instant._promote(
        world.project,
        taught.bundle.write(settings.BUNDLE_DIR),
        replace(taught, evidence=evidence),
        deployments.champion(world.project),
        gold_count=30,
        now=NOW,
    )

    assert not version.passed
    assert "below zero" in version.gates[0]["reason"]
    assert champion(world.project) == before


def test_multi_label_project_learns_empty_sets_too(settings, db):
    world = World(settings, kind="multi")
    world.settle(*range(30))
    world.settle(*range(30, 40), label=None)
    version = instant.refit(world.project, now=NOW)
    assert version.gold_count == 40
    assert version.metrics["micro_f1"] > 0.5


def test_refit_is_due_after_as_many_reviews_as_the_project_says(world, reviewer):
    instant.choose_next(world.project, now=NOW)
    world.review(reviewer, 9)
    assert not instant.is_due(world.project)
    world.review(reviewer, 1)
    assert instant.is_due(world.project)
    instant.refit(world.project, now=timezone.now())
    assert not instant.is_due(world.project)


def test_gates_that_stay_shut_are_not_tried_again_before_more_gold(world):
    world.settle(*range(10), label=None)
    instant.refit(world.project, now=timezone.now())
    assert not instant.is_due(world.project)


def test_what_was_rolled_back_stays_so_until_more_was_said(world):
    for end in (10, 20):
        world.settle(*range(end - 10, end))
        instant.refit(world.project, now=timezone.now())
    deployments.roll_back(world.project, actor=None, now=timezone.now())
    assert not instant.is_due(world.project)
    world.settle(*range(20, 30))
    assert instant.is_due(world.project)


def test_gold_of_a_retired_label_makes_no_refit_due(world):
    world.settle(*range(60))
    Label.objects.filter(pk=world.labels[2].pk).update(retired_at=NOW)
    TaxonomyVersionFactory(project=world.project, number=2)
    version = instant.refit(world.project, now=timezone.now())

    assert version.gold_count == curation.count_gold(world.project) == 40
    assert not instant.is_due(world.project)


def test_decisions_taken_back_and_made_anew_are_learnt_too(world, reviewer):
    instant.choose_next(world.project, now=NOW)
    world.review(reviewer, 10)
    instant.refit(world.project, now=timezone.now())
    for annotation in Annotation.objects.order_by("-pk"):
        task = annotations.undo(annotation, reviewer=reviewer, now=timezone.now())
        annotations.annotate(
            task, reviewer=reviewer, labels=[], key=uuid.uuid4(), now=timezone.now()
        )
    assert instant.learnt(world.project) == 10
    assert instant.is_due(world.project)
    instant.refit(world.project, now=timezone.now())
    assert not instant.is_due(world.project)


def test_a_champion_made_to_follow_the_taxonomy_is_taught_anew(world):
    world.settle(*range(10))
    instant.refit(world.project, now=timezone.now())
    TaxonomyVersionFactory(project=world.project, number=2)
    rebuild.champion_bundle(world.project, now=timezone.now())
    assert registry.champion_version(world.project).origin == "taxonomy"
    assert instant.is_due(world.project)


def test_reviews_at_the_desk_start_the_loop(world, reviewer, django_capture_on_commit_callbacks):
    instant.choose_next(world.project, now=NOW)
    with django_capture_on_commit_callbacks(execute=True):
        world.review(reviewer, 10)
    assert ModelVersion.objects.get().gold_count == 10


def test_first_review_of_a_project_has_a_batch_chosen(
    world, reviewer, django_capture_on_commit_callbacks
):
    queues.prioritise(world.project, [world.documents[0].pk], now=NOW)
    with django_capture_on_commit_callbacks(execute=True):
        world.review(reviewer, 1)
    assert world.project.tasks.open().filter(value__gt=1).count() == 10
    assert not ModelVersion.objects.exists()


def test_batch_that_is_not_used_up_stays(world, reviewer, django_capture_on_commit_callbacks):
    chosen = instant.choose_next(world.project, now=NOW)
    with django_capture_on_commit_callbacks(execute=True):
        world.review(reviewer, 1)
    left = world.project.tasks.open().filter(value__gt=1).most_valuable_first()
    assert list(left.values_list("document", flat=True)) == chosen[1:]


def test_refit_at_work_is_not_started_twice(world):
    world.settle(*range(10))
    cache.add(f"refit-{world.project.pk}", 1, 60)
    tasks.refit(world.project.pk)
    assert not ModelVersion.objects.exists()
    cache.delete(f"refit-{world.project.pk}")


def test_refit_that_died_leaves_nothing_that_stops_the_next(world, monkeypatch):
    world.settle(*range(10))
    with monkeypatch.context() as patch:
        patch.setattr(instant, "teach", None)  # the worker breaks while it learns
        with pytest.raises(TypeError):
            tasks.refit(world.project.pk)
    tasks.refit(world.project.pk)
    assert ModelVersion.objects.get().gold_count == 10


def test_refit_of_a_project_that_is_gone_does_nothing():
    tasks.refit(404)
    assert not ModelVersion.objects.exists()


def test_gold_is_announced_to_the_loop(world):
    world.settle(*range(10))
    events.gold_changed.send(sender=None, project_id=world.project.pk)
    assert ModelVersion.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_refits_at_once_are_one(settings):
    if connection.vendor == "sqlite" and connection.is_in_memory_db():
        pytest.skip("threads share an in-memory database's only connection")
    world = World(settings)
    world.settle(*range(30))
    failures = []

    def work():
        try:
            instant.refit(world.project, now=timezone.now())
        except BaseException as error:  # noqa: BLE001 - told to the test
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert ModelVersion.objects.count() == 1
    assert world.project.deployments.live().count() == 1
    assert ReviewTask.objects.open().filter(value__gt=1).count() == 10


def test_planted_wrong_gold_is_brought_to_people_with_the_likelier_label(settings, reviewer):
    world = World(settings, documents=200)
    planted = [7, 40, 91]
    world.settle(*(place for place in range(150) if place not in planted))
    for place in planted:
        world.settle(place, label=world.labels[(world.which[place] + 1) % 3])
    instant.refit(world.project, now=NOW)

    asked = [task for task in world.project.tasks.open() if task.is_check]
    assert len(asked) >= 2
    assert {task.document for task in asked} <= {world.documents[place] for place in planted}
    for task in asked:
        likelier = Label.objects.get(pk=task.opinion[0][0])
        assert likelier == world.right_label(task.document)


def test_gold_that_was_checked_is_learnt_and_not_doubted_again(settings, reviewer):
    world = World(settings, documents=200)
    world.settle(*(place for place in range(150) if place != 7))
    world.settle(7, label=world.labels[(world.which[7] + 1) % 3])
    instant.refit(world.project, now=NOW)
    queue = world.project.queues.get(reason="check")
    task = queues.lease_next(world.project, reviewer, now=NOW, queue=queue)
    annotations.annotate(
        task,
        reviewer=reviewer,
        labels=[world.right_label(task.document)],
        key=uuid.uuid4(),
        now=NOW,
    )
    instant.refit(world.project, now=NOW)

    assert task.document.gold.get().label == world.right_label(task.document)
    assert not any(task.is_check for task in world.project.tasks.open())


def test_right_gold_is_not_doubted(world):
    world.settle(*range(80))
    instant.refit(world.project, now=NOW)
    assert not any(task.is_check for task in world.project.tasks.open())
