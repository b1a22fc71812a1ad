"""The documents of a project, a page at a time, without ever reading their texts whole."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from django.db.models import Prefetch
from django.db.models.functions import Substr

from labeling import document_walk
from labeling.counting import MOST_COUNTED, Rows
from labeling.document_filters import DocumentFilter
from labeling.excerpts import Part, excerpt, marked
from labeling.models import Document, GoldLabel, Label, Prediction, Project
from labeling.models.documents import DocumentQuerySet
from labeling.search import Search

PAGE = 50  # documents
READ = 10_000  # characters of a text, in which to show what was searched for
NO_WORD = Search(())  # by it nothing is marked, and an excerpt is the beginning


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """What a list says of one document; its prediction is None until there is one.

    subject, excerpt: what was searched for, marked; no excerpt where nothing was.
    similarity: to what was searched for by meaning, in [0, 1]; 0 where they point apart.
    """

    document: Document
    prediction: Prediction | None
    gold: tuple[Label | None, ...]
    subject: list[Part] = field(default_factory=list)
    excerpt: list[Part] = field(default_factory=list)
    similarity: float | None = None


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """Some documents; and how they were found, with where the next page begins."""

    rows: tuple[DocumentRow, ...]
    found: document_walk.Found


@dataclass(frozen=True, slots=True)
class DocumentCounts:
    """How many documents there are, how many are open, and how they were predicted.

    Counting stops at one above MOST_COUNTED.
    """

    total: int
    open: int
    buckets: dict[str, int]


def page(project: Project, asked: DocumentFilter | None = None, *, after: str = "") -> DocumentPage:
    """Return the documents of *project* that meet *asked*, in its order.

    Args:
        after: `following` of the page before. What cannot be read starts at the beginning.
    """
    asked = asked or DocumentFilter()
    found = document_walk.find(project, asked, after=after, most=PAGE)
    documents = _with_standing(asked.search).in_bulk(found.documents)
    rows = [_row(documents[pk], asked.search) for pk in found.documents if pk in documents]
    return DocumentPage(tuple(rows), found)


def nearest(project: Project, found: Sequence[tuple[int, float]]) -> DocumentPage:
    """Return documents of *project* that were *found* by meaning, with their similarities."""
    documents = _with_standing(NO_WORD).filter(project=project).in_bulk([pk for pk, _ in found])
    rows = [
        replace(_row(documents[pk], NO_WORD), similarity=max(similarity, 0.0))
        for pk, similarity in found
        if pk in documents
    ]
    return DocumentPage(tuple(rows), document_walk.Found(tuple(documents), "", number=len(rows)))


def counts(project: Project) -> DocumentCounts:
    """Count by index alone, and no further than one above MOST_COUNTED."""
    current = Prediction.objects.current().filter(project=project).order_by()
    counted = {
        "total": project.documents.order_by(),
        "open": project.documents.open().order_by(),
        **{bucket: current.filter(bucket=bucket) for bucket in Prediction.Bucket.values},
    }
    cut = {
        f"{name}_counted": Rows(rows.values("pk")[: MOST_COUNTED + 1])
        for name, rows in counted.items()
    }
    numbers = Project.objects.filter(pk=project.pk).annotate(**cut).values_list(*cut).get()
    number: dict[str, int] = dict(zip(counted, numbers, strict=True))
    buckets = {bucket: number[bucket] for bucket in Prediction.Bucket.values}
    return DocumentCounts(number["total"], number["open"], buckets)


def _with_standing(search: Search | None) -> DocumentQuerySet:
    current = Prediction.objects.current().select_related("first")
    gold = GoldLabel.objects.gold().select_related("label").order_by("pk")
    documents = Document.objects.without_bodies().prefetch_related(
        Prefetch("predictions", current.defer("candidates", "label_ids"), to_attr="current"),
        Prefetch("gold", gold, to_attr="standing"),
    )
    return documents.annotate(beginning=Substr("text", 1, READ)) if search else documents


def _row(document: Document, search: Search | None) -> DocumentRow:
    current: Sequence[Prediction] = document.current  # type: ignore[attr-defined]
    standing: Sequence[GoldLabel] = document.standing  # type: ignore[attr-defined]
    beginning: str = getattr(document, "beginning", "")
    return DocumentRow(
        document=document,
        prediction=current[0] if current else None,
        gold=tuple(each.label for each in standing),
        subject=marked(str(document)[:200], search) if search else [],
        excerpt=excerpt(beginning, search) if search else [],
    )
