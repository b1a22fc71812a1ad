from __future__ import annotations

from dataclasses import dataclass

from django.db import models
from django.db.models import Q

from labeling.models.documents import Document
from labeling.models.projects import Project
from labeling.models.taxonomy import Label, TaxonomyVersion


@dataclass(frozen=True, slots=True)
class Candidate:
    """One label proposed in a prediction.

    similarity: cosine of document and label vector, in [-1, 1].
    logit: the head's uncalibrated score.
    probability: calibrated, in [0, 1].
    """

    label_id: int
    similarity: float
    logit: float
    probability: float


class PredictionQuerySet(models.QuerySet["Prediction"]):
    def current(self) -> PredictionQuerySet:
        """The prediction that stands for each document now."""
        return self.filter(is_current=True)

    def by_bundle(self, digest: str) -> PredictionQuerySet:
        return self.filter(bundle=digest)


class Prediction(models.Model):
    """What one bundle said about one document, with its first twenty candidates inside."""

    class Bucket(models.TextChoices):
        AUTO = "auto", "Accepted without a person"
        REVIEW = "review", "Close call"
        NONE_FITS = "none_fits", "Nothing fits"

    project = models.ForeignKey(Project, models.CASCADE, related_name="predictions")
    document = models.ForeignKey(Document, models.CASCADE, related_name="predictions")
    bundle = models.CharField(max_length=64, help_text="Digest of the bundle.")
    taxonomy_version = models.ForeignKey(TaxonomyVersion, models.PROTECT, related_name="+")
    bucket = models.CharField(max_length=10, choices=Bucket)
    margin = models.FloatField(help_text="Best minus second-best probability, in [0, 1].")
    probability = models.FloatField(help_text="Of the first candidate, calibrated, in [0, 1].")
    first = models.ForeignKey(Label, models.PROTECT, null=True, related_name="+")
    second = models.ForeignKey(Label, models.PROTECT, null=True, related_name="+")
    candidates = models.JSONField(
        help_text="[[label id, similarity, logit, probability], …], best first, at most 20."
    )
    label_ids = models.JSONField(
        default=list, help_text="The labels this prediction would assign; multi-label: any number."
    )
    reranked = models.BooleanField(
        default=False, help_text="Whether a cross-encoder read the document, too."
    )
    latency = models.FloatField(help_text="Milliseconds spent on this document.")
    predicted_at = models.DateTimeField()
    is_current = models.BooleanField(default=True)

    objects = PredictionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["document"],
                condition=Q(is_current=True),
                name="one_current_prediction_per_document",
            ),
            models.CheckConstraint(
                condition=Q(margin__gte=0, margin__lte=1),
                name="prediction_margin_in_unit_interval",
            ),
            models.CheckConstraint(
                condition=Q(probability__gte=0, probability__lte=1),
                name="prediction_probability_in_unit_interval",
            ),
        ]
        indexes = [
            # Lists of a project by bucket, closest calls first.
            models.Index(
                fields=["project", "bucket", "margin"],
                condition=Q(is_current=True),
                name="prediction_by_margin",
            ),
            # Lists of a project by predicted label.
            models.Index(
                fields=["project", "first", "margin"],
                condition=Q(is_current=True),
                name="prediction_by_label",
            ),
            # How many of each label stand accepted, without looking at the rows.
            models.Index(
                fields=["project", "bucket", "first"],
                condition=Q(is_current=True),
                name="prediction_by_bucket_and_label",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.document_id} by {self.bundle[:8]}"

    @property
    def proposed(self) -> set[int]:
        """Ids of all its candidates, and of the labels it would assign."""
        return {int(row[0]) for row in self.candidates} | set(self.label_ids)

    @property
    def ranked(self) -> list[Candidate]:
        return [Candidate(int(row[0]), *map(float, row[1:4])) for row in self.candidates]
