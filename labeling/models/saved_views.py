from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from labeling.models.projects import Project


class SavedView(models.Model):
    """A way to look at a project's documents, kept by name for its owners and admins."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=80)
    query = models.CharField(max_length=4000, help_text="What stands after ? in its address.")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="view_name_unique_in_project"),
            models.CheckConstraint(condition=~Q(name=""), name="view_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name
