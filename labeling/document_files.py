"""Read documents from JSONL and CSV files, plain or compressed, one row at a time."""

import csv
import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn

from labeling import csv_cells
from labeling.document_fields import KNOWN, METADATA_LIMIT, BadField, Treatments, to_row
from labeling.documents import BadRow, Row
from labeling.text_lines import LINE_LIMIT, EndsEarly, TextLines

# One cell may be as long as one line. The module keeps this limit for the whole process.
csv.field_size_limit(LINE_LIMIT)


class DocumentFile:
    """The rows of one file, good and bad, with what was done to them on the way."""

    def __init__(self, path: Path, name: str = "") -> None:
        self.name = name or path.name
        self.treatments: Treatments = Counter()
        self._lines = TextLines(path)

    @property
    def size(self) -> int:
        """Bytes, as stored."""
        return self._lines.size

    @property
    def position(self) -> int:
        """Bytes read so far."""
        return self._lines.position

    def __iter__(self) -> Iterator[Row | BadRow]:
        lines = iter(self._lines)
        read = 0
        try:
            blank, first = _first_line(lines)
            rows = _from_jsonl if first.lstrip()[:1] in ("{", "[", "") else _from_csv
            for row in rows(chain([first], lines), self.treatments, blank + 1):
                read = row.line
                yield row
        except EndsEarly as error:
            yield BadRow(read + 1, str(error))
        finally:
            self._count_lines()

    def _count_lines(self) -> None:
        if self._lines.repaired:
            self.treatments["line was not UTF-8"] = self._lines.repaired
        if self._lines.stripped:
            self.treatments["line held NUL characters, removed"] = self._lines.stripped


def _first_line(lines: Iterator[str]) -> tuple[int, str]:
    """Return how many empty lines a file begins with, and the line after them."""
    blank = 0
    for line in lines:
        if line.strip():
            return blank, line
        blank += 1
    return blank, ""


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _finite(digits: str) -> float:
    if not math.isfinite(value := float(digits)):
        raise ValueError(f"the number {digits[:40]} is too large")
    return value


# strict=False: raw tabs and line breaks inside strings, which many exports contain.
_decoder = json.JSONDecoder(strict=False, parse_constant=_no_constant, parse_float=_finite)


def _from_jsonl(lines: Iterator[str], treatments: Treatments, start: int) -> Iterator[Row | BadRow]:
    for number, line in enumerate(lines, start):
        if len(line) >= LINE_LIMIT:
            _skip_line(line, lines)
            yield BadRow(number, f"the line is longer than {LINE_LIMIT:,} bytes")
        elif stripped := line.strip():
            yield _row_of(stripped, number, treatments)


def _skip_line(line: str, lines: Iterator[str]) -> None:
    while line and not line.endswith("\n"):
        line = next(lines, "")


def _row_of(line: str, number: int, treatments: Treatments) -> Row | BadRow:
    try:
        fields = _decoder.decode(line)
    except RecursionError:
        return BadRow(number, "the row is nested too deeply")
    except json.JSONDecodeError as error:
        return BadRow(number, f"no valid JSON: {error.msg} at character {error.pos + 1}")
    except ValueError as error:
        return BadRow(number, f"no valid JSON: {error}")
    if not isinstance(fields, dict):
        return BadRow(number, "a row must be a JSON object, one on each line")
    # Without an escape, valid JSON holds neither NUL nor half a character.
    plain = "\\u" not in line and len(line) <= METADATA_LIMIT
    return _checked(fields, number, treatments, plain=plain)


def _checked(
    fields: dict[str, Any], number: int, treatments: Treatments, *, plain: bool = False
) -> Row | BadRow:
    try:
        return to_row(fields, line=number, treatments=treatments, plain=plain)
    except BadField as error:
        return BadRow(number, str(error))


def _from_csv(lines: Iterator[str], treatments: Treatments, start: int) -> Iterator[Row | BadRow]:
    first = next(lines)
    delimiter = max(",;\t", key=lambda mark: len(KNOWN & set(_header(first, mark))))
    # strict: else a quote that is never closed takes all that follows for one cell, unnoticed.
    reader = csv.reader(chain([first], lines), delimiter=delimiter, strict=True)
    header: list[str] = []
    while True:
        number = start + reader.line_num
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if header:
                yield BadRow(number, _csv_fault(error))
                continue
            cells = []
        if not header:
            header = _names(cells)
            if not {"text", "subject"} & set(header):
                yield BadRow(number, "neither JSON nor CSV with a column named text or subject")
                return
        elif cells:
            yield _row_of_cells(header, cells, number, treatments)


def _csv_fault(error: csv.Error) -> str:
    if "unexpected end of data" in str(error):
        return "a quote that this row opens is never closed: nothing after it was read"
    return f"no valid CSV: {error}"


def _header(line: str, delimiter: str) -> list[str]:
    """Return the names of the columns; none when the line is no CSV."""
    try:
        names = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []
    return _names(names)


def _names(cells: Sequence[str]) -> list[str]:
    return [" ".join(cell.split()).lower() for cell in cells]


def _row_of_cells(
    header: Sequence[str], cells: Sequence[str], number: int, treatments: Treatments
) -> Row | BadRow:
    if len(cells) > len(header):
        return BadRow(number, f"{len(cells)} cells under {len(header)} columns")
    fields: dict[str, Any] = dict(zip(header, map(csv_cells.restore, cells), strict=False))
    if metadata := fields.get("metadata"):
        try:
            fields["metadata"] = _decoder.decode(metadata)
        except (ValueError, RecursionError):
            return BadRow(number, "metadata is no valid JSON")
    return _checked(fields, number, treatments)
