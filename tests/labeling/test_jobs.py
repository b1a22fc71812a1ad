from datetime import UTC, datetime, timedelta

import pytest
from celery import signals
from django.core.cache import cache
from django.db import OperationalError
from django.utils import timezone

from labeling import events, jobs, tasks
from labeling.models import AuditEntry, Job
from tests.factories import JobFactory

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_worker():
    cache.delete(jobs.HEARTBEAT)


@pytest.fixture
def sent():
    """Ids of the jobs handed to workers; none is run."""
    handed = []

    def hear(job_id, **_):
        handed.append(job_id)

    receivers, events.job_started.receivers = events.job_started.receivers, []
    events.job_started.connect(hear)
    yield handed
    events.job_started.receivers = receivers
    events.job_started.sender_receivers_cache.clear()


def work(job, progress):
    progress(3, 10)
    return {"added": 3}


def test_a_started_job_is_handed_to_a_worker_on_commit(
    project, owner, sent, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        job = jobs.start(
            Job.Kind.PREDICT, project, actor=owner, arguments={"bundle": "a"}, now=NOON
        )

    assert sent == [job.pk]
    assert (job.status, job.arguments) == (Job.Status.WAITING, {"bundle": "a"})
    assert AuditEntry.objects.get().actor == owner


def test_a_job_runs_once_and_keeps_its_report(project):
    job = JobFactory(project=project)

    done = jobs.run(job.pk, work)

    assert (done.status, done.report, done.total) == (Job.Status.DONE, {"added": 3}, 10)
    assert done.finished_at is not None
    assert jobs.run(job.pk, work) is None


def test_a_finished_job_has_done_all_of_it(project):
    done = jobs.run(JobFactory(project=project).pk, work)

    assert (done.done, done.share_done) == (10, 1.0)


def test_the_work_of_a_kind_is_found_by_its_registered_path(project, monkeypatch):
    monkeypatch.setattr(jobs, "_work", {})  # what is registered here is not for other tests
    jobs.register(Job.Kind.PREDICT, f"{__name__}.work")
    job = JobFactory(project=project, kind=Job.Kind.PREDICT)

    tasks.run_job(job.pk)

    job.refresh_from_db()
    assert job.status == Job.Status.DONE


def test_a_refused_job_says_why(project):
    def refuse(job, progress):
        raise jobs.JobRefused("Not like this.", problems=[[1, "id", "wrong", "mend it"]])

    job = jobs.run(JobFactory(project=project).pk, refuse)

    assert job.status == Job.Status.FAILED
    assert job.report == {
        "error": "Not like this.",
        "problems": [[1, "id", "wrong", "mend it"]],
    }


def test_a_failed_job_says_what_happened(project, caplog):
    def fail(job, progress):
        raise KeyError("colour")

    job = jobs.run(JobFactory(project=project).pk, fail)

    assert job.report == {"error": "KeyError: 'colour'"}
    assert "failed" in caplog.text


def test_progress_is_stored_while_the_job_runs(project):
    job = JobFactory(project=project)

    def look(running, progress):
        progress(3, 10)
        progress(4, 10)  # within the same second: not worth a write
        stored = Job.objects.get(pk=job.pk)
        return {"seen": [stored.status, stored.done, stored.total]}

    assert jobs.run(job.pk, look).report["seen"] == ["running", 3, 10]


def test_a_silent_job_is_handed_to_another_worker(
    project, sent, django_capture_on_commit_callbacks
):
    silent = JobFactory(project=project, status=Job.Status.RUNNING, heartbeat_at=NOON)
    JobFactory(project=project, status=Job.Status.DONE, heartbeat_at=NOON)
    alive = NOON + jobs.SILENCE
    JobFactory(project=project, status=Job.Status.RUNNING, heartbeat_at=alive)

    with django_capture_on_commit_callbacks(execute=True):
        resumed = jobs.resume_stale(NOON + jobs.SILENCE + timedelta(seconds=1))

    silent.refresh_from_db()
    assert resumed == sent == [silent.pk]
    assert silent.status == Job.Status.WAITING


def test_a_waiting_job_whose_message_was_lost_is_sent_again(project, sent):
    lost = JobFactory(project=project, heartbeat_at=NOON)

    assert jobs.resume_stale(NOON + timedelta(hours=1)) == [lost.pk]


def test_a_job_that_killed_three_workers_is_given_up(project, sent):
    killer = JobFactory(
        project=project, status=Job.Status.RUNNING, heartbeat_at=NOON, attempts=jobs.ATTEMPTS
    )

    assert jobs.resume_stale(NOON + timedelta(hours=1)) == []
    killer.refresh_from_db()
    assert killer.status == Job.Status.FAILED
    assert "died 3 times" in killer.report["error"]


def test_a_worker_whose_job_was_taken_over_stops_and_writes_nothing(project):
    job = JobFactory(project=project)

    def overtaken(running, progress):
        jobs.resume_stale(timezone.now() + timedelta(hours=1))
        jobs.run(job.pk, work)  # the other worker
        progress(5, 10)
        raise AssertionError("never reached")

    assert jobs.run(job.pk, overtaken) is None
    job.refresh_from_db()
    assert (job.status, job.report) == (Job.Status.DONE, {"added": 3})


def test_a_worker_that_ends_after_it_was_overtaken_leaves_the_others_report(project):
    job = JobFactory(project=project)

    def slow(running, progress):
        jobs.resume_stale(timezone.now() + timedelta(hours=1))
        jobs.run(job.pk, work)
        return {"added": 99}

    assert jobs.run(job.pk, slow) is None
    job.refresh_from_db()
    assert job.report == {"added": 3}


def test_the_schedule_resumes_silent_jobs(project, sent):
    JobFactory(project=project, heartbeat_at=timezone.now() - timedelta(hours=1))
    tasks.resume_stale_jobs()

    assert Job.objects.get().heartbeat_at > timezone.now() - timedelta(minutes=1)


@pytest.mark.parametrize("signal", [signals.worker_ready, signals.heartbeat_sent])
def test_a_worker_is_alive_while_its_heartbeat_lasts(signal):
    assert not jobs.worker_alive()

    signal.send(sender=None)

    assert jobs.worker_alive()


def test_without_a_broker_a_started_job_waits(
    project, settings, caplog, monkeypatch, django_capture_on_commit_callbacks
):
    from kombu.exceptions import OperationalError

    def unreachable(*args, **kwargs):
        raise OperationalError("no such socket")

    monkeypatch.setattr(tasks.run_job, "delay", unreachable)
    with django_capture_on_commit_callbacks(execute=True):
        job = jobs.start(Job.Kind.PREDICT, project, actor=None, arguments={}, now=NOON)

    job.refresh_from_db()
    assert job.status == Job.Status.WAITING
    assert "no message broker" in caplog.text


def test_a_job_the_database_refused_is_tried_again_and_given_up_in_the_end(project, sent):
    def deadlocked(job, progress):
        raise OperationalError("deadlock detected")

    job = JobFactory(project=project)
    for _ in range(jobs.ATTEMPTS - 1):
        assert jobs.run(job.pk, deadlocked).status == Job.Status.WAITING
    last = jobs.run(job.pk, deadlocked)

    assert last.status == Job.Status.FAILED
    assert "deadlock detected" in last.report["error"]
