"""Take documents into a project: fast, in constant memory, and any number of times."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db import connection, transaction

from labeling import audit, document_words, events, gold, only_one
from labeling.models import Document, Label, Project

BATCH = 2_000  # rows looked up, and written, together
BATCH_CHARACTERS = 8_000_000  # of text, after which a batch is closed early
ERRORS_KEPT = 1_000  # the first ones in full; the others are only counted


@dataclass(frozen=True, slots=True)
class Row:
    """One document as a source tells it, cleaned and within bounds (see document_files).

    external_id: the id of the source system; derived from the text where empty.
    labels: keys of the labels the source vouches for, each once; empty: none fits; None: not said.
    line: where it stood in its file, from 1; 0 when it came from no file.
    """

    external_id: str
    text: str
    subject: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be a document, and why."""

    line: int
    reason: str


@dataclass(slots=True)
class ImportReport:
    """What became of the rows of one import.

    added: new documents. unchanged: stood already under this id with this text.
    duplicates: this text stands already under another id. gold: documents that got gold.
    errors: (line, reason) of the first bad rows; error_count counts all of them.
    labels_ignored: rows with labels in an import that was not asked for gold.
    """

    added: int = 0
    unchanged: int = 0
    duplicates: int = 0
    gold: int = 0
    labels_ignored: int = 0
    error_count: int = 0
    errors: list[tuple[int, str]] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return self.added + self.unchanged + self.duplicates + self.error_count

    def reject(self, line: int, reason: str) -> None:
        self.error_count += 1
        if len(self.errors) < ERRORS_KEPT:
            self.errors.append((line, reason))


class ImportStopped(Exception):
    """A strict import met a bad row; nothing was stored."""

    def __init__(self, line: int, reason: str) -> None:
        self.line, self.reason = line, reason
        super().__init__(f"line {line}: {reason}")


def fingerprint(subject: str, text: str) -> str:
    """Return the SHA-256 of subject and text, in hexadecimal.

    Raises:
        UnicodeEncodeError: either holds a lone surrogate.
    """
    return hashlib.sha256(f"{subject}\x1f{text}".encode()).hexdigest()


def import_documents(
    project: Project,
    rows: Iterable[Row | BadRow],
    *,
    actor: User | None,
    now: datetime,
    gold: bool = False,
    strict: bool = False,
    progress: Callable[[int], object] | None = None,
) -> ImportReport:
    """Store what is new in *rows*, a batch per transaction; running it again adds nothing.

    Args:
        gold: take the rows' labels as gold for documents that have none yet.
        strict: one transaction for all, stopped and undone by the first bad row.
        progress: told the number of rows dealt with, after every batch.

    Raises:
        ImportStopped: with *strict* only.
    """
    intake = _Intake(project, now=now, gold=gold, strict=strict)
    source = iter(rows)
    with transaction.atomic() if strict else nullcontext():
        is_first, is_last = True, False
        while not is_last:
            batch, is_last = _batch(source)
            with transaction.atomic():
                intake.take(batch)
                if is_last:
                    _finish(project, intake.report, actor=actor, now=now)
                elif is_first:  # so that nothing stands unexplained should the rest never come
                    audit.record("began importing documents", project=project, actor=actor, now=now)
            if progress:
                progress(intake.report.rows)
            is_first = False
    return intake.report


def _batch(source: Iterator[Row | BadRow]) -> tuple[list[Row | BadRow], bool]:
    """Return the next rows, fewer than BATCH where texts are long, and whether they end it."""
    batch, characters = [], 0
    for row in source:
        batch.append(row)
        characters += len(row.text) if isinstance(row, Row) else 0
        if len(batch) == BATCH or characters > BATCH_CHARACTERS:
            return batch, False
    return batch, True


def _finish(project: Project, report: ImportReport, *, actor: User | None, now: datetime) -> None:
    counts = {"added": report.added, "gold": report.gold, "errors": report.error_count}
    audit.record("imported documents", project=project, actor=actor, now=now, detail=counts)
    # Also when all stood already: an import that died half-way announced nothing.
    if report.added or report.unchanged:
        events.announce(events.documents_imported, project_id=project.pk)


class _Fresh(NamedTuple):
    """A row with its fingerprint and its id settled."""

    row: Row
    external_id: str
    fingerprint: str


_Stored = dict[str, tuple[int, str]]  # external id to primary key and fingerprint


class _Intake:
    """One running import: the project's labels, and the report so far."""

    def __init__(self, project: Project, *, now: datetime, gold: bool, strict: bool) -> None:
        self.project, self.now, self.gold, self.strict = project, now, gold, strict
        self.report = ImportReport()
        labels = project.labels.all() if gold else Label.objects.none()
        self.keys = dict(labels.values_list("pk", "key"))
        named = list(labels.assignable().values_list("key", "pk", "one_of"))
        self.labels = {key: pk for key, pk, _ in named}
        self.lines = {pk: one_of for _, pk, one_of in named}

    def take(self, batch: Sequence[Row | BadRow]) -> None:
        """Store one batch, inside the caller's transaction."""
        rows = self._unrepeated(self._judged(batch))
        stored = _stored_by_id(self.project, [each.external_id for each in rows])
        unknown = [each for each in rows if each.external_id not in stored]
        taken = _taken_fingerprints(self.project, [each.fingerprint for each in unknown])
        new = [each for each in unknown if each.fingerprint not in taken]
        added = _insert(self.project, new, now=self.now)
        self.report.added += added
        self.report.duplicates += len(unknown) - added
        standing = [each for each in rows if self._stands(each, stored)]
        if self.gold:
            self._grant(new, standing, stored)

    def _reject(self, line: int, reason: str) -> None:
        if self.strict:
            raise ImportStopped(line, reason)
        self.report.reject(line, reason)

    def _judged(self, batch: Sequence[Row | BadRow]) -> Iterator[_Fresh]:
        """Yield what may be stored; count and report the rest."""
        for row in batch:
            reason = row.reason if isinstance(row, BadRow) else self._fault(row)
            if reason or isinstance(row, BadRow):
                self._reject(row.line, reason)
                continue
            digest = fingerprint(row.subject, row.text)
            yield _Fresh(row, row.external_id or f"sha256-{digest}", digest)

    def _fault(self, row: Row) -> str:
        """Return why *row* may not go in; empty when it may."""
        if not (row.subject.strip() or row.text.strip()):
            return "neither subject nor text"
        if row.labels is None:
            return ""
        if not self.gold:
            self.report.labels_ignored += 1
            return ""
        unknown = [key for key in row.labels if key not in self.labels]
        if unknown:
            return f"“{unknown[0][:60]}” is no assignable label of this project"
        if not self.project.is_multi and len(row.labels) > 1:
            return f"a single-label project takes one label, not {len(row.labels)}"
        chosen = {self.labels[key]: self.lines[self.labels[key]] for key in row.labels}
        return self._clash(found) if (found := only_one.clash(chosen)) else ""

    def _clash(self, found: Sequence[int]) -> str:
        one, two, group = (self.keys[pk][:60] for pk in found)
        return f"labels: only one of the labels under “{group}”; leave out “{one}” or “{two}”"

    def _unrepeated(self, rows: Iterable[_Fresh]) -> list[_Fresh]:
        """Return the rows whose id and text did not occur earlier in the batch."""
        by_id: dict[str, str] = {}
        texts: set[str] = set()
        kept = []
        for each in rows:
            if each.external_id in by_id:
                self._repeated(each, by_id[each.external_id])
            elif each.fingerprint in texts:
                self.report.duplicates += 1
            else:
                by_id[each.external_id] = each.fingerprint
                texts.add(each.fingerprint)
                kept.append(each)
        return kept

    def _stands(self, each: _Fresh, stored: _Stored) -> bool:
        """Say whether the document of this row stood already; report a contradiction."""
        known = stored.get(each.external_id)
        return known is not None and self._repeated(each, known[1])

    def _repeated(self, each: _Fresh, known: str) -> bool:
        if each.fingerprint == known:
            self.report.unchanged += 1
            return True
        self._reject(
            each.row.line,
            f"“{each.external_id}” stands already with another text; documents are never "
            "edited: import it under a new id",
        )
        return False

    def _grant(self, new: Sequence[_Fresh], standing: Sequence[_Fresh], stored: _Stored) -> None:
        """Make the labels of new and of still open documents gold."""
        stored = stored | _stored_by_id(self.project, [each.external_id for each in new])
        grants = [
            (stored[each.external_id][0], [self.labels[key] for key in dict.fromkeys(labels)])
            for each in (*new, *standing)
            if (labels := each.row.labels) is not None and each.external_id in stored
        ]
        if grants:
            self.report.gold += gold.grant_imported_bulk(self.project, grants, self.now)


def _stored_by_id(project: Project, external_ids: Sequence[str]) -> _Stored:
    rows = _standing(project, "external_id", external_ids)
    return {external_id: (pk, digest) for pk, external_id, digest in rows}


def _taken_fingerprints(project: Project, fingerprints: Sequence[str]) -> set[str]:
    return {digest for _, _, digest in _standing(project, "fingerprint", fingerprints)}


def _standing(project: Project, column: str, values: Sequence[str]) -> list[tuple[int, str, str]]:
    """Return (primary key, external id, fingerprint) where *column* is one of *values*.

    Written out, for a queryset prepares each value by itself, which takes twice as long.
    """
    if not values:
        return []
    quote, table = connection.ops.quote_name, Document._meta.db_table
    marks = ", ".join(["%s"] * len(values))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, external_id, fingerprint FROM {quote(table)} "
            f"WHERE project_id = %s AND {quote(column)} IN ({marks})",
            [project.pk, *values],
        )
        return list(cursor.fetchall())


COLUMNS = [
    "project_id", "external_id", "subject", "text", "metadata", "fingerprint", "imported_at",
]  # fmt: skip


def _insert(project: Project, rows: Sequence[_Fresh], *, now: datetime) -> int:
    """Store *rows*; return how many went in, for another import may have been faster.

    One prepared statement for all: bulk_create builds a model per row and cuts SQLite's
    statements at 999 parameters, which takes three times as long.
    """
    if not rows:
        return 0
    quote = connection.ops.quote_name
    columns = ", ".join(map(quote, COLUMNS))
    marks = ", ".join(["%s"] * len(COLUMNS))
    table = quote(Document._meta.db_table)
    at = connection.ops.adapt_datetimefield_value(now)
    above = document_words.last()
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING",
            [
                (
                    project.pk,
                    each.external_id,
                    each.row.subject,
                    each.row.text,
                    json.dumps(each.row.metadata) if each.row.metadata else "{}",
                    each.fingerprint,
                    at,
                )
                for each in rows
            ],
        )
        added = int(cursor.rowcount)
    document_words.add(above=above)
    return added
