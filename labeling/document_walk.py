"""Find documents in an order, a page at a time, however many there are.

Where a filter leaves few, those are all looked at. Otherwise one index is walked along, and each
document on the way looked up: no further than MOST_LOOKED_AT, after which the reader may go on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db.models import Q
from django.utils.dateparse import parse_datetime

from labeling import document_words
from labeling.document_filters import DocumentFilter
from labeling.models import Document, Prediction, Project
from labeling.models.documents import DocumentQuerySet
from labeling.models.predictions import PredictionQuerySet

FEW = 5_000  # documents: looking them all up takes tens of milliseconds
FEW_TO_SEARCH = 2_000  # of them where each must be asked whether a search finds it, 0.2 ms each
MOST_LOOKED_AT = 20_000  # documents for one page: half a second
STRIDES = (500, 2_000, 7_500)  # documents looked up together, growing while few are found


class Step(NamedTuple):
    """A document on the way, and the place from which one goes on after it."""

    document: int
    place: str


@dataclass(frozen=True, slots=True)
class Found:
    """Documents of one page, in order.

    following: the place to go on from; empty at the end.
    number: of all that were found; None where nobody counted.
    looked_at: how many documents were looked at, where the way was not walked to its end.
    is_cut: only the newest FEW that the search finds were put in order.
    """

    documents: tuple[int, ...]
    following: str
    number: int | None = None
    looked_at: int = 0
    is_cut: bool = False


Stride = Callable[[str, int], list[Step]]


class Way(NamedTuple):
    """How to walk on from a place, and the filters that no document on the way need be asked."""

    stride: Stride
    answers: frozenset[str]


def find(project: Project, asked: DocumentFilter, *, after: str, most: int) -> Found:
    """Return up to *most* documents of *project* that meet *asked*, behind the place *after*."""
    few, is_cut = _few(project, asked)
    if few is not None:
        return _among(few, asked, after=after, most=most, is_cut=is_cut)
    return _along(_way(project, asked), asked, after=after, most=most)


def _few(project: Project, asked: DocumentFilter) -> tuple[list[int] | None, bool]:
    """Return the documents worth looking at where they are few; whether a search found more."""
    found = None
    if search := asked.search:
        found = document_words.find(project, search, most=FEW + 1)
        if len(found) <= FEW:
            return found, False
    most = min(FEW, FEW_TO_SEARCH) if found else FEW
    for superset in asked.supersets(project):
        ids = set(superset[: most + 1])
        if len(ids) <= most:
            return _holding(project, asked, ids), False
    return (found[:FEW], True) if found and asked.by_margin else (None, False)


def _holding(project: Project, asked: DocumentFilter, ids: set[int]) -> list[int]:
    """Return which of *ids* the search finds, if there is one: it walks past them all."""
    search = asked.search
    if not search:
        return list(ids)
    return document_words.among(project, search, ids)


def _among(
    ids: Sequence[int], asked: DocumentFilter, *, after: str, most: int, is_cut: bool
) -> Found:
    # Without the project: SQLite would walk through all of its documents for the order.
    documents = asked.meeting(Document.objects.filter(pk__in=ids))
    if asked.by_margin:
        matching = Prediction.objects.current().filter(document__in=documents)
        steps, number = _closest(matching, after, most + 1), matching.count()
    else:
        order = _latest if asked.search else _newest
        steps, number = order(documents, after, most + 1), documents.count()
    return _page(steps, most, number=number, is_cut=is_cut)


def _page(
    steps: list[Step], most: int, *, number: int | None = None, is_cut: bool = False
) -> Found:
    following = steps[most - 1].place if len(steps) > most else ""
    return Found(tuple(step.document for step in steps[:most]), following, number, is_cut=is_cut)


def _along(way: Way, asked: DocumentFilter, *, after: str, most: int) -> Found:
    """Walk until the page is full, the way ends, or MOST_LOOKED_AT documents were looked at."""
    if set(asked.asked) <= way.answers:
        return _page(way.stride(after, most + 1), most)
    found: list[Step] = []
    looked_at, place, sizes = 0, after, list(STRIDES)
    while looked_at < MOST_LOOKED_AT:
        size = min(sizes.pop(0) if len(sizes) > 1 else sizes[0], MOST_LOOKED_AT - looked_at)
        steps = way.stride(place, size)
        meeting = asked.meeting(Document.objects.filter(pk__in=[step.document for step in steps]))
        kept = set(meeting.values_list("pk", flat=True))
        found += [step for step in steps if step.document in kept]
        if len(found) > most or len(steps) < size:
            return _page(found, most)
        looked_at, place = looked_at + len(steps), steps[-1].place
    return Found(tuple(step.document for step in found), place, looked_at=looked_at)


def _way(project: Project, asked: DocumentFilter) -> Way:
    """Return the index to walk along, which leaves least to look up."""
    if asked.by_margin:
        return _by_margin(project, asked)
    if search := asked.search:
        return Way(
            lambda after, most: [
                Step(pk, str(pk))
                for pk in document_words.find(project, search, below=_number(after), most=most)
            ],
            frozenset({"q", "order"}),
        )
    documents = asked.days(project.documents.all())
    return Way(
        lambda after, most: _newest(documents, after, most), frozenset({"since", "until", "order"})
    )


def _by_margin(project: Project, asked: DocumentFilter) -> Way:
    """Walk along the margins of a label, of a bucket, or of all buckets at once."""
    predictions = Prediction.objects.current().filter(project=project)
    if asked.margin_from is not None:
        predictions = predictions.filter(margin__gte=asked.margin_from)
    if asked.margin_to is not None:
        predictions = predictions.filter(margin__lte=asked.margin_to)
    if asked.predicted:
        parts, also = [predictions.filter(first=asked.predicted)], {"label", "label_is"}
    else:
        buckets = [asked.bucket] if asked.bucket else Prediction.Bucket.values
        parts, also = [predictions.filter(bucket=bucket) for bucket in buckets], {"bucket"}

    def stride(after: str, most: int) -> list[Step]:
        rows = [row for part in parts for row in _margin_rows(part, after, most)]
        return _margin_steps(sorted(rows)[:most])

    return Way(stride, frozenset({"margin_from", "margin_to", "order", *also}))


def _closest(predictions: PredictionQuerySet, after: str, most: int) -> list[Step]:
    return _margin_steps(_margin_rows(predictions, after, most))


def _margin_steps(rows: Sequence[tuple[float, int, int]]) -> list[Step]:
    return [Step(document, f"{margin!r}_{pk}") for margin, pk, document in rows]


def _margin_rows(
    predictions: PredictionQuerySet, after: str, most: int
) -> list[tuple[float, int, int]]:
    """Return margin, primary key and document of the closest calls behind *after*."""
    margin, _, pk = after.partition("_")
    try:
        place = (float(margin), int(pk)) if int(pk) < 2**63 else None
    except ValueError:
        place = None
    if place:
        # The second condition is what the index can seek to.
        beyond = Q(margin__gt=place[0]) | Q(margin=place[0], pk__gt=place[1])
        predictions = predictions.filter(beyond, margin__gte=place[0])
    return list(predictions.order_by("margin", "pk").values_list("margin", "pk", "document")[:most])


def _newest(documents: DocumentQuerySet, after: str, most: int) -> list[Step]:
    if place := _moment(after):
        at, pk = place
        beyond = Q(imported_at__lt=at) | Q(imported_at=at, pk__lt=pk)
        documents = documents.filter(beyond, imported_at__lte=at)
    rows = documents.order_by("-imported_at", "-pk").values_list("pk", "imported_at")[:most]
    return [Step(pk, f"{at.isoformat()}_{pk}") for pk, at in rows]


def _latest(documents: DocumentQuerySet, after: str, most: int) -> list[Step]:
    """Order by number, as searches find."""
    documents = documents.filter(pk__lt=_number(after)).order_by("-pk")
    return [Step(pk, str(pk)) for pk in documents.values_list("pk", flat=True)[:most]]


def _number(place: str) -> int:
    """Return the number a page ended with, or one above all when unreadable."""
    return int(place) if place.isdecimal() and len(place) < 19 else document_words.BEYOND_ALL


def _moment(place: str) -> tuple[datetime, int] | None:
    """Return the moment and the number a page ended with, or None when unreadable."""
    moment, _, pk = place.partition("_")
    try:
        at = parse_datetime(moment)
    except ValueError:
        at = None
    is_readable = at is not None and at.tzinfo is not None
    return (at, int(pk)) if at and is_readable and pk.isdecimal() and len(pk) < 19 else None
