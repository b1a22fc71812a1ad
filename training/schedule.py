"""Ask for training runs, let exactly one process hold each, and bring dead ones back."""

import os
import shutil
import socket
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet

from labeling import audit
from labeling.models import Project
from training.models import TrainingRun
from training.trainers.recipes import Recipe

# Silence after which a run's process counts as dead: six heartbeats of five seconds.
SILENCE = timedelta(seconds=30)
# A run nobody took for so long may have been lost with the broker; asking again is harmless.
FORGOTTEN = timedelta(minutes=2)
ATTEMPTS = 3  # a run whose process died this often is itself the reason

Status = TrainingRun.Status


class AlreadyTraining(Exception):
    """The project has an unfinished run; `run` is it."""

    def __init__(self, run: TrainingRun) -> None:
        super().__init__(f"{run.project} is training already: {run}.")
        self.run = run


def request(
    project: Project,
    *,
    actor: User | None,
    now: datetime,
    parameters: dict[str, Any] | None = None,
    seed: int = 0,
) -> TrainingRun:
    """Write down a run that waits. Hand it to a worker with `tasks.train`, or claim it yourself.

    Args:
        parameters: what `Recipe.read` understands; what is absent is as usual.

    Raises:
        AlreadyTraining: one run at a time.
        BadRecipe: the parameters are no recipe.
    """
    recipe = Recipe.read(parameters or {})
    try:
        with transaction.atomic():
            run = TrainingRun.objects.create(
                project=project,
                requested_by=actor,
                parameters=recipe.as_json(),
                seed=seed,
                created_at=now,
                heartbeat_at=now,
            )
            audit.record(
                "asked for training", actor=actor, now=now, project=project, subject=f"Run {run.pk}"
            )
    except IntegrityError:
        raise AlreadyTraining(project.runs.unfinished().get()) from None
    return run


def this_process() -> str:
    """Return host and pid of this process."""
    return f"{socket.gethostname()}:{os.getpid()}"[:100]


def claimable(now: datetime) -> Q:
    """What a process may take: runs that wait, and running ones that fell silent."""
    silent = Q(status=Status.RUNNING, heartbeat_at__lt=now - SILENCE)
    return (Q(status=Status.WAITING) | silent) & Q(attempts__lt=ATTEMPTS)


def claim(run_id: int, *, process: str, now: datetime) -> TrainingRun | None:
    """Hold a run for *process* by one conditional UPDATE; None when it is not to be had."""
    won = TrainingRun.objects.filter(claimable(now), pk=run_id, cancel_requested=False).update(
        status=Status.RUNNING,
        process=process,
        heartbeat_at=now,
        attempts=F("attempts") + 1,
        error="",
    )
    if not won:
        return None
    TrainingRun.objects.filter(pk=run_id, started_at=None).update(started_at=now)
    return TrainingRun.objects.select_related("project", "requested_by", "snapshot").get(pk=run_id)


def note_failed_start(run_id: int) -> None:
    """Count a process that ended before it took the run; after ATTEMPTS of them the run fails."""
    waiting = TrainingRun.objects.filter(pk=run_id, status=Status.WAITING)
    waiting.update(attempts=F("attempts") + 1)


def cancel(run: TrainingRun, *, actor: User | None, now: datetime) -> bool:
    """Cancel a run: at once while it waits, else when its process next looks, in a second or so.

    Returns False when it is over already or was cancelled before. Nothing that serves changes.
    """
    with transaction.atomic():
        asked = TrainingRun.objects.unfinished().filter(pk=run.pk, cancel_requested=False)
        if not asked.update(cancel_requested=True):
            return False
        TrainingRun.objects.filter(pk=run.pk, status=Status.WAITING).update(
            status=Status.CANCELLED, finished_at=now
        )
        subject = f"Run {run.pk}"
        audit.record("cancelled", actor=actor, now=now, project=run.project, subject=subject)
    return True


def _held(run: TrainingRun) -> QuerySet[TrainingRun]:
    return TrainingRun.objects.filter(pk=run.pk, status=Status.RUNNING, process=run.process)


def is_held(run: TrainingRun) -> bool:
    """Whether this process holds the run."""
    return _held(run).exists()


def finish(
    run: TrainingRun,
    status: str,
    *,
    now: datetime,
    error: str = "",
    unless_cancelled: bool = False,
) -> bool:
    """End a run this process holds; False when it lost the hold and so has no say."""
    ending = _held(run).filter(cancel_requested=False) if unless_cancelled else _held(run)
    return bool(
        ending.update(
            status=status, error=error, finished_at=now, heartbeat_at=now, seconds_left=None
        )
    )


def sweep() -> None:
    """Delete the checkpoints of runs that are over, however they ended."""
    folder = Path(settings.RUN_DIR)
    kept = {path.name: path for path in folder.iterdir()} if folder.is_dir() else {}
    if not kept:
        return
    unfinished = {str(pk) for pk in TrainingRun.objects.unfinished().values_list("pk", flat=True)}
    for name in kept.keys() - unfinished:
        shutil.rmtree(kept[name], ignore_errors=True)


def resume_stale(now: datetime) -> list[int]:
    """Let runs whose process died wait again; return their ids and those of forgotten ones.

    A silent run that was to be cancelled is; one whose process died too often fails.
    """
    silent = TrainingRun.objects.silent_since(now - SILENCE)
    waiting = Q(status=Status.WAITING)
    cancelled = (silent | TrainingRun.objects.filter(waiting)).filter(cancel_requested=True)
    cancelled.update(status=Status.CANCELLED, finished_at=now)
    (silent | TrainingRun.objects.filter(waiting)).filter(attempts__gte=ATTEMPTS).update(
        status=Status.FAILED,
        finished_at=now,
        error=f"Its process died {ATTEMPTS} times; memory may not suffice. See the worker's log.",
    )
    forgotten = waiting & Q(heartbeat_at__lt=now - FORGOTTEN)
    stale = TrainingRun.objects.filter(
        Q(status=Status.RUNNING, heartbeat_at__lt=now - SILENCE) | forgotten, cancel_requested=False
    )
    resumed = []
    for run_id in stale.values_list("pk", flat=True):
        again = stale.filter(pk=run_id).update(status=Status.WAITING, heartbeat_at=now, process="")
        if again:
            resumed.append(run_id)
    return resumed
