"""What a training run would learn from, what it would do, and whether it can start."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Q

from labeling.models import GoldLabel, Label, Project
from training import recipes
from training.models import TrainingRun
from training.trainers.recipes import ENCODER, FEWEST, Recipe

SILVER = 2_000  # open documents that self-training adds, at most
THIN = 10  # gold documents below which a label learns little (learning.md §4)
# Seconds, measured on one core of two with the built-in encoder and 13-word texts: per gold
# document and epoch, per gold document once, and once.
PER_EPOCH, PER_DOCUMENT, FIXED = 0.027, 0.012, 30.0
# Without bf16: seconds for a cross-encoder to learn a document with its candidates; to read one.
PER_CLOSE_CALL, PER_READING = 1.0, 0.2


@dataclass(frozen=True, slots=True)
class LabelGold:
    name: str
    gold: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """What stands ready for the next run.

    gold, fresh: gold documents, and those among them granted since the last finished run froze.
    labels: assignable labels with their gold, fewest first.
    last, current: the newest finished run, and the unfinished one.
    refusal: why no run can start now; empty if one can.
    """

    gold: int
    fresh: int
    labels: list[LabelGold]
    last: TrainingRun | None
    current: TrainingRun | None
    refusal: str

    @property
    def thin(self) -> list[LabelGold]:
        return [label for label in self.labels if label.gold < THIN]

    def duration(self, recipe: Recipe) -> timedelta:
        """Return about how long a run takes on this machine: as the last one did, per document."""
        work = recipe.epochs * trainings(recipe.stages)
        silver = SILVER * PER_EPOCH * recipe.epochs if "self_train" in recipe.stages else 0
        twice = cross_encoder(recipe, self.gold)
        if self.last and self.last.snapshot and self.last.started_at and self.last.finished_at:
            took = (self.last.finished_at - self.last.started_at).total_seconds()
            took *= self.gold / max(1, len(self.last.snapshot.rows))
            before = self.last.parameters.get("epochs", 3) * trainings(
                self.last.parameters.get("stages", ["fine_tune"])
            )
            return timedelta(seconds=took * work / max(1, before) + twice)
        once = self.gold * (PER_EPOCH * work + PER_DOCUMENT)
        return timedelta(seconds=once + silver + twice + FIXED)


def cross_encoder(recipe: Recipe, gold: int) -> float:
    """Return about how many seconds it takes to teach cross-encoders and to hear their opinion."""
    taught = len({"distil", "rerank"}.intersection(recipe.stages))
    heard = recipe.distil_documents if "distil" in recipe.stages else 0
    each = PER_CLOSE_CALL * min(gold, recipe.rerank_documents) * recipe.rerank_epochs
    return taught * each + PER_READING * heard


def trainings(stages: Iterable[str]) -> int:
    """Return how often a run of these stages trains the encoder, at least once."""
    return max(1, len(ENCODER.intersection(stages)))


def look(project: Project, *, worker_alive: bool) -> Outlook:
    """Return the outlook of *project*."""
    finished = project.runs.filter(status=TrainingRun.Status.DONE).select_related("snapshot")
    last = finished.first()
    current = project.runs.unfinished().first()
    granted = GoldLabel.objects.usable(project)
    since = Q(granted_at__gt=last.snapshot.frozen_at) if last and last.snapshot else Q()
    counts = granted.aggregate(
        gold=Count("document", distinct=True),
        fresh=Count("document", distinct=True, filter=since)
        if since
        else Count("document", distinct=True),
    )
    labels = (
        Label.objects.assignable()
        .filter(project=project)
        .annotate(documents=Count("gold", filter=Q(gold__tier=GoldLabel.Tier.GOLD)))
        .order_by("documents", "position", "pk")
        .values_list("name", "documents")
    )
    return Outlook(
        gold=counts["gold"],
        fresh=counts["fresh"],
        labels=[LabelGold(*label) for label in labels],
        last=last,
        current=current,
        refusal=_refusal(current, counts["gold"], worker_alive=worker_alive),
    )


def is_due(project: Project) -> bool:
    """Whether the recipe says that a run starts by itself, and it can.

    What counts is gold granted since the newest run was asked for, however that one ended: a run
    that failed or was cancelled is not started again before people said more.
    """
    after = recipes.edition_of(project).train_after
    newest = project.runs.first()
    if not after or (newest is not None and newest.is_unfinished):
        return False
    gold = GoldLabel.objects.usable(project)
    fresh = gold.filter(granted_at__gt=newest.created_at) if newest else gold
    enough = gold.values("document").distinct().count() >= FEWEST
    return enough and fresh.values("document").distinct().count() >= after


def _refusal(current: TrainingRun | None, gold: int, *, worker_alive: bool) -> str:
    if current is not None:
        return f"Run {current.pk} is under way; one at a time."
    if gold < FEWEST:
        return f"There are {gold} gold documents; a run needs at least {FEWEST}. Review some more."
    if not worker_alive:
        return "No worker is running, so the run would wait for ever. Start one first."
    return ""
