from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import models
from django.db.models import Q

from labeling.models import Project, TaxonomyVersion


class DatasetSnapshot(models.Model):
    """The gold of a project, frozen with its splits and named by its digest."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="snapshots")
    digest = models.CharField(max_length=64, help_text="SHA-256 of rows, splits and taxonomy.")
    taxonomy_version = models.ForeignKey(TaxonomyVersion, models.PROTECT, related_name="+")
    rows = models.JSONField(
        help_text="[[document id, [label ids], split, [ids ruled out]], …] ordered by document."
    )
    leaks = models.JSONField(default=dict, help_text="The leak report; gates stay shut on a leak.")
    frozen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "digest"], name="snapshot_digest_unique_in_project"
            )
        ]

    def __str__(self) -> str:
        return self.digest[:8]


class TrainingRecipe(models.Model):
    """One numbered edition of how a project's challengers are made; the highest number holds."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="recipes")
    number = models.PositiveIntegerField()
    values = models.JSONField(help_text="What trainers.recipes.Recipe.read understands.")
    train_after = models.PositiveIntegerField(
        default=0, help_text="Gold documents new since the last run that start one; 0 never."
    )
    saved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    saved_at = models.DateTimeField()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "number"], name="recipe_number_unique_in_project"
            )
        ]

    def __str__(self) -> str:
        return f"Recipe {self.number}"


class GateLimit(models.Model):
    """Where one gate of a project opens, if not where it usually does."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="gate_limits")
    gate = models.CharField(max_length=20, help_text="A name of gates.LIMITS.")
    limit = models.FloatField()
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "gate"], name="one_limit_per_gate_and_project"
            )
        ]

    def __str__(self) -> str:
        return f"{self.gate} at {self.limit:g}"


class LeverTrial(models.Model):
    """One field of the recipe, moved in a small training, beside the same training as it was."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="trials")
    lever = models.CharField(max_length=20, help_text="A name of trainers.recipes.LEVERS.")
    usual = models.FloatField(help_text="Where it stands in the recipe.")
    value = models.FloatField(help_text="Where it was moved to.")
    documents = models.PositiveIntegerField(help_text="Learnt from.")
    hit_at_5 = models.FloatField()
    hit_at_10 = models.FloatField()
    change_at_5 = models.FloatField(help_text="Against the same training as it was.")
    change_at_10 = models.FloatField()
    is_kept = models.BooleanField(help_text="Both rose by enough.")
    is_flat = models.BooleanField(help_text="Both changes are within noise.")
    seconds = models.FloatField()
    seed = models.IntegerField()
    tried_at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["project", "lever"], name="trials_by_lever")]

    def __str__(self) -> str:
        return f"{self.lever} {self.usual:g} → {self.value:g}"


class TrainingRunQuerySet(models.QuerySet["TrainingRun"]):
    def visible_to(self, user: User | AnonymousUser) -> TrainingRunQuerySet:
        """Runs of projects *user* administers."""
        return self.filter(project__in=Project.objects.administered_by(user))

    def unfinished(self) -> TrainingRunQuerySet:
        return self.filter(status__in=[TrainingRun.Status.WAITING, TrainingRun.Status.RUNNING])

    def silent_since(self, moment: datetime) -> TrainingRunQuerySet:
        """Running runs that have not been heard of since *moment*: their process is dead."""
        return self.filter(status=TrainingRun.Status.RUNNING, heartbeat_at__lt=moment)


class TrainingRun(models.Model):
    """One execution of training, with code, data, seed and every stage recorded."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting for a worker"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    project = models.ForeignKey(Project, models.CASCADE, related_name="runs")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    snapshot = models.ForeignKey(
        DatasetSnapshot, models.PROTECT, null=True, blank=True, related_name="runs"
    )
    seed = models.PositiveIntegerField(default=0)
    parameters = models.JSONField(default=dict, blank=True, help_text="Its recipe.")
    environment = models.JSONField(default=dict, blank=True, help_text="Code and versions.")
    stage = models.CharField(max_length=40, blank=True)
    step = models.PositiveIntegerField(default=0)
    steps = models.PositiveIntegerField(default=0, help_text="Steps of this stage; 0 if unknown.")
    loss = models.FloatField(null=True, blank=True)
    hit_at_5 = models.FloatField(null=True, blank=True, help_text="On validation, in [0, 1].")
    seconds_left = models.FloatField(null=True, blank=True)
    curve = models.JSONField(
        default=list, blank=True, help_text="[{stage, step, epoch, loss, …}, …], oldest first."
    )
    report = models.JSONField(
        default=dict, blank=True, help_text="Metrics of both, gates with reasons, diagnosis."
    )
    error = models.TextField(blank=True)
    cancel_requested = models.BooleanField(default=False)
    process = models.CharField(max_length=100, blank=True, help_text="host:pid that holds it.")
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = TrainingRunQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["project"],
                condition=Q(status__in=["waiting", "running"]),
                name="one_unfinished_run_per_project",
            )
        ]

    def __str__(self) -> str:
        return f"Run {self.pk}: {self.get_status_display()}"

    @property
    def is_unfinished(self) -> bool:
        return self.status in {self.Status.WAITING, self.Status.RUNNING}


class ModelVersionQuerySet(models.QuerySet["ModelVersion"]):
    def visible_to(self, user: User | AnonymousUser) -> ModelVersionQuerySet:
        """Model versions of projects *user* administers."""
        return self.filter(project__in=Project.objects.administered_by(user))


class ModelVersion(models.Model):
    """A registered bundle with its metrics and lineage."""

    class Origin(models.TextChoices):
        ZERO_SHOT = "zero_shot", "From the taxonomy alone"
        TAXONOMY = "taxonomy", "Follows the taxonomy"
        INSTANT = "instant", "Instant loop"
        RUN = "run", "Training run"

    project = models.ForeignKey(Project, models.CASCADE, related_name="model_versions")
    number = models.PositiveIntegerField()
    bundle = models.CharField(max_length=64, help_text="Digest of the bundle.")
    origin = models.CharField(max_length=10, choices=Origin)
    parent = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="+")
    run = models.ForeignKey(
        TrainingRun, models.PROTECT, null=True, blank=True, related_name="model_versions"
    )
    snapshot = models.ForeignKey(
        DatasetSnapshot, models.PROTECT, null=True, blank=True, related_name="+"
    )
    gold_count = models.PositiveIntegerField(default=0, help_text="Gold documents it learnt from.")
    metrics = models.JSONField(default=dict, blank=True, help_text="Name to value, fractions.")
    gates = models.JSONField(
        default=list, blank=True, help_text="[{gate, passed, reason}, …]; empty if not judged."
    )
    removed = models.BooleanField(
        default=False, help_text="Whether the files of its bundle were removed."
    )
    registered_at = models.DateTimeField()
    judged_at = models.DateTimeField(
        null=True, help_text="When it was last measured: it learnt what people had said by then."
    )

    objects = ModelVersionQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "number"], name="model_version_number_unique_in_project"
            ),
            models.UniqueConstraint(
                fields=["project", "bundle"], name="a_bundle_is_registered_once_in_a_project"
            ),
        ]

    def __str__(self) -> str:
        return f"Model {self.number}"

    @property
    def passed(self) -> bool:
        """Whether it was judged and every gate opened. Unjudged never passes."""
        return bool(self.gates) and all(gate["passed"] for gate in self.gates)
