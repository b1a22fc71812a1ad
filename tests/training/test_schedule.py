from datetime import timedelta

import pytest
from django.utils import timezone

from labeling.models import AuditEntry
from tests.factories import ProjectFactory, TrainingRunFactory
from training import schedule
from training.models import TrainingRun
from training.progress import Cancelled, HoldLost, Progress

pytestmark = pytest.mark.django_db

Status = TrainingRun.Status
NOW = timezone.now()
SILENT = NOW - schedule.SILENCE - timedelta(seconds=1)


@pytest.fixture
def waiting(project):
    return TrainingRunFactory(project=project, heartbeat_at=NOW)


@pytest.fixture
def running(project):
    return TrainingRunFactory(
        project=project, status=Status.RUNNING, heartbeat_at=NOW, process="here:1", attempts=1
    )


def test_asking_is_written_down(project, admin):
    run = schedule.request(project, actor=admin, now=NOW, parameters={"epochs": 1}, seed=3)

    assert (run.status, run.parameters["epochs"], run.seed) == (Status.WAITING, 1, 3)
    assert run.parameters["stages"] == ["fine_tune"]  # as usual
    assert AuditEntry.objects.get(act="asked for training").actor == admin


def test_a_project_trains_once_at_a_time(waiting, admin):
    with pytest.raises(schedule.AlreadyTraining) as refused:
        schedule.request(waiting.project, actor=admin, now=NOW)

    assert refused.value.run == waiting
    assert schedule.request(ProjectFactory(slug="elsewhere"), actor=admin, now=NOW)


def test_of_two_processes_one_holds_the_run(waiting):
    first = schedule.claim(waiting.pk, process="here:1", now=NOW)
    second = schedule.claim(waiting.pk, process="there:2", now=NOW)

    assert first.process == "here:1"
    assert first.started_at == NOW
    assert second is None


def test_a_run_that_is_heard_of_is_not_taken_over(running):
    assert schedule.claim(running.pk, process="there:2", now=NOW) is None


def test_a_silent_run_is_taken_over_and_its_former_holder_stops(running):
    former = Progress(running)
    TrainingRun.objects.update(heartbeat_at=SILENT)
    schedule.claim(running.pk, process="there:2", now=NOW)

    with pytest.raises(HoldLost):
        former.beat()
    assert not schedule.finish(running, Status.DONE, now=NOW)
    assert TrainingRun.objects.get().status == Status.RUNNING


def test_a_silent_run_waits_again(running):
    assert schedule.resume_stale(NOW) == []
    TrainingRun.objects.update(heartbeat_at=SILENT)

    assert schedule.resume_stale(NOW) == [running.pk]
    assert schedule.resume_stale(NOW) == []  # it was sent a moment ago
    assert TrainingRun.objects.get().status == Status.WAITING


def test_a_run_that_kept_dying_fails_in_words(running):
    TrainingRun.objects.update(heartbeat_at=SILENT, attempts=schedule.ATTEMPTS)

    assert schedule.resume_stale(NOW) == []
    run = TrainingRun.objects.get()
    assert run.status == Status.FAILED
    assert "died 3 times" in run.error


def test_a_run_the_broker_lost_is_sent_again(waiting):
    later = NOW + schedule.FORGOTTEN + timedelta(seconds=1)
    assert schedule.resume_stale(NOW) == []
    assert schedule.resume_stale(later) == [waiting.pk]


def test_a_waiting_run_is_cancelled_at_once(waiting, admin):
    assert schedule.cancel(waiting, actor=admin, now=NOW)

    assert TrainingRun.objects.get().status == Status.CANCELLED
    assert schedule.claim(waiting.pk, process="here:1", now=NOW) is None
    assert AuditEntry.objects.get(act="cancelled").actor == admin


def test_a_running_run_hears_of_its_cancellation(running, admin):
    assert schedule.cancel(running, actor=admin, now=NOW)

    with pytest.raises(Cancelled):
        Progress(running).beat()


def test_cancelling_twice_is_cancelling_once(running, admin):
    assert schedule.cancel(running, actor=admin, now=NOW)
    assert not schedule.cancel(running, actor=admin, now=NOW)
    assert AuditEntry.objects.filter(act="cancelled").count() == 1


def test_a_cancelled_run_whose_process_died_is_over(running, admin):
    schedule.cancel(running, actor=admin, now=NOW)
    TrainingRun.objects.update(heartbeat_at=SILENT)

    assert schedule.resume_stale(NOW) == []
    assert TrainingRun.objects.get().status == Status.CANCELLED


def test_a_finished_run_cannot_be_cancelled(project, admin):
    run = TrainingRunFactory(project=project, status=Status.DONE)
    assert not schedule.cancel(run, actor=admin, now=NOW)


def test_a_run_cancelled_while_it_is_brought_back_does_not_wait_for_ever(waiting):
    TrainingRun.objects.update(cancel_requested=True)
    schedule.resume_stale(NOW)

    waiting.refresh_from_db()
    assert waiting.status == Status.CANCELLED


def test_what_runs_that_are_over_left_on_disk_is_swept(running, settings, tmp_path):
    settings.RUN_DIR = tmp_path
    for name in (str(running.pk), str(running.pk + 1)):
        (tmp_path / name / "checkpoints").mkdir(parents=True)
    schedule.sweep()

    assert [path.name for path in tmp_path.iterdir()] == [str(running.pk)]


def test_a_run_whose_process_never_starts_fails_in_the_end(waiting):
    for _ in range(schedule.ATTEMPTS):
        schedule.note_failed_start(waiting.pk)
    schedule.resume_stale(NOW)

    waiting.refresh_from_db()
    assert waiting.status == Status.FAILED
    assert "died 3 times" in waiting.error
