from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from labeling.models.documents import Document
from labeling.models.projects import Project

LONGEST = 4_000  # characters


class Comment(models.Model):
    """What one person wrote about one document, for all who look at it. Written once."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="comments")
    document = models.ForeignKey(Document, models.CASCADE, related_name="comments")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    text = models.CharField(max_length=LONGEST)
    written_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="comment_says_something")]
        indexes = [
            # The card and the document's page, oldest first.
            models.Index(fields=["document", "id"], name="comment_on_document"),
            # comments.newest: the page of all comments.
            models.Index(fields=["project", "-id"], name="comment_in_project"),
        ]

    def __str__(self) -> str:
        return self.text
