from __future__ import annotations

from django.conf import settings
from django.db import models

from labeling.models.projects import Project


class AuditEntry(models.Model):
    """Who did what, when. Written in the transaction of the act; never changed."""

    project = models.ForeignKey(
        Project, models.CASCADE, null=True, blank=True, related_name="audit_entries"
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Null when the system acted by itself or from the command line.",
    )
    act = models.CharField(max_length=60, help_text="A verb, such as 'annotated' or 'promoted'.")
    subject = models.CharField(max_length=300, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [
            # The history page of a project.
            models.Index(fields=["project", "-at", "-id"], name="audit_of_project"),
        ]

    def __str__(self) -> str:
        return f"{self.act} {self.subject}"
