import pytest
from django.utils import timezone

from tests.factories import TrainingRunFactory
from training import schedule, tasks
from training.models import TrainingRun

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


def test_a_silent_run_is_sent_again(failing, monkeypatch):
    monkeypatch.setattr("training.progress.BEAT", 3600)
    TrainingRun.objects.update(
        status=Status.RUNNING, heartbeat_at=timezone.now() - 2 * schedule.SILENCE, attempts=1
    )
    tasks.resume_stale_runs()

    failing.refresh_from_db()
    assert failing.attempts == 2
    assert failing.status == Status.FAILED  # it ran: this one has nothing to learn from
