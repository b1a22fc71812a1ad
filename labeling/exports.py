"""Give back what people put in: the taxonomy, the gold with its documents, documents found."""

import json
from collections.abc import Iterator
from typing import Any

from django.db.models import Prefetch

from labeling import csv_cells, document_walk, skos, taxonomies
from labeling.document_fields import NONE_FITS
from labeling.document_filters import DocumentFilter
from labeling.models import Document, GoldLabel, Prediction, Project
from labeling.taxonomy_entries import content
from labeling.taxonomy_files import COLUMNS

FORMATS = {
    "json": "application/json",
    "jsonl": "application/jsonl",
    "csv": "text/csv",
    "ttl": "text/turtle",  # of taxonomies alone
}
CHUNK = 500  # documents in memory at a time
FOUND_COLUMNS = ["id", "subject", "text", "predicted", "bucket", "probability", "margin", "labels"]
GOLD_COLUMNS = ["id", "subject", "text", "metadata", "labels"]


def taxonomy(project: Project, *, format_: str) -> Iterator[str]:
    """Yield the taxonomy as JSON, CSV or SKOS; importing it again changes nothing."""
    if format_ == "ttl":
        yield skos.write(taxonomies.entries(project))
        return
    rows = ({"id": entry.key, **content(entry)} for entry in taxonomies.entries(project))
    if format_ == "csv":
        yield from csv_cells.lines(_taxonomy_cells(rows))
        return
    separator = "[\n"
    for row in rows:
        yield separator + json.dumps(row, ensure_ascii=False)
        separator = ",\n"
    yield "\n]\n" if separator == ",\n" else "[]\n"


def gold(project: Project, *, format_: str) -> Iterator[str]:
    """Yield each gold document with the ids of its labels, as JSONL or CSV, oldest first."""
    rows = map(_gold_row, _gold_documents(project))
    if format_ == "csv":
        yield from csv_cells.lines(_gold_cells(rows))
    else:
        for row in rows:
            yield json.dumps(row, ensure_ascii=False) + "\n"


def found(project: Project, *, format_: str, asked: DocumentFilter) -> Iterator[str]:
    """Yield each document that meets *asked*, in its order, as JSONL or CSV.

    With what is predicted and what is gold, labels by id: none where nothing is, as in `gold`.
    """
    rows = map(_found_row, _found_documents(project, asked))
    if format_ == "csv":
        yield from csv_cells.lines(_found_cells(rows))
    else:
        for row in rows:
            yield json.dumps(row, ensure_ascii=False) + "\n"


def _taxonomy_cells(rows: Iterator[dict[str, Any]]) -> Iterator[list[str]]:
    yield COLUMNS
    for row in rows:
        yield [_cell(row[column]) for column in COLUMNS]


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False) if value else ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value or ""


def _gold_documents(project: Project) -> Iterator[Document]:
    labels = GoldLabel.objects.gold().select_related("label").order_by("pk")
    documents = project.documents.exclude(gold_at=None).order_by("pk")
    standing = Prefetch("gold", labels, to_attr="standing")
    return documents.prefetch_related(standing).iterator(chunk_size=CHUNK)


def _gold_row(document: Document) -> dict[str, Any]:
    standing: list[GoldLabel] = document.standing  # type: ignore[attr-defined]
    return {
        "id": document.external_id,
        "subject": document.subject,
        "text": document.text,
        "metadata": document.metadata,
        "labels": [each.label.key for each in standing if each.label],
    }


def _gold_cells(rows: Iterator[dict[str, Any]]) -> Iterator[list[str]]:
    yield GOLD_COLUMNS
    for row in rows:
        metadata = json.dumps(row["metadata"], ensure_ascii=False) if row["metadata"] else ""
        labels = ";".join(row["labels"]) or NONE_FITS
        yield [row["id"], row["subject"], row["text"], metadata, labels]


def _found_documents(project: Project, asked: DocumentFilter) -> Iterator[Document]:
    labels = GoldLabel.objects.gold().select_related("label").order_by("pk")
    current = Prediction.objects.current().select_related("first").defer("candidates")
    documents = Document.objects.defer("metadata").prefetch_related(
        Prefetch("gold", labels, to_attr="standing"),
        Prefetch("predictions", current, to_attr="current"),
    )
    after, is_first = "", True
    while after or is_first:
        page = document_walk.find(project, asked, after=after, most=CHUNK)
        whole = documents.in_bulk(page.documents)
        yield from (whole[pk] for pk in page.documents if pk in whole)
        after, is_first = page.following, False


def _found_row(document: Document) -> dict[str, Any]:
    current: list[Prediction] = document.current  # type: ignore[attr-defined]
    standing: list[GoldLabel] = document.standing  # type: ignore[attr-defined]
    prediction = current[0] if current else None
    return {
        "id": document.external_id,
        "subject": document.subject,
        "text": document.text,
        "predicted": prediction.first.key if prediction and prediction.first else None,
        "bucket": prediction.bucket if prediction else None,
        "probability": prediction.probability if prediction else None,
        "margin": prediction.margin if prediction else None,
        "labels": [each.label.key for each in standing if each.label] if standing else None,
    }


def _found_cells(rows: Iterator[dict[str, Any]]) -> Iterator[list[str]]:
    yield FOUND_COLUMNS
    for row in rows:
        labels = row["labels"]
        settled = "" if labels is None else ";".join(labels) or NONE_FITS
        cells = ["" if row[name] is None else str(row[name]) for name in FOUND_COLUMNS[:-1]]
        yield [*cells, settled]
