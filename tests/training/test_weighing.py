"""Gold of who is often wrong teaches less, where the project wants that."""

import numpy as np
import pytest

from inference import serving
from labeling import trust
from labeling.models import Annotation, GoldLabel, Project
from tests.factories import AnnotationFactory, ReviewTaskFactory, UserFactory
from tests.training.world import NOW, World, champion
from training import curation, instant, runs

pytestmark = pytest.mark.django_db


def known(project, person, *, right, wrong):
    """Let *person* judge a document whose answer is known, so often right and so often wrong."""
    gold = project.gold.order_by("pk").first()
    other = project.labels.exclude(pk=gold.label_id).first()
    for n in range(right + wrong):
        task = ReviewTaskFactory(
            document=gold.document, prediction=None, is_known=True, status="done"
        )
        said = AnnotationFactory(task=task, reviewer=person)
        said.labels.set([gold.label if n < right else other])


def say(person, gold):
    """Let this gold rest on the word of *person*."""
    for each in gold:
        task = ReviewTaskFactory(document=each.document, status="done", prediction=None)
        said = AnnotationFactory(task=task, reviewer=person)
        GoldLabel.objects.filter(pk=each.pk).update(annotation=said)


def weigh(project):
    Project.objects.filter(pk=project.pk).update(weighs_people=True)
    project.refresh_from_db()


@pytest.fixture
def doubtful():
    """Return the project, and whose gold is half as good, of two who gave a half each."""

    def doubtful(project):
        careful, careless = UserFactory(), UserFactory()
        gold = list(project.gold.select_related("document").order_by("document"))
        say(careful, gold[::2])
        say(careless, gold[1::2])
        known(project, careful, right=60, wrong=0)
        known(project, careless, right=30, wrong=30)
        theirs = Annotation.objects.filter(reviewer=careless, gold__isnull=False)
        return set(theirs.values_list("task__document", flat=True))

    return doubtful


def test_the_instant_loop_weighs_gold_by_who_gave_it(settings, doubtful):
    world = World(settings)
    world.settle(*range(12))
    theirs = doubtful(world.project)
    bundle = serving.load(champion(world.project))
    _, alike = instant.lesson_of(world.project, bundle, curation.gold_of(world.project))
    weigh(world.project)
    ids, lesson = instant.lesson_of(world.project, bundle, curation.gold_of(world.project))

    assert alike.trust is None
    low = np.array([pk in theirs for pk in ids.tolist()])
    assert lesson.trust[low] == pytest.approx(trust.LEAST, abs=0.05)
    assert (lesson.trust[~low] == 1).all()
    assert instant.refit(world.project, now=NOW).gold_count == len(ids)


def test_a_run_weighs_it_as_it_was_when_it_was_frozen(small, doubtful):
    alike = runs.gather(small, seed=0)
    theirs = doubtful(small)
    weigh(small)
    material = runs.gather(small, seed=0)
    weights = dict(zip(material.examples.ids.tolist(), material.examples.weights, strict=True))

    assert (alike.examples.weights == 1).all()
    assert {bool(weights[pk] < 0.2) for pk in theirs} == {True}
    assert {weight for pk, weight in weights.items() if pk not in theirs} == {1.0}
    Annotation.objects.filter(task__is_known=True).update(undone_at=NOW)
    again = runs.gather(small, seed=0, frozen=material.snapshot)
    assert (again.examples.weights == material.examples.weights).all()
