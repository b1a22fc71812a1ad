"""Celery tasks: thin doors. A training run is one fresh subprocess, watched from here."""

import ctypes
import logging
import os
import signal
import subprocess
import sys
from typing import Any

from celery import shared_task
from celery.signals import worker_ready
from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError
from django.utils import timezone

from labeling.models import Project
from training import outlook, recipes, retention, schedule
from training.at_work import marked
from training.models import TrainingRun
from training.trainers.recipes import BadRecipe

logger = logging.getLogger(__name__)

PR_SET_PDEATHSIG = 1  # linux/prctl.h
REFIT_SECONDS = 60  # a refit that is silent this long has died
REFITS_IN_A_ROW = 3  # then the worker turns to other jobs; the next review asks again


@shared_task
def train(run_id: int) -> None:
    """Run training in a process of its own and wait for it. Safe to deliver twice.

    The process claims the run itself, so a second delivery finds nothing to do. It dies with this
    worker: then its heartbeat falls silent, and `resume_stale_runs` gives the run to another
    worker, which goes on from the last checkpoint.
    """
    now = timezone.now()
    if not TrainingRun.objects.filter(schedule.claimable(now), pk=run_id).exists():
        return
    if settings.CELERY_TASK_ALWAYS_EAGER:  # there is no worker: this process is all there is
        call_command("train", run=run_id)
        return
    process = subprocess.Popen(
        [sys.executable, str(settings.BASE_DIR / "manage.py"), "train", "--run", str(run_id)],
        preexec_fn=_die_with_parent,
    )
    parent = os.getppid()
    while process.poll() is None:
        try:
            process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            if os.getppid() != parent:  # the worker's main process was killed
                process.kill()
    if process.returncode:
        schedule.note_failed_start(run_id)


@shared_task
def offer_newcomers(project_id: int, former: str) -> None:
    """Offer documents that are likely of labels that *former* did not know. Safe to run twice."""
    from training import newcomers  # loads models: workers only

    project = Project.objects.filter(pk=project_id).first()
    if project is not None:
        newcomers.offer(project, former, now=timezone.now())


@shared_task(autoretry_for=(OperationalError,), retry_backoff=True, max_retries=5)
def refit(project_id: int) -> None:
    """Learn where enough gold came, or choose a batch where the last is used up. Safe to run twice.

    A burst of reviews sends many of these: the first works and looks again when it is done, the
    others find it at work. Should it die, the next review finds the mark gone after a minute.
    """
    from training import instant  # loads models: workers only

    project = Project.objects.filter(pk=project_id).first()
    if project is None:
        return
    for _ in range(REFITS_IN_A_ROW):
        work = instant.next_work(project)
        if work is None:
            return
        with marked(f"refit-{project_id}", REFIT_SECONDS) as alone:
            if not alone:
                return
            work(project, now=timezone.now())


@shared_task
def train_when_due() -> None:
    """Start a run in each project that has as much new gold as its recipe waits for."""
    for project in Project.objects.filter(recipes__train_after__gt=0).distinct():
        if not outlook.is_due(project):
            continue
        try:
            parameters = recipes.recipe_of(project).as_json()
            run = schedule.request(project, actor=None, now=timezone.now(), parameters=parameters)
        except (schedule.AlreadyTraining, BadRecipe) as error:
            logger.warning("%s is due for training, but: %s", project, error)
        else:
            train.delay(run.pk)


@shared_task
def remove_superseded() -> None:
    """Remove the files of models that nobody can need any more; one worker at a time."""
    with marked("remove-superseded", REFIT_SECONDS) as alone:
        if alone:
            retention.sweep(timezone.now())


@shared_task
def resume_stale_runs() -> None:
    """Bring back runs whose process died, and clear away what those that are over left."""
    for run_id in schedule.resume_stale(timezone.now()):
        train.delay(run_id)
    schedule.sweep()


@worker_ready.connect
def _resume_at_start(**_: Any) -> None:
    resume_stale_runs.delay()


def _die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies, however that happens (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
