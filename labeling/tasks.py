"""Celery tasks: thin, idempotent doors to labeling.jobs."""

from celery import shared_task
from django.utils import timezone

from labeling import jobs, publishing, uploads


@shared_task
def run_job(job_id: int) -> None:
    """Run one job. Safe to deliver twice."""
    jobs.run(job_id)
    uploads.sweep(timezone.now())


@shared_task
def resume_stale_jobs() -> None:
    """Hand jobs whose worker died to another, and end what a killed web server began."""
    jobs.resume_stale(timezone.now())
    publishing.sweep_missed(timezone.now())
    uploads.sweep(timezone.now())
