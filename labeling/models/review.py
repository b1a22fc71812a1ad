from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from labeling.models.comments import Comment
from labeling.models.documents import Document
from labeling.models.predictions import Prediction
from labeling.models.projects import Project
from labeling.models.taxonomy import Label


class ReviewQueueQuerySet(models.QuerySet["ReviewQueue"]):
    def closed_to(self, reviewer: User) -> ReviewQueueQuerySet:
        """Queues that certain people take from, *reviewer* not among them."""
        named = ReviewQueue.people.through.objects.filter(user__is_active=True)
        return self.filter(pk__in=named.values("reviewqueue")).exclude(
            pk__in=named.filter(user=reviewer).values("reviewqueue")
        )


class ReviewQueue(models.Model):
    """A named stream of review tasks with one reason."""

    class Reason(models.TextChoices):
        AMBIGUOUS = "ambiguous", "Close calls"
        NONE_FITS = "none_fits", "Nothing fits"
        AUDIT = "audit", "Audit sample"
        CHECK = "check", "Gold to check"
        CHANGED = "changed", "Labels changed"

    ASKED_AGAIN = (Reason.CHECK, Reason.CHANGED)
    """Queues of what people decided once: no prediction fills them."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="queues")
    reason = models.CharField(max_length=20, choices=Reason)
    people = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        blank=True,
        related_name="+",
        help_text="Who takes from it; everybody in the project where nobody is named.",
    )
    due_hours = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(10_000)],
        help_text="Hours within which a task should be decided; empty: no limit.",
    )

    objects = ReviewQueueQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["project", "reason"], name="one_queue_per_reason")
        ]

    def __str__(self) -> str:
        return self.get_reason_display()


class ReviewTaskQuerySet(models.QuerySet["ReviewTask"]):
    def open(self) -> ReviewTaskQuerySet:
        return self.filter(status=ReviewTask.Status.OPEN)

    def visible_to(self, user: User | AnonymousUser) -> ReviewTaskQuerySet:
        """Tasks of projects *user* belongs to."""
        return self.filter(project__in=Project.objects.visible_to(user))

    def available_to(self, reviewer: User, *, at: datetime) -> ReviewTaskQuerySet:
        """Open tasks nobody holds at *at*, of those for *reviewer*."""
        return self.unleased(at=at).meant_for(reviewer, at=at)

    def meant_for(self, reviewer: User, *, at: datetime) -> ReviewTaskQuerySet:
        """Tasks of queues that *reviewer* takes from.

        Neither what they skipped, snoozed until later or judged already, nor what waits for owners.
        """
        skipped = TaskSkip.objects.lasting(at=at).filter(reviewer=reviewer).values("task")
        closed = ReviewQueue.objects.closed_to(reviewer).values("pk")
        for_reviewers = self.filter(question=None, is_disputed=False)
        return for_reviewers.exclude(pk__in=skipped).exclude(queue__in=closed)

    def for_bulk(self, reviewer: User, *, at: datetime) -> ReviewTaskQuerySet:
        """Open tasks that *reviewer* may decide together with others alike.

        One person's judgement of the prediction that stands is all they want: no second opinion,
        no gold to check, and none that is known.
        """
        free = self.open().not_with_others(reviewer, at=at).meant_for(reviewer, at=at)
        alone = free.filter(wanted=1, is_known=False, prediction__is_current=True)
        return alone.exclude(queue__reason__in=ReviewQueue.ASKED_AGAIN)

    def escalated(self) -> ReviewTaskQuerySet:
        """Open tasks on which somebody asks the owners."""
        return self.open().filter(question__isnull=False)

    def disputed(self) -> ReviewTaskQuerySet:
        """Open tasks on which people differ, and an owner rules."""
        return self.judged().filter(is_disputed=True)

    def judged(self) -> ReviewTaskQuerySet:
        """Open tasks that somebody judged, and others are still to judge or an owner to rule on."""
        return self.open().filter(judged__gt=0)

    def takeable_by(self, reviewer: User) -> ReviewTaskQuerySet:
        """Tasks *reviewer* may ask for by name.

        Escalated ones are for owners and who asked, disputed ones for owners, those that others are
        still to judge for them, and those of a queue of certain people for these and owners.
        """
        owners = Q(project__in=Project.objects.editable_by(reviewer))
        asked = Q(question=None) | Q(question__author=reviewer) | owners
        judged = TaskSkip.objects.filter(reviewer=reviewer, is_judged=True).values("task")
        blind = (Q(is_disputed=False) & ~Q(pk__in=judged)) | (Q(is_disputed=True) & owners)
        closed = ReviewQueue.objects.closed_to(reviewer).values("pk")
        return self.filter(asked, blind, ~Q(queue__in=closed) | owners)

    def unleased(self, *, at: datetime) -> ReviewTaskQuerySet:
        """Open tasks nobody holds at *at*."""
        return self.open().filter(Q(leased_until=None) | Q(leased_until__lte=at))

    def withdraw(self) -> None:
        """Say of these tasks that nobody need judge them any more; whoever holds one loses it."""
        self.update(status=ReviewTask.Status.WITHDRAWN, leased_by=None, leased_until=None)

    def not_with_others(self, person: User, *, at: datetime) -> ReviewTaskQuerySet:
        """Tasks that *person* holds, or nobody."""
        free = Q(leased_until=None) | Q(leased_until__lte=at)
        return self.filter(free | Q(leased_by=person))

    def leased_to(self, reviewer: User, *, at: datetime) -> ReviewTaskQuerySet:
        return self.open().filter(leased_by=reviewer, leased_until__gt=at)

    def most_valuable_first(self) -> ReviewTaskQuerySet:
        return self.order_by("-value", "pk")


class ReviewTask(models.Model):
    """A document waiting for a reviewer's judgement."""

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        DONE = "done", "Done"
        WITHDRAWN = "withdrawn", "No longer needed"

    project = models.ForeignKey(Project, models.CASCADE, related_name="tasks")
    queue = models.ForeignKey(ReviewQueue, models.PROTECT, related_name="tasks")
    document = models.ForeignKey(Document, models.CASCADE, related_name="tasks")
    prediction = models.ForeignKey(
        Prediction, models.SET_NULL, null=True, blank=True, related_name="tasks"
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    value = models.FloatField(
        default=0,
        help_text="What a decision is worth: 1 - margin, in [0, 1]; above 1 in the chosen batch; "
        "below 0 for gold to check, which comes last.",
    )
    opinion = models.JSONField(
        default=list,
        blank=True,
        help_text="Gold to check: [[label id, probability], …] by a model that had not seen it.",
    )
    leased_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    leased_until = models.DateTimeField(null=True, blank=True)
    question = models.ForeignKey(
        Comment,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="What somebody asks the owners, who alone take it until they answer.",
    )
    wanted = models.PositiveSmallIntegerField(
        default=1, help_text="How many people judge it, without seeing each other's answers."
    )
    judged = models.PositiveSmallIntegerField(
        default=0, help_text="How many of them did, while it is open."
    )
    is_disputed = models.BooleanField(
        default=False, help_text="All who were wanted judged, and differ: an owner rules."
    )
    is_known = models.BooleanField(
        default=False,
        help_text="The document had gold: it measures who decides, and what they say changes none.",
    )
    kept_for = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,  # asked by when a person is deleted alone, whom decisions protect
        help_text="Who is most often right on its labels, and is offered it before all others.",
    )
    created_at = models.DateTimeField()

    objects = ReviewTaskQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["document"], condition=Q(status="open"), name="one_open_task_per_document"
            ),
            models.CheckConstraint(
                condition=Q(leased_by=None, leased_until=None)
                | Q(leased_by__isnull=False, leased_until__isnull=False),
                name="lease_has_holder_and_expiry",
            ),
        ]
        indexes = [
            # queues.lease_next over a whole project.
            models.Index(
                fields=["project", "-value", "id"],
                condition=Q(status="open"),
                name="task_next_in_project",
            ),
            # queues.lease_next within one queue, and queue_counts.of: with the status in it, the
            # index alone answers on SQLite too.
            models.Index(
                fields=["queue", "-value", "id", "status"],
                condition=Q(status="open"),
                name="task_next_in_queue",
            ),
            # queue_counts.of: the few tasks somebody holds.
            models.Index(
                fields=["project", "leased_until"],
                condition=Q(status="open", leased_until__isnull=False),
                name="task_leased",
            ),
            # escalations.waiting and queue_counts.of: the few tasks that wait for an owner.
            models.Index(
                fields=["queue", "question"],
                condition=Q(status="open", question__isnull=False),
                name="task_escalated",
            ),
            # adjudication.waiting and queue_counts.of: the few tasks that several people judge.
            models.Index(
                fields=["queue", "id"],
                condition=Q(status="open", judged__gt=0),
                name="task_judged",
            ),
            # known_gold: the few tasks whose answer is known.
            models.Index(
                fields=["project", "status"], condition=Q(is_known=True), name="task_known"
            ),
            # queues.ages: the oldest task of a queue.
            models.Index(
                fields=["queue", "created_at"], condition=Q(status="open"), name="task_oldest"
            ),
        ]

    def __str__(self) -> str:
        return f"Review of document {self.document_id}"

    @property
    def is_check(self) -> bool:
        """Whether the document has gold, and it is that which is asked about."""
        reason = self.queue.reason
        asks_again = reason == ReviewQueue.Reason.CHANGED and self.value < 0
        return reason == ReviewQueue.Reason.CHECK or asks_again

    @property
    def is_blind(self) -> bool:
        """Whether people judge without the prediction before them: gold, or what others said."""
        return self.is_check or self.is_disputed

    def is_leased(self, *, at: datetime) -> bool:
        return self.leased_until is not None and self.leased_until > at

    def is_leased_to(self, reviewer: User, *, at: datetime) -> bool:
        return self.leased_by_id == reviewer.pk and self.is_leased(at=at)


class TaskSkipQuerySet(models.QuerySet["TaskSkip"]):
    def lasting(self, *, at: datetime) -> TaskSkipQuerySet:
        """Skips for good, and snoozes that have not ended at *at*."""
        return self.filter(Q(until=None) | Q(until__gt=at))


class TaskSkip(models.Model):
    """One reviewer is offered one task no more, for good or until a time; others still are."""

    task = models.ForeignKey(ReviewTask, models.CASCADE, related_name="skips")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    skipped_at = models.DateTimeField()
    until = models.DateTimeField(
        null=True, blank=True, help_text="When a snooze ends; empty: skipped for good."
    )

    is_judged = models.BooleanField(
        default=False, help_text="They judged it, and others are still to judge it, too."
    )

    objects = TaskSkipQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["task", "reviewer"], name="one_skip_per_reviewer_and_task"
            )
        ]

    def __str__(self) -> str:
        return f"{self.reviewer} skipped {self.task_id}"


class AnnotationQuerySet(models.QuerySet["Annotation"]):
    def standing(self) -> AnnotationQuerySet:
        """Annotations that were not undone."""
        return self.filter(undone_at=None)

    def visible_to(self, user: User | AnonymousUser) -> AnnotationQuerySet:
        """Annotations in projects *user* belongs to."""
        return self.filter(project__in=Project.objects.visible_to(user))


class Annotation(models.Model):
    """One reviewer's judgement of one task. Written once; undoing it only marks it."""

    class Kind(models.TextChoices):
        ACCEPTED = "accepted", "Accepted the suggestion"
        CORRECTED = "corrected", "Corrected the suggestion"
        INDEPENDENT = "independent", "Chose independently"
        NONE_FITS = "none_fits", "Nothing fits"
        RULING = "ruling", "Ruled where others differed"

    project = models.ForeignKey(Project, models.CASCADE, related_name="annotations")
    task = models.ForeignKey(ReviewTask, models.PROTECT, related_name="annotations")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="annotations"
    )
    labels = models.ManyToManyField(Label, related_name="annotations")
    kind = models.CharField(max_length=12, choices=Kind)
    key = models.UUIDField(help_text="Sent by the client; the same key is the same decision.")
    batch = models.UUIDField(
        null=True,
        blank=True,
        help_text="Shared by what one person decided at once in bulk; empty: decided by itself.",
    )
    prediction = models.ForeignKey(
        Prediction,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="annotations",
        help_text="What the reviewer was shown.",
    )
    replaced = models.JSONField(
        default=list,
        blank=True,
        help_text="The gold it took the place of: [[label id, annotation id, granted at], …].",
    )
    annotated_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True, blank=True)

    objects = AnnotationQuerySet.as_manager()

    class Meta:
        ordering = ["-annotated_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["task", "reviewer"],
                condition=Q(undone_at=None) & ~Q(kind="ruling"),
                name="one_standing_annotation_per_reviewer_and_task",
            ),
            models.UniqueConstraint(
                fields=["reviewer", "key"], name="one_annotation_per_reviewer_and_key"
            ),
        ]
        indexes = [
            # The reviewer's last decisions: undo, looking back, pace.
            models.Index(
                fields=["project", "reviewer", "-annotated_at"], name="annotation_of_reviewer"
            ),
            # bulk.last_of: the reviewer's last batch.
            models.Index(
                fields=["project", "reviewer", "-annotated_at"],
                condition=Q(batch__isnull=False),
                name="annotation_last_in_bulk",
            ),
            # bulk.give and bulk.undo: all of one batch.
            models.Index(
                fields=["batch"], condition=Q(batch__isnull=False), name="annotation_of_batch"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reviewer}: {self.get_kind_display()}"
