"""A close call is offered first to who is most often right on its two labels."""

import pytest
from django.utils import timezone

from labeling import queue_filling, queues
from labeling.models import Prediction, Project, ReviewQueue, ReviewTask
from labeling.reliability import Reliability
from labeling.routing import LEAD, Router
from tests.factories import (
    AnnotationFactory,
    DocumentFactory,
    GoldLabelFactory,
    PredictionFactory,
    ReviewTaskFactory,
)

pytestmark = pytest.mark.django_db


def person(number, accuracy, on=None):
    return Reliability(number, accuracy, 100, {frozenset({k}): v for k, v in (on or {}).items()})


def test_who_is_best_on_the_two_labels_is_chosen_whoever_is_best_in_all():
    router = Router([person(1, 0.95), person(2, 0.8, {10: 0.99, 11: 0.97}), person(3, 0.8)])

    assert router.best_on([10, 11]) == 2
    assert router.best_on([12, 13]) == 1


def test_a_lead_that_may_be_chance_chooses_nobody():
    assert Router([person(1, 0.9), person(2, 0.9 - LEAD / 2)]).best_on([10, 11]) is None


def test_nobody_is_best_of_none_and_none_of_one():
    assert Router([person(1, 0.9)]).best_on([10, 11]) is None
    assert Router([person(1, 0.9), person(2, 0.2)]).best_on([]) is None


@pytest.fixture
def measured(labels, reviewer, other_reviewer):
    """Let one person know the first label, and the other one the third."""
    for who, knows in ((reviewer, 0), (other_reviewer, 2)):
        for n in range(120):
            right = labels[0 if n % 2 else 2]
            document = GoldLabelFactory(label=right).document
            task = ReviewTaskFactory(document=document, is_known=True, status="done")
            said = right if right == labels[knows] else labels[3]
            AnnotationFactory(task=task, reviewer=who).labels.set([said])


@pytest.fixture
def chosen(project, labels):
    """Choose close calls between labels as the batch to decide next."""

    def chosen(*pairs, **fields):
        documents = []
        for first, second in pairs:
            shares = [[labels[first].pk, 1, 1, 0.4], [labels[second].pk, 1, 1, 0.3]]
            prediction = PredictionFactory(
                document=DocumentFactory(),
                first=labels[first],
                second=labels[second],
                candidates=shares,
                **fields,
            )
            documents.append(prediction.document_id)
        now = timezone.now()
        queue_filling.prioritise(Project.objects.get(pk=project.pk), documents, now=now)
        tasks = ReviewTask.objects.open().filter(document__in=documents)
        return sorted(tasks, key=lambda task: documents.index(task.document_id))

    Project.objects.filter(pk=project.pk).update(routes_close_calls=True)
    return chosen


def test_each_close_call_of_the_batch_is_kept_for_who_knows_it(
    measured, chosen, reviewer, other_reviewer
):
    tasks = chosen((0, 1), (2, 1), (0, 2))

    assert [task.kept_for for task in tasks] == [reviewer, other_reviewer, None]


def test_it_is_off_by_default(measured, chosen, project):
    Project.objects.filter(pk=project.pk).update(routes_close_calls=False)

    assert [task.kept_for for task in chosen((0, 1))] == [None]


def test_what_is_no_close_call_is_kept_for_nobody(measured, chosen):
    (task,) = chosen((0, 1), bucket=Prediction.Bucket.NONE_FITS)

    assert task.kept_for is None


def test_documents_with_several_labels_are_kept_for_nobody(measured, chosen, project):
    Project.objects.filter(pk=project.pk).update(kind=Project.Kind.MULTI)

    assert [task.kept_for for task in chosen((0, 1))] == [None]


def test_neither_people_who_left_nor_those_of_other_queues_are_waited_for(
    measured, chosen, project, reviewer, other_reviewer, owner
):
    project.queues.get_or_create(reason=ReviewQueue.Reason.AMBIGUOUS)[0].people.set([reviewer])
    assert chosen((2, 1))[0].kept_for is None

    project.queues.get(reason=ReviewQueue.Reason.AMBIGUOUS).people.clear()
    reviewer.memberships.all().delete()
    assert chosen((0, 1))[0].kept_for is None


def test_known_documents_are_kept_like_all_others(measured, chosen, project, labels, reviewer):
    document = DocumentFactory(gold_at=timezone.now())
    GoldLabelFactory(document=document, label=labels[0])
    shares = [[labels[0].pk, 1, 1, 0.4], [labels[1].pk, 1, 1, 0.3]]
    PredictionFactory(document=document, first=labels[0], second=labels[1], candidates=shares)
    Project.objects.filter(pk=project.pk).update(known_share=0.5)
    chosen((2, 1), (2, 1))

    assert project.tasks.open().get(is_known=True).kept_for == reviewer


def test_a_task_predicted_otherwise_is_kept_no_more(measured, chosen, labels):
    (task,) = chosen((0, 1))
    Prediction.objects.filter(pk=task.prediction_id).update(is_current=False)
    anew = PredictionFactory(document=task.document, first=labels[2], bundle="b" * 64)
    queues.enqueue([anew], now=timezone.now())

    task.refresh_from_db()
    assert (task.prediction, task.kept_for) == (anew, None)


def test_what_is_chosen_no_more_is_kept_no_more(measured, chosen):
    (before,) = chosen((0, 1))
    chosen((2, 1))

    before.refresh_from_db()
    assert before.kept_for is None


def test_everybody_gets_their_own_first_then_anybodys_then_that_of_others(
    measured, chosen, project, reviewer, other_reviewer
):
    mine, theirs, anybodys = chosen((0, 1), (2, 1), (3, 1))
    now = timezone.now()

    got = queues.lease_several(project, other_reviewer, 2, now=now)
    assert got == [theirs, anybodys]
    assert queues.lease_next(project, reviewer, now=now) == mine


def test_nobody_waits_for_somebody_else(measured, chosen, project, other_reviewer):
    tasks = chosen((0, 1), (0, 3))
    got = queues.lease_several(project, other_reviewer, 2, now=timezone.now())

    assert got == tasks
