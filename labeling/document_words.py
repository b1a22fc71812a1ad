"""The words of all documents, by which they are found (decision 0023).

In a table of their own, which Django knows nothing of: tsvectors with a GIN index on PostgreSQL,
kept by a trigger; FTS5 on SQLite, where whoever stores documents adds their words and a trigger
takes out those of what is deleted. Migration 0009 makes both.
"""

import unicodedata
from collections.abc import Collection, Iterable

from django.db import connection

from labeling.models import Project
from labeling.search import Search, Term

# The first 100,000 characters of a text, as in migration 0009.
SQLITE_ADD = """
    INSERT INTO labeling_documentwords (rowid, project, words)
    SELECT id, 'p' || project_id, subject || char(10) || substr(text, 1, 100000)
    FROM labeling_document WHERE id > %s
"""
FIND = {
    "sqlite": "SELECT rowid FROM labeling_documentwords WHERE labeling_documentwords MATCH %s",
    "postgresql": """
        SELECT document_id FROM labeling_documentwords
        WHERE words @@ (%s::tsquery && to_tsquery('simple', %s))
    """,
}
NUMBER = {"sqlite": "rowid", "postgresql": "document_id"}
BEYOND_ALL = 2**63 - 1


def last() -> int:
    """Return the highest number of a document; `add` takes those above it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT COALESCE(MAX(id), 0) FROM labeling_document")
        return int(cursor.fetchone()[0])


def add(*, above: int) -> None:
    """Make the documents numbered *above* findable, in the transaction that stored them.

    In one statement, for SQLite writes its index out after each: by a trigger it takes three times
    as long. PostgreSQL has done it by itself.
    """
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(SQLITE_ADD, [above])


def find(project: Project, search: Search, *, below: int = BEYOND_ALL, most: int) -> list[int]:
    """Return the documents of *project* that *search* finds, by primary key, the newest first."""
    number = NUMBER[connection.vendor]
    return _ask(
        project, search, f"AND {number} < %s ORDER BY {number} DESC LIMIT %s", [below, most]
    )


def among(project: Project, search: Search, ids: Collection[int]) -> list[int]:
    """Return which of *ids* are documents of *project* that *search* finds."""
    if not ids:
        return []
    if connection.vendor == "sqlite":  # which would look each up by itself, in milliseconds
        wanted = set(ids)
        found = _ask(project, search, "AND rowid BETWEEN %s AND %s", [min(ids), max(ids)])
        return [pk for pk in found if pk in wanted]
    marks = ", ".join(["%s"] * len(ids))
    return _ask(project, search, f"AND document_id IN ({marks})", ids)


def _ask(project: Project, search: Search, more: str, numbers: Iterable[int]) -> list[int]:
    if connection.vendor == "sqlite":
        asked = [_match(project, search)]
    else:
        asked = [f"' {project.pk}'", _tsquery(search)]
    with connection.cursor() as cursor:
        cursor.execute(f"{FIND[connection.vendor]} {more}", [*asked, *numbers])
        return [row[0] for row in cursor.fetchall()]


def _match(project: Project, search: Search) -> str:
    """Write *search* as FTS5 has it: every term a quoted string, which can hold no operator."""
    wanted = [f'project : "p{project.pk}"', *map(_fts5_term, search.wanted)]
    match = " AND ".join(wanted)
    if search.excluded:
        match = f"({match}) NOT ({' OR '.join(map(_fts5_term, search.excluded))})"
    return match


def _fts5_term(term: Term) -> str:
    return f'words : "{term.words}"{" *" if term.is_prefix else ""}'


def _tsquery(search: Search) -> str:
    """Write *search* as to_tsquery has it: every term quoted; within there are no signs."""
    terms = [
        f"{'!' if term.is_excluded else ''}'{term.words}'{':*' if term.is_prefix else ''}"
        for term in search.terms
    ]
    return unicodedata.normalize("NFD", " & ".join(terms))
