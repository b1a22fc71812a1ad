from __future__ import annotations

from django.db import models
from django.db.models import Q

from labeling.models.predictions import Prediction


class Evidence(models.Model):
    """What a model has to show for one prediction. Written once, when the task comes to a desk."""

    prediction = models.OneToOneField(
        Prediction, models.CASCADE, primary_key=True, related_name="evidence"
    )
    nearest = models.JSONField(
        default=list,
        help_text="[[document id, similarity], …]: gold at that time, nearest first; similarity "
        "is a cosine in [-1, 1].",
    )
    passage = models.TextField(
        blank=True,
        help_text="What moves the prediction most, word for word; empty where nothing does.",
    )
    before = models.FloatField(
        null=True, help_text="Probability of the first candidate, in [0, 1]; null: no passage."
    )
    without = models.FloatField(null=True, help_text="The same without the passage.")
    gathered_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(passage="", before=None, without=None)
                | (
                    ~Q(passage="") & Q(before__gte=0, before__lte=1, without__gte=0, without__lte=1)
                ),
                name="a_passage_has_its_probabilities",
            )
        ]

    def __str__(self) -> str:
        return f"Evidence for {self.prediction_id}"
