from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import models

from labeling.models.projects import Project


class JobQuerySet(models.QuerySet["Job"]):
    def visible_to(self, user: User | AnonymousUser) -> JobQuerySet:
        """Jobs of projects *user* may edit: owners and admins."""
        return self.filter(project__in=Project.objects.editable_by(user))

    def unfinished(self) -> JobQuerySet:
        return self.filter(status__in=[Job.Status.WAITING, Job.Status.RUNNING])

    def silent_since(self, moment: datetime) -> JobQuerySet:
        """Running jobs whose worker has not been heard of since *moment*."""
        return self.filter(status=Job.Status.RUNNING, heartbeat_at__lt=moment)


class Job(models.Model):
    """Long work a person asked for or waits on, with its progress."""

    class Kind(models.TextChoices):
        IMPORT_DOCUMENTS = "import_documents", "Import documents"
        IMPORT_TAXONOMY = "import_taxonomy", "Import a taxonomy"
        PREDICT = "predict", "Predict documents"
        IMPACT = "impact", "Preview a draft of the taxonomy"

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting for a worker"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    project = models.ForeignKey(Project, models.CASCADE, related_name="jobs")
    kind = models.CharField(max_length=20, choices=Kind)
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    arguments = models.JSONField(default=dict, blank=True)
    done = models.PositiveBigIntegerField(default=0, help_text="Units of work finished.")
    total = models.PositiveBigIntegerField(default=0, help_text="Units in all; 0 while unknown.")
    report = models.JSONField(default=dict, blank=True, help_text="Counts and errors at the end.")
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Workers that took it.")
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            # The jobs of a project, newest first.
            models.Index(fields=["project", "-created_at"], name="job_of_project"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.get_status_display()}"

    @property
    def share_done(self) -> float | None:
        """Progress in [0, 1], or None while the total is unknown."""
        return min(1.0, self.done / self.total) if self.total else None
