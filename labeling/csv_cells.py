"""Write cells that no spreadsheet takes for a formula, and read them back as they were."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

# What spreadsheets take for a formula, behind any apostrophes that were put before it already.
RISKY = re.compile(r"'*[=+\-@\t\r]")


def neutralise(cell: str) -> str:
    """Return *cell* with an apostrophe before what a spreadsheet would calculate.

    >>> neutralise("=1+1")
    "'=1+1"
    """
    return f"'{cell}" if RISKY.match(cell) else cell


def restore(cell: str) -> str:
    """Return *cell* as it was before `neutralise`."""
    return cell[1:] if cell.startswith("'") and RISKY.match(cell) else cell


def lines(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield *rows* as lines of CSV, their cells neutralised."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    for row in rows:
        writer.writerow([neutralise(cell) for cell in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
