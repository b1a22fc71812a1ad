from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q


class ProjectQuerySet(models.QuerySet["Project"]):
    def with_role(self, user: User | AnonymousUser, *roles: str) -> ProjectQuerySet:
        """Projects in which *user* holds one of *roles*; site administrators hold every role."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.is_superuser:
            return self
        held = Membership.objects.filter(user=user, role__in=roles)
        return self.filter(pk__in=held.values("project"))

    def visible_to(self, user: User | AnonymousUser) -> ProjectQuerySet:
        """Projects *user* belongs to, in any role: what a reviewer may open."""
        return self.with_role(user, *Membership.Role.values)

    def editable_by(self, user: User | AnonymousUser) -> ProjectQuerySet:
        """Projects whose taxonomy and documents *user* may change: owners and admins."""
        return self.with_role(user, Membership.Role.OWNER, Membership.Role.ADMIN)

    def administered_by(self, user: User | AnonymousUser) -> ProjectQuerySet:
        """Projects in which *user* trains, promotes and manages people: admins."""
        return self.with_role(user, Membership.Role.ADMIN)


class Project(models.Model):
    """One taxonomy, its documents, people and models."""

    class Kind(models.TextChoices):
        SINGLE = "single", "Exactly one label each"
        MULTI = "multi", "Any number of labels"

    slug = models.SlugField(unique=True, max_length=60)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.SINGLE)
    encoder = models.CharField(
        max_length=300,
        blank=True,
        help_text="A sentence-transformers id or path; empty for the built-in encoder.",
    )
    promised_precision = models.FloatField(
        default=0.98, help_text="Share of accepted documents that must be right, in (0, 1)."
    )
    audit_share = models.FloatField(
        default=0.02, help_text="Share of accepted documents sent to review anyway, in [0, 1]."
    )
    refit_every = models.PositiveIntegerField(
        default=20,
        validators=[MinValueValidator(1), MaxValueValidator(10_000)],
        help_text="Reviews after which the head is fitted again.",
    )
    overlap_share = models.FloatField(
        default=0.0, help_text="Share of documents in review that several people judge, in [0, 1]."
    )
    known_share = models.FloatField(
        default=0.0,
        help_text="Share of the tasks chosen next whose answer is known, in [0, 1).",
    )
    overlap_people = models.PositiveSmallIntegerField(
        default=2,
        validators=[MinValueValidator(2), MaxValueValidator(5)],
        help_text="How many people judge each of these, without seeing each other's answers.",
    )
    weighs_people = models.BooleanField(
        default=False,
        help_text="Whether gold that rests on one person counts by how often they are right.",
    )
    routes_close_calls = models.BooleanField(
        default=False,
        help_text="Whether a close call is first offered to who is most often right on its labels.",
    )
    created_at = models.DateTimeField()

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(promised_precision__gt=0, promised_precision__lt=1),
                name="promised_precision_between_zero_and_one",
            ),
            models.CheckConstraint(
                condition=Q(audit_share__gte=0, audit_share__lte=1),
                name="audit_share_in_unit_interval",
            ),
            models.CheckConstraint(
                condition=Q(overlap_share__gte=0, overlap_share__lte=1),
                name="overlap_share_in_unit_interval",
            ),
            models.CheckConstraint(
                condition=Q(known_share__gte=0, known_share__lt=1),
                name="known_share_below_one",
            ),
            models.CheckConstraint(
                condition=Q(overlap_people__gte=2), name="overlap_takes_at_least_two_people"
            ),
            models.CheckConstraint(
                condition=Q(refit_every__gte=1), name="refit_after_at_least_one_review"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_multi(self) -> bool:
        return self.kind == self.Kind.MULTI


class Membership(models.Model):
    """The role one person holds in one project. A higher role may do all a lower one may."""

    class Role(models.TextChoices):
        REVIEWER = "reviewer", "Reviewer"
        OWNER = "owner", "Taxonomy owner"
        ADMIN = "admin", "Admin"

    project = models.ForeignKey(Project, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "user"], name="one_role_per_person_and_project"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_role_display()} of {self.project}"
