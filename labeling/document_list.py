"""The documents of a project, a page at a time, without ever reading their texts."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Prefetch, Q

from labeling.models import Document, GoldLabel, Label, Prediction, Project
from labeling.models.documents import DocumentQuerySet

PAGE = 50  # documents


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """What a list says of one document; its prediction is None until there is one."""

    document: Document
    prediction: Prediction | None
    gold: tuple[Label | None, ...]


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """Some documents, and where the next page begins; empty at the end."""

    rows: tuple[DocumentRow, ...]
    following: str


@dataclass(frozen=True, slots=True)
class DocumentCounts:
    """How many documents there are, how many have gold, and how they were predicted."""

    total: int
    gold: int
    buckets: dict[str, int]


def page(project: Project, *, bucket: str = "", after: str = "") -> DocumentPage:
    """Return the newest documents, or those of a bucket with the closest calls first.

    Args:
        after: `following` of the page before. What cannot be read starts at the beginning.
    """
    if bucket:
        ids, following = _by_margin(project, bucket, after)
    else:
        ids, following = _newest(project, after)
    documents = _with_standing().in_bulk(ids)
    return DocumentPage(tuple(_row(documents[pk]) for pk in ids if pk in documents), following)


def counts(project: Project) -> DocumentCounts:
    """Count by index alone: rows are as long as their texts, and reading them takes seconds."""
    total = project.documents.count()
    current = Prediction.objects.current().filter(project=project)
    buckets = dict(current.values_list("bucket").annotate(number=Count("pk")).order_by())
    return DocumentCounts(total, total - project.documents.open().count(), buckets)


def _newest(project: Project, after: str) -> tuple[list[int], str]:
    documents = project.documents.order_by("-pk")
    if after.isdecimal() and len(after) < 19:
        documents = documents.filter(pk__lt=int(after))
    ids = list(documents.values_list("pk", flat=True)[: PAGE + 1])
    return ids[:PAGE], str(ids[PAGE - 1]) if len(ids) > PAGE else ""


def _by_margin(project: Project, bucket: str, after: str) -> tuple[list[int], str]:
    found = Prediction.objects.current().filter(project=project, bucket=bucket)
    if cursor := _cursor(after):
        margin, pk = cursor
        # The second condition is what the index can seek to.
        beyond = Q(margin__gt=margin) | Q(margin=margin, pk__gt=pk)
        found = found.filter(beyond, margin__gte=margin)
    rows = list(found.order_by("margin", "pk").values_list("margin", "pk", "document")[: PAGE + 1])
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    following = f"{last[0]!r}_{last[1]}" if last else ""
    return [row[2] for row in rows[:PAGE]], following


def _cursor(after: str) -> tuple[float, int] | None:
    """Return the margin and the prediction a page ended with, or None when unreadable."""
    margin, _, pk = after.partition("_")
    try:
        return (float(margin), int(pk)) if int(pk) < 2**63 else None
    except ValueError:
        return None


def _with_standing() -> DocumentQuerySet:
    current = Prediction.objects.current().select_related("first")
    gold = GoldLabel.objects.gold().select_related("label").order_by("pk")
    return Document.objects.without_bodies().prefetch_related(
        Prefetch("predictions", current.defer("candidates", "label_ids"), to_attr="current"),
        Prefetch("gold", gold, to_attr="standing"),
    )


def _row(document: Document) -> DocumentRow:
    current: Sequence[Prediction] = document.current  # type: ignore[attr-defined]
    standing: Sequence[GoldLabel] = document.standing  # type: ignore[attr-defined]
    return DocumentRow(
        document=document,
        prediction=current[0] if current else None,
        gold=tuple(each.label for each in standing),
    )
