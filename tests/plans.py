"""How the database means to find rows: what reads a whole table is seen while it is short.

Not seen: a table read whole through an index of it, or more of it sorted than is wanted; ask for
the index by name where that matters.
"""

import re
from contextlib import contextmanager

from django.db import connection
from django.test.utils import CaptureQueriesContext

GROWING = {
    f"labeling_{name}"
    for name in (
        "document",
        "documentwords",
        "prediction",
        "reviewtask",
        "annotation",
        "goldlabel",
        "auditentry",
    )
}
WHOLE = {
    "postgresql": re.compile(r"Seq Scan on (\w+)"),
    # A search by FTS5 is a scan that names its M for MATCH.
    "sqlite": re.compile(r"^SCAN (\w+)\b(?! VIRTUAL TABLE INDEX \d+:\S*M)"),
}
ALIAS = re.compile(r'(?:FROM|JOIN) "(labeling_\w+)" "?(\w+)"?')


@contextmanager
def full_scans():
    """Yield a list: afterwards the queries inside that only a growing table read whole can answer.

    PostgreSQL is asked to do without wherever it can: a table of a test is read whole at once.
    """
    found = []
    with CaptureQueriesContext(connection) as asked:
        yield found
    queries = [each["sql"] for each in asked if re.match(r"SELECT|UPDATE|DELETE", each["sql"])]
    assert queries
    found += [(sql, whole) for sql in queries if (whole := scanned(sql))]


def scanned(sql):
    """Return the growing tables that *sql* reads whole, by their own names."""
    names = {alias: table for table, alias in ALIAS.findall(sql)}
    pattern = WHOLE[connection.vendor]
    found = {match[1] for line in plan(sql) for match in pattern.finditer(line)}
    return sorted({names.get(name, name) for name in found} & GROWING)


def plan(sql):
    """Return the lines of the plan of *sql*."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(f"EXPLAIN {sql}")
            return [line.strip() for (line,) in cursor.fetchall()]
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return [row[3] for row in cursor.fetchall()]
