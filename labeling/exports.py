"""Give back what people put in: the taxonomy, and the gold with its documents."""

import json
from collections.abc import Iterator
from typing import Any

from django.db.models import Prefetch

from labeling import csv_cells, taxonomies
from labeling.document_fields import NONE_FITS
from labeling.models import Document, GoldLabel, Project
from labeling.taxonomy_files import COLUMNS

FORMATS = {"json": "application/json", "jsonl": "application/jsonl", "csv": "text/csv"}
CHUNK = 500  # documents in memory at a time
GOLD_COLUMNS = ["id", "subject", "text", "metadata", "labels"]


def taxonomy(project: Project, *, format_: str) -> Iterator[str]:
    """Yield the taxonomy as JSON or CSV; importing it again changes nothing."""
    rows = ({"id": entry.key, **taxonomies.content(entry)} for entry in taxonomies.entries(project))
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
