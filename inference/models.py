from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from labeling.models import Document, Project


class DeploymentQuerySet(models.QuerySet["Deployment"]):
    def live(self) -> DeploymentQuerySet:
        """Deployments that serve now."""
        return self.filter(until=None)

    def champions(self) -> DeploymentQuerySet:
        return self.filter(role=Deployment.Role.CHAMPION)


class Deployment(models.Model):
    """A bundle that serves, or served, a share of a project's documents."""

    class Role(models.TextChoices):
        CHAMPION = "champion", "Champion"
        CANARY = "canary", "Canary"
        SHADOW = "shadow", "Shadow"

    class Act(models.TextChoices):
        DEPLOYED = "deployed", "Deployed"
        REBUILT = "rebuilt", "Made for the taxonomy"
        ROLLED_BACK = "rolled_back", "Rolled back"

    project = models.ForeignKey(Project, models.CASCADE, related_name="deployments")
    bundle = models.CharField(max_length=64, help_text="Digest of the bundle.")
    role = models.CharField(max_length=10, choices=Role, default=Role.CHAMPION)
    act = models.CharField(max_length=11, choices=Act, default=Act.DEPLOYED)
    share = models.FloatField(default=1.0, help_text="Share of documents it serves, in (0, 1].")
    reason = models.CharField(max_length=300, blank=True, help_text="Why it serves, in words.")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True, help_text="Null while it serves.")
    removed = models.BooleanField(
        default=False, help_text="Whether the files of its bundle were removed."
    )
    deployed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = DeploymentQuerySet.as_manager()

    class Meta:
        ordering = ["-since", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "role"],
                condition=Q(until=None),
                name="one_live_deployment_per_role_and_project",
            ),
            models.CheckConstraint(
                condition=Q(share__gt=0, share__lte=1), name="deployment_share_in_unit_interval"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()} {self.bundle[:8]}"


class DocumentVector(models.Model):
    """One encoder's unit vector of one document: float16, little-endian, (dim,)."""

    document = models.ForeignKey(Document, models.CASCADE, related_name="vectors")
    encoder = models.CharField(max_length=64, help_text="Digest of the encoder.")
    vector = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["encoder", "document"], name="one_vector_per_encoder_and_document"
            )
        ]

    def __str__(self) -> str:
        return f"{self.document_id} by {self.encoder[:8]}"


class DocumentTerms(models.Model):
    """How often each term occurs in one document, as inference.terms packs it."""

    document = models.OneToOneField(
        Document, models.CASCADE, primary_key=True, related_name="terms"
    )
    edition = models.PositiveIntegerField(help_text="How texts were prepared and counted.")
    terms = models.BinaryField()

    def __str__(self) -> str:
        return f"{self.document_id}, edition {self.edition}"
