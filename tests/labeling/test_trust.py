"""How far a person's word is trusted: by what overlap and known gold say of them."""

import pytest

from labeling import trust
from labeling.models import Annotation, ReviewQueue, ReviewTask
from labeling.reliability import Reliability
from tests.factories import (
    AnnotationFactory,
    DocumentFactory,
    GoldLabelFactory,
    ReviewQueueFactory,
    ReviewTaskFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def judged(labels):
    """Let a person judge documents whose answer is known, right or wrong."""

    def judged(person, right, wrong, label=0):
        for n in range(right + wrong):
            document = GoldLabelFactory(label=labels[label]).document
            task = ReviewTaskFactory(document=document, is_known=True, status=Status.DONE)
            said = AnnotationFactory(task=task, reviewer=person)
            said.labels.set([labels[label if n < right else 3]])

    return judged


@pytest.fixture
def gold(labels):
    """Make a document gold by the word of one person."""

    def gold(person, **fields):
        task = ReviewTaskFactory(document=DocumentFactory(), **fields)
        said = AnnotationFactory(task=task, reviewer=person)
        return GoldLabelFactory(document=task.document, label=labels[0], annotation=said).document

    return gold


Status = ReviewTask.Status


def test_whoever_is_less_often_right_counts_by_their_odds():
    """Of 0.9 the odds are 9, of 0.75 they are 3, and of 0.5 one to one."""
    assert trust.beside(0.9, Reliability(1, 0.9, 10)) == pytest.approx(1)
    assert trust.beside(0.9, Reliability(1, 0.75, 10**6)) == pytest.approx(3 / 9, abs=1e-3)
    assert trust.beside(0.9, Reliability(1, 0.5, 10**6)) == pytest.approx(1 / 9, abs=1e-3)
    assert trust.beside(0.9, Reliability(1, 0.1, 10**6)) == trust.LEAST


def test_few_judgements_tell_less():
    """Of 0.5 in 20 judgements and 0.9 in another 20 there are 0.7: odds of 7 to 3."""
    assert trust.beside(0.9, Reliability(1, 0.5, 20)) == pytest.approx(7 / 3 / 9)


def test_the_gold_of_each_is_weighed(project, judged, gold, reviewer, other_reviewer):
    judged(reviewer, right=100, wrong=0)
    judged(other_reviewer, right=50, wrong=50)
    mine, theirs = gold(reviewer), gold(other_reviewer)
    weights = trust.of_gold(project)

    assert weights[mine.pk] == 1
    assert weights[theirs.pk] == trust.LEAST


def test_a_person_nobody_knows_counts_as_others_do(project, judged, gold, reviewer, other_reviewer):
    judged(reviewer, right=100, wrong=0)
    judged(other_reviewer, right=50, wrong=50)
    unknown = gold(UserFactory())

    assert trust.of_gold(project) == {unknown.pk: pytest.approx((1 + trust.LEAST) / 2)}


def test_without_anything_known_all_gold_counts_alike(project, gold, reviewer):
    gold(reviewer)

    assert trust.of_gold(project) == {}


def test_gold_that_more_than_one_person_stands_for_counts_whole(
    project, judged, gold, labels, reviewer, other_reviewer, owner
):
    judged(reviewer, right=100, wrong=0)
    judged(other_reviewer, right=10, wrong=90)
    agreed = gold(other_reviewer, wanted=2)
    ruled = gold(other_reviewer)
    Annotation.objects.filter(task__document=ruled).update(kind=Annotation.Kind.RULING)
    confirmed = gold(other_reviewer)
    queue = ReviewQueueFactory(project=project, reason=ReviewQueue.Reason.CHECK)
    check = ReviewTaskFactory(document=confirmed, queue=queue, prediction=None, status=Status.DONE)
    AnnotationFactory(task=check, reviewer=owner)
    imported = GoldLabelFactory(label=labels[0]).document
    weights = trust.of_gold(project)

    assert not weights.keys() & {each.pk for each in (agreed, ruled, confirmed, imported)}


def test_confirming_ones_own_gold_adds_nothing(
    project, judged, gold, labels, reviewer, other_reviewer
):
    judged(reviewer, right=100, wrong=0)
    judged(other_reviewer, right=10, wrong=90)
    theirs = gold(other_reviewer)
    queue = ReviewQueueFactory(project=project, reason=ReviewQueue.Reason.CHECK)
    check = ReviewTaskFactory(document=theirs, queue=queue, prediction=None, status=Status.DONE)
    AnnotationFactory(task=check, reviewer=other_reviewer)

    assert trust.of_gold(project)[theirs.pk] == trust.LEAST


def test_overlap_counts_beside_known_gold(project, judged, labels, reviewer, other_reviewer, owner):
    judged(reviewer, right=40, wrong=0)
    for _ in range(40):
        task = ReviewTaskFactory(document=DocumentFactory(), wanted=2, status=Status.DONE)
        for person, label in ((reviewer, 0), (other_reviewer, 1)):
            AnnotationFactory(task=task, reviewer=person).labels.set([labels[label]])
    worst, best = trust.measured(project)

    assert (worst.person, best.person) == (other_reviewer.pk, reviewer.pk)
    assert (worst.judgements, best.judgements) == (40, 80)
    assert worst.accuracy < 0.4
    assert best.accuracy > 0.85
