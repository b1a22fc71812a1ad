"""Which documents somebody wants to see: a value, the questions it puts, and its address."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from labeling.models import (
    Annotation,
    GoldLabel,
    Label,
    Prediction,
    Project,
    ReviewTask,
)
from labeling.models.documents import DocumentQuerySet
from labeling.search import Search, parse

PREDICTED, GOLD = "predicted", "gold"
IMPORTED = "imported"
NEWEST, CLOSEST = "newest", "closest"
MEANING = "meaning"


@dataclass(frozen=True, slots=True)
class DocumentFilter:
    """What is asked of a project's documents; what is empty is not asked. The names of the address.

    label_is: where the label stands: PREDICTED first, which is also meant when empty, or GOLD.
    margin_from, margin_to: in [0, 1], both included.
    since, until: days of import, both included.
    queue: reason of the queue in which it is open.
    bundle: beginning of the digest of the model that predicted it.
    gold: "yes" or "no".
    decided: a kind of judgement that stands on it, or IMPORTED.
    order: NEWEST or CLOSEST; when empty, the closest calls of a bucket and the newest of all else.
    by: MEANING where `q` is not words to be found but something like which documents should be;
        these come nearest first.
    """

    q: str = ""
    by: str = ""
    bucket: str = ""
    label: Label | None = None
    label_is: str = ""
    margin_from: float | None = None
    margin_to: float | None = None
    since: date | None = None
    until: date | None = None
    reviewer: User | None = None
    queue: str = ""
    bundle: str = ""
    gold: str = ""
    decided: str = ""
    order: str = ""

    @property
    def search(self) -> Search | None:
        return None if self.by_meaning else parse(self.q)

    @property
    def by_meaning(self) -> bool:
        return self.by == MEANING and bool(self.q)

    @property
    def by_margin(self) -> bool:
        return (self.order or (CLOSEST if self.bucket and not self.q else NEWEST)) == CLOSEST

    @property
    def predicted(self) -> Label | None:
        return None if self.label_is == GOLD else self.label

    @property
    def gold_label(self) -> Label | None:
        return self.label if self.label_is == GOLD else None

    @property
    def asked(self) -> dict[str, str]:
        """What is asked, by the names of the address, as it is written there."""
        named = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: written(value) for name, value in named.items() if value not in ("", None)}

    @property
    def address(self) -> str:
        return urlencode(self.asked)

    def days(self, documents: DocumentQuerySet) -> DocumentQuerySet:
        """Keep the documents of the days asked for."""
        if self.since:
            documents = documents.filter(imported_at__gte=beginning(self.since))
        if self.until and self.until < date.max:
            documents = documents.filter(imported_at__lt=beginning(self.until + timedelta(days=1)))
        return documents

    @property
    def prediction(self) -> Q:
        """What is asked of the current prediction; empty where nothing is."""
        asked = {
            "bucket": self.bucket or None,
            "first": self.predicted,
            "margin__gte": self.margin_from,
            "margin__lte": self.margin_to,
            "bundle__startswith": self.bundle or None,
        }
        return Q(**{name: value for name, value in asked.items() if value is not None})

    def meeting(self, documents: DocumentQuerySet) -> DocumentQuerySet:
        """Keep the documents that meet all but the search, a look-up by index for each."""
        documents = self.days(documents)
        if self.gold:
            documents = documents.filter(gold_at__isnull=self.gold == "no")
        return documents.filter(*(Exists(rows) for rows in self._rows()))

    def _rows(self) -> Iterator[QuerySet[Any]]:
        """Yield the rows of other tables of which a document must have one."""
        if self.prediction:
            yield Prediction.objects.current().filter(self.prediction, document=OuterRef("pk"))
        if self.gold_label:
            yield GoldLabel.objects.gold().filter(label=self.gold_label, document=OuterRef("pk"))
        if self.queue:
            queue = Q(queue__reason=self.queue, document=OuterRef("pk"))
            yield ReviewTask.objects.open().filter(queue)
        if self.decided == IMPORTED:
            yield GoldLabel.objects.gold().filter(annotation=None, document=OuterRef("pk"))
        elif self.decided or self.reviewer:
            judged = Annotation.objects.standing().filter(task__document=OuterRef("pk"))
            judged = judged.filter(kind=self.decided) if self.decided else judged
            yield judged.filter(reviewer=self.reviewer) if self.reviewer else judged

    def supersets(self, project: Project) -> list[QuerySet[Any, int]]:
        """Return ids of documents among which all found are, as an index has them, in any order.

        One that proves short is all that need be looked at.
        """
        current = Prediction.objects.current().filter(project=project)
        tasks = ReviewTask.objects.open().filter(queue__project=project, queue__reason=self.queue)
        gold = GoldLabel.objects.gold().order_by()
        judged = Annotation.objects.filter(project=project).order_by()
        by_person = judged.filter(reviewer=self.reviewer) if self.reviewer else judged
        is_judged = self.decided != IMPORTED and (self.decided or self.reviewer)
        has_gold = self.gold == "yes" or self.decided == IMPORTED
        by_index: list[tuple[Any, QuerySet[Any], str]] = [
            (self.predicted, current.filter(first=self.predicted), "document"),
            (self.gold_label, gold.filter(label=self.gold_label), "document"),
            (self.bucket, current.filter(bucket=self.bucket), "document"),
            (self.queue, tasks, "document"),
            (is_judged, by_person, "task__document"),
            (self.gold == "no", project.documents.open(), "pk"),
            (has_gold, gold.filter(project=project), "document"),
            (self.since or self.until, self.days(project.documents.all()), "pk"),
        ]
        return [rows.values_list(name, flat=True) for asked, rows, name in by_index if asked]


def beginning(day: date) -> datetime:
    """Return when *day* begins where the site is."""
    return timezone.make_aware(datetime.combine(day, time.min))


def written(value: Any) -> str:
    """Write one value as an address has it: labels by key, people by user name, shares in %."""
    if isinstance(value, Label):
        return value.key
    if isinstance(value, User):
        return value.get_username()
    return f"{100 * value:g}" if isinstance(value, float) else str(value)
