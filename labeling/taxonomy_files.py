"""Read taxonomies from JSON and CSV files, and write them so that nothing is lost."""

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from labeling import csv_cells, skos
from labeling.document_fields import clean
from labeling.taxonomy_entries import BadTaxonomy, Problem, TaxonomyEntry
from labeling.text_lines import EndsEarly, TextLines

FILE_LIMIT = 50 * 1024 * 1024  # characters; 5,000 labels with long texts take 10 MB
ROWS_LIMIT = 20_000  # four times the largest taxonomy that is supported
COLUMNS = [
    "id", "name", "parent", "description", "exclusions", "assignable", "examples", "overlaps",
    "retired", "aliases", "successor", "only_one",
]  # fmt: skip

# “Not for <situation>; use <id>.” — the full stop, the use and the “Not for” may be missing.
EXCLUSION = re.compile(
    r"^(?:not\s+for\s+)?(?P<situation>.*?)(?:\s*[;,]\s*use\s+(?P<use>[^\s;]+?))?\s*\.?\s*$",
    re.IGNORECASE | re.DOTALL,
)
TURTLE = re.compile(r"^\s*@?prefix\s[^\n]*<", re.IGNORECASE | re.MULTILINE)
BEGINNING = 5_000  # characters within which a Turtle file names its first prefix
TRUE = {"true", "yes", "1", ""}
FALSE = {"false", "no", "0"}


def read(path: Path) -> list[TaxonomyEntry]:
    """Return the labels in the JSON or CSV file at *path*.

    Raises:
        BadTaxonomy: with every row that cannot be read.
    """
    try:
        text = "".join(_limited(TextLines(path)))
    except EndsEarly as error:
        raise _unreadable(str(error)) from error
    return parse(text)


def parse(text: str) -> list[TaxonomyEntry]:
    """Return the labels in *text*: a JSON list, {"labels": […]}, CSV with a header, or SKOS.

    Raises:
        BadTaxonomy: with every row that cannot be read.
    """
    if TURTLE.search(text[:BEGINNING]):
        return skos.read(text)
    reader = _Rows()
    rows = _json_rows(text) if text.lstrip()[:1] in ("[", "{") else _csv_rows(text)
    if len(rows) > ROWS_LIMIT:
        raise _unreadable(f"the file has more than {ROWS_LIMIT:,} rows; is it a taxonomy?")
    entries = [reader.entry(number, fields) for number, fields in enumerate(rows, 1)]
    if reader.problems:
        raise BadTaxonomy(reader.problems)
    if not entries:
        raise _unreadable("the file holds no label")
    return entries


def parse_exclusion(text: str) -> tuple[str, str | None]:
    """Return the situation and the id of the label to use instead, if one is named.

    >>> parse_exclusion("Not for lost cards; use card_lost.")
    ('lost cards', 'card_lost')
    """
    said = " ".join(text.split())  # runs of spaces would take the expression hours
    found = EXCLUSION.match(said)
    if found is None:
        return said, None
    return found["situation"].strip(), found["use"]


def _limited(lines: Iterable[str]) -> Iterable[str]:
    room = FILE_LIMIT
    for line in lines:
        room -= len(line)
        if room < 0:
            raise _unreadable(f"the file is longer than {FILE_LIMIT:,} characters")
        yield line


def _unreadable(message: str) -> BadTaxonomy:
    remedy = "Send a JSON list of labels, or CSV with at least the columns id and name."
    return BadTaxonomy([Problem(0, "file", message, remedy)])


def _json_rows(text: str) -> Sequence[Any]:
    try:
        rows = json.loads(text, strict=False)
    except RecursionError:
        raise _unreadable("the JSON is nested too deeply") from None
    except ValueError as error:
        raise _unreadable(f"no valid JSON: {error}") from error
    if isinstance(rows, dict):
        rows = rows.get("labels")
    if not isinstance(rows, list):
        raise _unreadable("the JSON is no list of labels")
    return rows


def _csv_rows(text: str) -> Sequence[Mapping[str, Any]]:
    header = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.DictReader(
        io.StringIO(text, newline=""), delimiter=delimiter, restkey="", strict=True
    )
    try:
        rows = [
            {str(name).strip().lower(): _restored(cell) for name, cell in row.items()}
            for row in islice(reader, ROWS_LIMIT + 1)
        ]
    except csv.Error as error:
        raise _unreadable(f"no valid CSV: {error}") from error
    names = {name.strip().lower() for name in reader.fieldnames or ()}
    if not {"id", "name"} <= names:
        raise _unreadable("the columns id and name are missing")
    return rows


def _restored(cell: Any) -> Any:
    return csv_cells.restore(cell) if isinstance(cell, str) else cell


@dataclass(frozen=True, slots=True)
class _Cell:
    """One field of one row, on its way to a value."""

    row: int
    name: str
    value: Any


class _Rows:
    """Reads rows one by one and gathers what is wrong with them."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def entry(self, number: int, fields: Any) -> TaxonomyEntry:
        """Return the label that *fields* describe; what is wrong joins `problems`."""
        if not isinstance(fields, Mapping):
            self._refuse(_Cell(number, "row", fields), "is no object", "Write {…} for each label.")
            fields = {}
        cells = {name: _Cell(number, name, fields.get(name)) for name in COLUMNS}
        if fields.get(""):
            self._refuse(
                _Cell(number, "row", fields), "has more cells than columns", "Quote the cells."
            )
        return TaxonomyEntry(
            key=self._text(cells["id"]),
            name=self._text(cells["name"]),
            parent=self._text(cells["parent"]) or None,
            description=self._text(cells["description"]),
            exclusions=tuple(self._exclusion(cell) for cell in self._list(cells["exclusions"])),
            assignable=self._flag(cells["assignable"], default=True),
            examples=tuple(self._texts(cells["examples"])),
            overlaps=tuple(self._texts(cells["overlaps"])),
            retired=self._flag(cells["retired"], default=False),
            aliases=self._names(cells["aliases"]),
            successor=self._text(cells["successor"]) or None,
            only_one=self._flag(cells["only_one"], default=False),
            row=number,
        )

    def _refuse(self, cell: _Cell, message: str, remedy: str) -> None:
        self.problems.append(Problem(cell.row, cell.name, message, remedy))

    def _text(self, cell: _Cell) -> str:
        if cell.value is None:
            return ""
        if isinstance(cell.value, int) and not isinstance(cell.value, bool):
            return str(cell.value)
        if not isinstance(cell.value, str):
            self._refuse(cell, "is no text", "Write it as text.")
            return ""
        return clean(cell.value).strip()

    def _texts(self, cell: _Cell) -> list[str]:
        texts = [self._text(each) for each in self._list(cell)]
        return list(dict.fromkeys(text for text in texts if text))

    def _names(self, cell: _Cell) -> tuple[str, ...]:
        """Return the texts of *cell*, each on one line, as forms show them."""
        return tuple(dict.fromkeys(" ".join(text.split()) for text in self._texts(cell)))

    def _list(self, cell: _Cell) -> list[_Cell]:
        """Return the parts: of a list, of a cell holding a JSON list, or between separators."""
        value = cell.value
        if isinstance(value, str):
            value = self._split(cell, value)
        if value is not None and not isinstance(value, list):
            self._refuse(cell, "is no list", "Write a list, or leave it out.")
            value = None
        return [_Cell(cell.row, cell.name, part) for part in value or ()]

    def _split(self, cell: _Cell, text: str) -> list[Any]:
        text = text.strip()
        if text.startswith("["):
            try:
                return list(json.loads(text, strict=False))
            except (ValueError, RecursionError):
                self._refuse(cell, "is no valid JSON list", 'Write it as ["…", "…"].')
                return []
        # Exclusions hold semicolons of their own: one a line.
        parts = text.split(";") if cell.name == "overlaps" else text.splitlines()
        return [part for part in parts if part.strip()]

    def _exclusion(self, cell: _Cell) -> tuple[str, str | None]:
        if not isinstance(cell.value, Mapping):
            return parse_exclusion(self._text(cell))
        situation = _Cell(cell.row, cell.name, cell.value.get("situation"))
        use = _Cell(cell.row, cell.name, cell.value.get("use"))
        return self._text(situation), self._text(use) or None

    def _flag(self, cell: _Cell, *, default: bool) -> bool:
        if cell.value is None or cell.value == "":
            return default
        if isinstance(cell.value, bool):
            return cell.value
        word = str(cell.value).strip().lower()
        if word not in TRUE | FALSE:
            self._refuse(cell, f"“{word[:20]}” is neither true nor false", "Write true or false.")
        return word in TRUE
