import pytest
from django.utils import timezone

from tests.factories import (
    DocumentFactory,
    GoldLabelFactory,
    LabelFactory,
    ProjectFactory,
    TrainingRunFactory,
)
from training import recipes, schedule, tasks
from training.models import TrainingRun
from training.trainers.recipes import Recipe

pytestmark = pytest.mark.django_db

Status = TrainingRun.Status


@pytest.fixture
def failing(project):
    """A run that ends at once: its project has no gold and no taxonomy."""
    return TrainingRunFactory(project=project, heartbeat_at=timezone.now())


def test_without_workers_the_run_is_carried_out_here(failing, monkeypatch):
    monkeypatch.setattr("training.progress.BEAT", 3600)
    tasks.train(failing.pk)

    failing.refresh_from_db()
    assert failing.status == Status.FAILED
    assert failing.error == "The project has no published taxonomy."


@pytest.mark.parametrize("status", [Status.DONE, Status.CANCELLED, Status.RUNNING])
def test_a_second_delivery_finds_nothing_to_do(project, status):
    run = TrainingRunFactory(project=project, status=status, heartbeat_at=timezone.now())
    tasks.train(run.pk)

    run.refresh_from_db()
    assert (run.status, run.attempts) == (status, 0)


@pytest.fixture
def sent(monkeypatch):
    """Ids of runs that were handed to a worker."""
    ids = []
    monkeypatch.setattr(tasks.train, "delay", ids.append)
    return ids


def with_gold(project, documents):
    label = LabelFactory(project=project)
    for _ in range(documents):
        GoldLabelFactory(project=project, document=DocumentFactory(project=project), label=label)


def wait_for(project, documents):
    recipe = Recipe(stages=("silver",))
    recipes.save(project, recipe, train_after=documents, actor=None, now=timezone.now())


def test_a_run_starts_by_itself_after_as_much_gold_as_the_recipe_waits_for(project, sent):
    with_gold(project, 25)
    wait_for(project, 25)
    tasks.train_when_due()
    tasks.train_when_due()  # the first one waits already

    run = project.runs.get()
    assert sent == [run.pk]
    assert run.requested_by is None
    assert run.parameters["stages"] == ["silver"]


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED, Status.DONE])
def test_a_run_that_is_over_is_not_started_again_before_people_said_more(project, sent, status):
    with_gold(project, 25)
    wait_for(project, 25)
    tasks.train_when_due()
    project.runs.update(status=status)
    tasks.train_when_due()
    assert project.runs.count() == 1

    with_gold(project, 25)
    tasks.train_when_due()
    assert project.runs.count() == 2


def test_gold_of_retired_labels_starts_nothing(project, sent):
    with_gold(project, 25)
    project.labels.update(retired_at=timezone.now())
    wait_for(project, 20)
    tasks.train_when_due()
    assert sent == []


@pytest.mark.parametrize(("gold", "after"), [(24, 25), (25, 0), (10, 5)])
def test_no_run_starts_before_that_or_with_too_little_gold(project, sent, gold, after):
    with_gold(project, gold)
    wait_for(project, after)
    tasks.train_when_due()
    assert sent == []
    assert not project.runs.exists()


def test_a_recipe_that_cannot_be_read_holds_up_no_other_project(project, sent):
    other = ProjectFactory(slug="other", name="Other")
    for each in (project, other):
        with_gold(each, 25)
        wait_for(each, 25)
    project.recipes.update(values={"version": 0})
    tasks.train_when_due()
    assert sent == [other.runs.get().pk]


def test_a_silent_run_is_sent_again(failing, monkeypatch):
    monkeypatch.setattr("training.progress.BEAT", 3600)
    TrainingRun.objects.update(
        status=Status.RUNNING, heartbeat_at=timezone.now() - 2 * schedule.SILENCE, attempts=1
    )
    tasks.resume_stale_runs()

    failing.refresh_from_db()
    assert failing.attempts == 2
    assert failing.status == Status.FAILED  # it ran: this one has nothing to learn from
