from __future__ import annotations

from django.db import connection, models
from django.db.models import Q

from labeling.models.projects import Project


class DocumentQuerySet(models.QuerySet["Document"]):
    def open(self) -> DocumentQuerySet:
        """Documents no person has judged yet."""
        return self.filter(gold_at=None)

    def lock(self) -> None:
        """Hold these documents until the transaction ends.

        Whoever writes gold, tasks or predictions of documents holds the documents first, all at
        once and in this order: then of two such transactions one waits, and none deadlocks. SQLite
        has one writer at a time and needs no locks.
        """
        if connection.features.has_select_for_update:
            list(self.order_by("pk").select_for_update(no_key=True).values_list("pk"))

    def without_bodies(self) -> DocumentQuerySet:
        """For lists: the text, which may be megabytes, is left in the database."""
        return self.defer("text", "metadata")


class Document(models.Model):
    """One text to classify. The text never changes after import."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="documents")
    external_id = models.CharField(max_length=200, help_text="The id of the source system.")
    subject = models.CharField(max_length=1000, blank=True)
    text = models.TextField(blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    fingerprint = models.CharField(
        max_length=64, help_text="SHA-256 of subject and text, in hexadecimal."
    )
    imported_at = models.DateTimeField()
    gold_at = models.DateTimeField(
        null=True, blank=True, help_text="When people settled its labels; null while open."
    )

    objects = DocumentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "external_id"], name="external_id_unique_in_project"
            ),
            models.UniqueConstraint(
                fields=["project", "fingerprint"], name="same_text_stored_once_in_project"
            ),
        ]
        indexes = [
            # document_walk: the newest, and those of some days.
            models.Index(fields=["project", "imported_at", "id"], name="document_by_day"),
            # DocumentQuerySet.open(): what is still to be predicted.
            models.Index(fields=["project", "id"], condition=Q(gold_at=None), name="document_open"),
        ]

    def __str__(self) -> str:
        return self.subject or self.external_id
