from __future__ import annotations

from django.db import models
from django.db.models import Q

from labeling.models.documents import Document
from labeling.models.projects import Project
from labeling.models.review import Annotation
from labeling.models.taxonomy import Label, TaxonomyVersion


class GoldLabelQuerySet(models.QuerySet["GoldLabel"]):
    def gold(self) -> GoldLabelQuerySet:
        return self.filter(tier=GoldLabel.Tier.GOLD)

    def ruled_out(self) -> GoldLabelQuerySet:
        """Labels that a person saw proposed for a document and did not choose."""
        return self.filter(tier=GoldLabel.Tier.RULED_OUT)

    def usable(self, project: Project) -> GoldLabelQuerySet:
        """Gold of *project* on documents none of whose labels was retired or split since."""
        rows = self.gold().filter(project=project)
        gone = Q(label__retired_at__isnull=False) | Q(label__is_assignable=False)
        return rows.exclude(document__in=rows.filter(gone).values("document"))


class GoldLabel(models.Model):
    """A label that stands for a document, or was ruled out; no label when nothing fits."""

    class Tier(models.TextChoices):
        GOLD = "gold", "A person vouches for it"
        SILVER = "silver", "Accepted without a person"  # training finds its own; none is stored
        RULED_OUT = "ruled_out", "A person saw it proposed and passed it over"

    project = models.ForeignKey(Project, models.CASCADE, related_name="gold")
    document = models.ForeignKey(Document, models.CASCADE, related_name="gold")
    label = models.ForeignKey(Label, models.PROTECT, null=True, blank=True, related_name="gold")
    tier = models.CharField(max_length=10, choices=Tier, default=Tier.GOLD)
    annotation = models.ForeignKey(
        Annotation,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="gold",
        help_text="The judgement it rests on; null for imported gold and for silver.",
    )
    granted_at = models.DateTimeField()

    objects = GoldLabelQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["document", "label", "tier"], name="a_label_is_said_once_of_a_document"
            ),
            models.UniqueConstraint(
                fields=["document"],
                condition=Q(label=None),
                name="nothing_fits_stands_once_for_a_document",
            ),
            models.CheckConstraint(
                condition=~Q(tier="ruled_out") | Q(label__isnull=False, annotation__isnull=False),
                name="somebody_rules_out_some_label",
            ),
        ]
        indexes = [
            # Gold of a project, newest last: snapshots and the instant loop.
            models.Index(fields=["project", "tier", "granted_at"], name="gold_of_project"),
        ]

    def __str__(self) -> str:
        not_ = "not " if self.tier == GoldLabel.Tier.RULED_OUT else ""
        return f"{self.document_id}: {not_}{self.label or 'nothing fits'}"


class MovedGold(models.Model):
    """One row of gold as it was before a version of the taxonomy moved it; written once."""

    version = models.ForeignKey(TaxonomyVersion, models.CASCADE, related_name="moved")
    gold_id = models.BigIntegerField(help_text="The id of the row, which it gets back.")
    document = models.ForeignKey(Document, models.CASCADE, related_name="+")
    label = models.ForeignKey(Label, models.PROTECT, null=True, related_name="+")
    tier = models.CharField(max_length=10, choices=GoldLabel.Tier)
    annotation = models.ForeignKey(Annotation, models.PROTECT, null=True, related_name="+")
    granted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version", "gold_id"], name="gold_moves_once_with_a_version"
            )
        ]

    def __str__(self) -> str:
        return f"{self.document_id}: {self.label} before {self.version}"
