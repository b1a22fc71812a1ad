"""Start long work, run it once, and tell how far it is."""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import OperationalError, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.module_loading import import_string
from redis.exceptions import RedisError

from labeling import audit, events
from labeling.models import Job, Project

logger = logging.getLogger(__name__)

HEARTBEAT = "worker-heartbeat"  # cache key; expires settings.WORKER_HEARTBEAT_TTL after the last
# Silence after which a job's worker counts as dead. A batch of documents takes a second, loading
# an encoder twenty on a busy machine.
SILENCE = timedelta(seconds=90)
ATTEMPTS = 3  # a job that killed its worker this often is the reason


class JobLost(Exception):
    """Another worker took the job over; this one stops."""


class JobRefused(ValueError):
    """The job cannot be done as asked; the message is for the person who asked.

    problems: rows of [row, field, message, remedy], where there are any.
    """

    def __init__(self, message: str, *, problems: Sequence[Sequence[Any]] = ()) -> None:
        self.problems = list(problems)
        super().__init__(message)


class Progress:
    """Tells the job how far it is, at most once a second, and so keeps it alive."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._told = 0.0

    def __call__(self, done: int, total: int | None = None) -> None:
        """Store *done* of *total* units of work.

        Raises:
            JobLost: another worker holds the job now.
        """
        if time.monotonic() - self._told < 1:
            return
        self._told = time.monotonic()
        _update(
            self.job,
            done=done,
            total=self.job.total if total is None else total,
            heartbeat_at=timezone.now(),
        )


Work = Callable[[Job, Progress], dict[str, Any]]
_work: dict[str, str] = {}


def register(kind: str, work: str) -> None:
    """Say which function does jobs of *kind*: a dotted path, imported only in a worker."""
    _work[kind] = work


def worker_alive() -> bool:
    """Say whether any worker sent a heartbeat lately; none could, without the broker."""
    try:
        return cache.get(HEARTBEAT) is not None
    except RedisError:
        return False


def start(
    kind: str,
    project: Project,
    *,
    actor: User | None,
    arguments: dict[str, Any],
    now: datetime,
) -> Job:
    """Write down a job and, on commit, hand it to a worker."""
    with transaction.atomic():
        job = Job.objects.create(
            project=project,
            kind=kind,
            requested_by=actor,
            arguments=arguments,
            created_at=now,
            heartbeat_at=now,
        )
        audit.record(
            "started a job", project=project, actor=actor, now=now, subject=job.get_kind_display()
        )
        events.announce(events.job_started, job_id=job.pk)
    return job


def run(job_id: int, work: Work | None = None) -> Job | None:
    """Do the work of a waiting job to its end; None when another worker has it or it is over.

    Args:
        work: what to do; the function registered for the job's kind by default. It returns the
            job's report and may be run again after its worker died.
    """
    job = _claim(job_id, now=timezone.now())
    if job is None:
        return None
    try:
        report = (work or import_string(_work[job.kind]))(job, Progress(job))
    except JobLost:
        return None
    except JobRefused as error:
        return _finish(job, Job.Status.FAILED, {"error": str(error), "problems": error.problems})
    except OperationalError as error:  # a deadlock, a lock not had in time, a lost connection
        logger.warning("Job %s is tried again: %s", job.pk, error)
        return _hand_back(job, error)
    except Exception as error:
        logger.exception("Job %s failed", job.pk)
        return _finish(job, Job.Status.FAILED, {"error": f"{type(error).__name__}: {error}"[:2000]})
    return _finish(job, Job.Status.DONE, report)


def _hand_back(job: Job, error: OperationalError) -> Job | None:
    """Let another try do the job; one that failed too often fails."""
    if job.attempts >= ATTEMPTS:
        return _finish(job, Job.Status.FAILED, {"error": f"The database: {error}"[:2000]})
    with transaction.atomic():
        try:
            _update(job, status=Job.Status.WAITING, heartbeat_at=timezone.now())
        except JobLost:
            return None
        events.announce(events.job_started, job_id=job.pk)
    return job


def resume_stale(now: datetime) -> list[int]:
    """Hand silent jobs to a worker again; return their ids. One that kills workers fails."""
    silent = Job.objects.unfinished().filter(heartbeat_at__lt=now - SILENCE)
    silent.filter(attempts__gte=ATTEMPTS).update(
        status=Job.Status.FAILED,
        finished_at=now,
        report={"error": f"Its worker died {ATTEMPTS} times. Look at the worker's log."},
    )
    resumed = []
    for job_id in silent.values_list("pk", flat=True):
        if silent.filter(pk=job_id).update(status=Job.Status.WAITING, heartbeat_at=now):
            events.announce(events.job_started, job_id=job_id)
            resumed.append(job_id)
    return resumed


def _claim(job_id: int, *, now: datetime) -> Job | None:
    """Take a waiting job by one conditional UPDATE."""
    waiting = Job.objects.filter(pk=job_id, status=Job.Status.WAITING)
    won = waiting.update(
        status=Job.Status.RUNNING, started_at=now, heartbeat_at=now, attempts=F("attempts") + 1
    )
    return Job.objects.select_related("project", "requested_by").get(pk=job_id) if won else None


def _update(job: Job, **values: Any) -> None:
    mine = Q(pk=job.pk, status=Job.Status.RUNNING, attempts=job.attempts)
    if not Job.objects.filter(mine).update(**values):
        raise JobLost(job)
    for name, value in values.items():
        setattr(job, name, value)


def _finish(job: Job, status: str, report: dict[str, Any]) -> Job | None:
    now = timezone.now()
    done = job.total if status == Job.Status.DONE and job.total else job.done
    try:
        _update(job, status=status, report=report, done=done, heartbeat_at=now, finished_at=now)
    except JobLost:
        return None
    return job
