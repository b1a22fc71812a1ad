"""Celery tasks: thin, idempotent doors to inference.backlog."""

import os
from datetime import timedelta
from typing import Any

from celery import shared_task, signals
from django.utils import timezone

from inference import backlog, deployments, jobs
from labeling.models import Job, Project

RETRY_AFTER = timedelta(minutes=10)


@signals.worker_process_init.connect
def one_thread_each(**_: Any) -> None:
    """Give each worker process one thread, before torch is first imported in it.

    Two workers of one thread encode more than one worker of two.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


@shared_task
def predict(project_id: int) -> None:
    """Have a project's documents predicted where they lack it. Safe to run twice."""
    project = Project.objects.filter(pk=project_id).first()
    if project is not None:
        jobs.request(project, actor=None, now=timezone.now())


@shared_task
def predict_lacking() -> None:
    """Ask again where documents lack a prediction and nobody is at it: a request was lost.

    Where the last try failed or found nothing it could do, as without the encoder or without
    labels, the next waits RETRY_AFTER.
    """
    now = timezone.now()
    for project in Project.objects.all():
        last = project.jobs.filter(kind=Job.Kind.PREDICT).first()
        ended = last.finished_at if last and not last.report.get("predicted") else None
        if ended and ended > now - RETRY_AFTER:
            continue
        if deployments.champion(project) and backlog.lack(project):
            jobs.request(project, actor=None, now=now)


@shared_task
def gather_evidence(prediction_ids: list[int]) -> None:
    """Gather what speaks for predictions that came to a desk. Safe to run twice."""
    from inference import evidence  # loads models: workers only

    evidence.gather(prediction_ids, now=timezone.now())


@shared_task
def find_by_meaning(project_id: int, address: str) -> None:
    """Look for the documents an address of the documents page asks for. Safe to run twice."""
    from inference import by_meaning  # loads an encoder: workers only

    by_meaning.answer(project_id, address)
