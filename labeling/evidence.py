"""Show a reviewer what speaks for a prediction: decisions on documents like it, and a passage."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import F

from labeling import events
from labeling.desk import BEGINNING, shortened
from labeling.models import Evidence, GoldLabel, Label, ReviewTask

SHOWN: Final = 3  # documents
ALIKE: Final = 0.5
"""Cosine below which two texts have little to do with each other, by the built-in encoder."""

SAME: Final = 0.95
"""Cosine from which two texts are near-duplicates (training.leaks counts them so, too)."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A document that people decided before. similarity: to the one on the card, in [-1, 1].

    labels: that stand; none: nothing fits.
    """

    subject: str
    text: str
    similarity: float
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
    """Have evidence gathered for *tasks* that came to a desk, unless it is there already.

    For those that are judged without a prediction there is none.
    """
    wanted = {each.prediction_id for each in tasks if each.prediction_id and not each.is_blind}
    known = Evidence.objects.filter(pk__in=wanted).values_list("pk", flat=True) if wanted else ()
    if missing := sorted(wanted.difference(known)):
        events.announce(events.evidence_wanted, prediction_ids=missing)


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
    return Shown(_decided(found.nearest), moving)


def _decided(nearest: Sequence[tuple[int, float]]) -> list[Decided]:
    similarity = {int(pk): float(share) for pk, share in nearest if share >= ALIKE}
    if not similarity:
        return []
    gold = GoldLabel.objects.gold().filter(document__in=similarity).select_related("label")
    rows: Any = gold.annotate(subject=F("document__subject"), beginning=BEGINNING).order_by("pk")
    found: dict[int, Decided] = {}
    outdated = set()
    for each in rows:
        if each.label and not each.label.is_usable:
            outdated.add(each.document_id)
        found.setdefault(
            each.document_id,
            Decided(each.subject, shortened(each.beginning), similarity[each.document_id]),
        ).labels.extend([each.label.name] if each.label else [])
    shown = [one for pk, one in found.items() if pk not in outdated]
    return sorted(shown, key=lambda each: -each.similarity)[:SHOWN]
