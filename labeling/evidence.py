"""Show a reviewer what speaks for a prediction: decisions on documents like it, and a passage."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db.models import F
from django.db.models.functions import Substr

from labeling import events
from labeling.desk import EXAMPLE_SHOWN, shortened
from labeling.models import Evidence, GoldLabel, Label, Project, ReviewTask

SHOWN: Final = 3  # documents
ALIKE: Final = 0.5
"""Cosine below which two texts have little to do with each other, by the built-in encoder."""

SAME: Final = 0.95
"""Cosine from which two texts are near-duplicates (training.leaks counts them so, too)."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A document that people decided before. similarity: to the one on the card, in [-1, 1].

    labels: that stand; none: nothing fits. granted_at: when the newest of them was given.
    """

    subject: str
    text: str
    similarity: float
    granted_at: datetime
    labels: list[str] = field(default_factory=list)

    @property
    def is_same(self) -> bool:
        """Whether it says nearly the same."""
        return self.similarity >= SAME


@dataclass(frozen=True, slots=True)
class Moving:
    """A passage without which the first candidate loses most. Probabilities in [0, 1]."""

    passage: str
    label: Label
    before: float
    without: float


@dataclass(frozen=True, slots=True)
class Shown:
    """What there is to show; nothing at all where no document is gold yet and no passage moves."""

    nearest: Sequence[Decided]
    moving: Moving | None

    def __bool__(self) -> bool:
        return bool(self.nearest) or self.moving is not None


def want(tasks: Iterable[ReviewTask]) -> None:
    """Have evidence gathered for *tasks* that came to a desk, unless it is there already."""
    wanted = {task.prediction_id for task in tasks if task.prediction_id is not None}
    known = Evidence.objects.filter(pk__in=wanted).values_list("pk", flat=True) if wanted else ()
    if missing := sorted(wanted.difference(known)):
        events.announce_wanted(missing)


def of(task: ReviewTask) -> Shown | None:
    """Return the evidence for the prediction of *task*; None while none was gathered.

    Of the documents near it those count that have gold now, with the labels that stand now.
    """
    gathered = Evidence.objects.select_related("prediction__first")
    found = gathered.filter(pk=task.prediction_id).first()
    if found is None:
        return None
    moving, label = None, found.prediction.first
    if found.passage and label and found.before is not None and found.without is not None:
        moving = Moving(found.passage, label, found.before, found.without)
    return Shown(_decided(task.project, found.nearest), moving)


def _decided(project: Project, nearest: Sequence[tuple[int, float]]) -> list[Decided]:
    similarity = {int(pk): float(share) for pk, share in nearest if share >= ALIKE}
    if not similarity:
        return []
    gold = GoldLabel.objects.usable(project).filter(document__in=similarity)
    beginning = Substr("document__text", 1, 2 * EXAMPLE_SHOWN)
    rows = gold.annotate(beginning=beginning).values_list(
        "document", F("document__subject"), "beginning", "label__name", "granted_at"
    )
    found: dict[int, Decided] = {}
    for pk, subject, text, name, granted_at in rows.order_by("pk"):
        one = found.setdefault(pk, Decided(subject, shortened(text), similarity[pk], granted_at))
        one.labels.extend([name] if name is not None else [])
    return sorted(found.values(), key=lambda each: -each.similarity)[:SHOWN]
