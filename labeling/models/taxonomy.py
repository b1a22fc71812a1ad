from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from labeling.models.projects import Project


class TaxonomyVersion(models.Model):
    """A numbered, published edition of all labels of a project. Never changes."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="taxonomy_versions")
    number = models.PositiveIntegerField()
    published_at = models.DateTimeField()
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    note = models.CharField(max_length=500, blank=True, help_text="Why, in words.")
    acts = models.JSONField(
        default=list, blank=True, help_text="What was done, as taxonomy_acts writes it."
    )
    before = models.JSONField(
        default=dict,
        blank=True,
        help_text="Key of each changed label to its content and when it was retired before; "
        "null where there was none.",
    )
    transfers = models.JSONField(
        default=list, blank=True, help_text="[source key, target key or null, document ids or null]"
    )
    tasks = models.JSONField(
        default=dict,
        blank=True,
        help_text="Ids of tasks opened, and asked again; withdrawn: [id, holder, until when]; "
        "newest: the greatest id of gold when it was done.",
    )
    undoes = models.ForeignKey(
        "self",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="undone_by",
        help_text="The version whose change this one took back.",
    )

    class Meta:
        ordering = ["-number"]
        get_latest_by = "number"
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="version_number_unique")
        ]

    def __str__(self) -> str:
        return f"v{self.number}"


class LabelQuerySet(models.QuerySet["Label"]):
    def active(self) -> LabelQuerySet:
        """Labels of the current taxonomy version: not retired."""
        return self.filter(retired_at=None)

    def assignable(self) -> LabelQuerySet:
        """Active labels a document may be given; the others only group."""
        return self.active().filter(is_assignable=True)

    def closed(self) -> LabelQuerySet:
        """Labels a document can be given no more, or never: retired ones, and those that group."""
        return self.exclude(retired_at=None, is_assignable=True)

    def without_texts(self) -> LabelQuerySet:
        """The same labels, their texts unread: those are long, and a decision needs none."""
        return self.defer("description", "examples", "aliases")


class Label(models.Model):
    """One class a document may belong to, as the current version has it.

    The row is the label's identity and is never deleted; what each version said of it stands in its
    editions.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="labels")
    key = models.CharField(max_length=200, help_text="Stable name in files and the API.")
    name = models.CharField(max_length=300)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children"
    )
    position = models.PositiveIntegerField(default=0, help_text="Order in the tree, as imported.")
    aliases = models.JSONField(
        default=list, blank=True, help_text="Other names people know it by, a list; to find it."
    )
    description = models.TextField(blank=True)
    examples = models.JSONField(default=list, blank=True, help_text="Typical texts, a list.")
    is_assignable = models.BooleanField(default=True)
    only_one = models.BooleanField(
        default=False, help_text="Whether a document is given only one of the labels below it."
    )
    one_of = models.JSONField(
        default=list,
        blank=True,
        editable=False,
        help_text="Ids from the outermost label with only_one down to the parent, a list; empty "
        "where none stands above. Kept by publishing.",
    )
    successor = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="predecessors",
        help_text="Of a retired label: the one to use instead.",
    )
    retired_at = models.DateTimeField(null=True, blank=True)

    objects = LabelQuerySet.as_manager()

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["project", "key"], name="label_key_unique_in_project"),
            models.CheckConstraint(condition=~Q(name=""), name="label_has_a_name"),
            models.CheckConstraint(
                condition=Q(parent=None) | ~Q(parent=F("pk")), name="label_is_not_its_own_parent"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_usable(self) -> bool:
        """Whether a document may be given it."""
        return self.is_assignable and self.retired_at is None


class Exclusion(models.Model):
    """A situation that does not belong to a label, with the label to use instead."""

    label = models.ForeignKey(Label, models.CASCADE, related_name="exclusions")
    situation = models.TextField()
    use = models.ForeignKey(
        Label, models.PROTECT, null=True, blank=True, related_name="routed_exclusions"
    )
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(situation=""), name="exclusion_has_a_situation"),
            models.CheckConstraint(
                condition=Q(use=None) | ~Q(use=F("label")), name="exclusion_points_elsewhere"
            ),
        ]

    def __str__(self) -> str:
        return f"Not for {self.situation}"


class Overlap(models.Model):
    """Two labels that can both be right for one document; never negatives of each other."""

    first = models.ForeignKey(Label, models.CASCADE, related_name="overlaps_as_first")
    second = models.ForeignKey(Label, models.CASCADE, related_name="overlaps_as_second")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="overlap_stated_once"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="overlap_is_ordered"),
        ]

    def __str__(self) -> str:
        return f"{self.first} / {self.second}"


class LabelEdition(models.Model):
    """What a label said from one version on, until its next edition. Written once."""

    label = models.ForeignKey(Label, models.CASCADE, related_name="editions")
    version = models.ForeignKey(TaxonomyVersion, models.CASCADE, related_name="editions")
    content = models.JSONField(
        help_text="name, aliases, parent, description, exclusions, examples, overlaps, "
        "assignable, retired, successor, only_one"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["label", "version"], name="one_edition_per_label_and_version"
            )
        ]

    def __str__(self) -> str:
        return f"{self.label} in {self.version}"


class DraftAct(models.Model):
    """One act that waits in the draft of a project's taxonomy, in the order of their ids."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="draft")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    act = models.JSONField(help_text="As taxonomy_acts writes it.")
    seen_version = models.PositiveIntegerField(
        help_text="Number of the version the author had before their eyes."
    )
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.act.get('kind')} by {self.author}"


class FoundProposal(models.Model):
    """A change of the taxonomy that gold speaks for, as a worker found it when it last learnt."""

    class Kind(models.TextChoices):
        MERGE = "merge", "Merge"
        OVERLAP = "overlap", "Mark as overlapping"
        SPLIT = "split", "Split"

    project = models.ForeignKey(Project, models.CASCADE, related_name="found_proposals")
    kind = models.CharField(max_length=10, choices=Kind)
    first = models.ForeignKey(Label, models.CASCADE, related_name="+")
    second = models.ForeignKey(
        Label, models.CASCADE, related_name="+", help_text="Of a split the same as first."
    )
    why = models.CharField(max_length=1_000, help_text="The evidence, in words.")
    weight = models.PositiveIntegerField(help_text="Documents it rests on.")
    groups = models.JSONField(
        default=list,
        blank=True,
        help_text="Of a split: name, size and ids of a few documents of each group.",
    )
    found_at = models.DateTimeField()

    class Meta:
        ordering = ["-weight", "pk"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.first} and {self.second}"


class ProposalAnswer(models.Model):
    """What somebody said to a proposed change of the taxonomy, which is not proposed again."""

    Kind = FoundProposal.Kind

    project = models.ForeignKey(Project, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind)
    first = models.ForeignKey(Label, models.CASCADE, related_name="+")
    second = models.ForeignKey(Label, models.CASCADE, related_name="+")
    is_accepted = models.BooleanField()
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    answered_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "kind", "first", "second"], name="a_proposal_is_answered_once"
            ),
            models.CheckConstraint(
                condition=Q(first__lt=F("second")) | Q(kind="split", first=F("second")),
                name="a_proposal_is_ordered",
            ),
        ]

    def __str__(self) -> str:
        said = "accepted" if self.is_accepted else "dismissed"
        return f"{self.get_kind_display()} {self.first} and {self.second}: {said}"
