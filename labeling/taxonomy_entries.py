"""What one label of a taxonomy says, and what may be wrong with a whole set of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

Name = TypeVar("Name", int, str)
"""By which labels are named: ids, or keys."""

KEY_LENGTH = 200  # Label.key
NAME_LENGTH = 300  # Label.name
ALIASES = 20  # of one label: all are sent to every reviewer's browser
ALIAS_LENGTH = 100  # characters


@dataclass(frozen=True, slots=True)
class TaxonomyEntry:
    """Everything a file or a form says about one label; labels are named by their keys.

    aliases: other names, by which people find it; no model reads them.
    exclusions: (situation, key of the label to use instead or None), in order.
    successor: of a retired label, the key of the one to use instead.
    only_one: whether a document is given only one of the labels below it.
    row: where it stood in its file, counted from 1; 0 when it came from no file.
    """

    key: str
    name: str
    parent: str | None = None
    description: str = ""
    exclusions: tuple[tuple[str, str | None], ...] = ()
    assignable: bool = True
    examples: tuple[str, ...] = ()
    overlaps: tuple[str, ...] = ()
    retired: bool = False
    aliases: tuple[str, ...] = ()
    successor: str | None = None
    only_one: bool = False
    row: int = field(default=0, compare=False)


def content(entry: TaxonomyEntry) -> dict[str, Any]:
    """Return *entry* as its edition keeps it: plain JSON."""
    return {
        "name": entry.name,
        "aliases": list(entry.aliases),
        "parent": entry.parent,
        "description": entry.description,
        "exclusions": [{"situation": text, "use": use} for text, use in entry.exclusions],
        "examples": list(entry.examples),
        "overlaps": list(entry.overlaps),
        "assignable": entry.assignable,
        "retired": entry.retired,
        "successor": entry.successor,
        "only_one": entry.only_one,
    }


def entry_of(key: str, content: Mapping[str, Any]) -> TaxonomyEntry:
    """Return the entry that *content* keeps; an old edition lacks what came later."""
    exclusions = [(each["situation"], each["use"]) for each in content.get("exclusions", ())]
    return TaxonomyEntry(
        key=key,
        name=content["name"],
        parent=content.get("parent"),
        description=content.get("description", ""),
        exclusions=tuple(exclusions),
        assignable=content.get("assignable", True),
        examples=tuple(content.get("examples", ())),
        overlaps=tuple(content.get("overlaps", ())),
        retired=content.get("retired", False),
        aliases=tuple(content.get("aliases", ())),
        successor=content.get("successor"),
        only_one=content.get("only_one", False),
    )


def heir_of(closed: Name, successors: Mapping[Name, Name | None]) -> Name | None:
    """Return the first label in the line of successors that can still be given, if there is one.

    Args:
        successors: of every label that can be given no more.
    """
    seen = {closed}
    heir = successors[closed]
    while heir is not None and heir in successors and heir not in seen:
        seen.add(heir)
        heir = successors[heir]
    return None if heir in successors else heir


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in one field of one row, with what to do about it."""

    row: int
    field: str
    message: str
    remedy: str

    def __str__(self) -> str:
        place = f"row {self.row}, {self.field}" if self.row else self.field
        return f"{place}: {self.message}. {self.remedy}"


class BadTaxonomy(Exception):
    """Nothing was changed: every problem found, in the order of the rows."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = sorted(problems, key=lambda problem: problem.row)
        super().__init__("\n".join(map(str, self.problems)))


def find_problems(
    entries: Sequence[TaxonomyEntry], parents: Mapping[str, str | None]
) -> list[Problem]:
    """Return what keeps *entries* from being published into a taxonomy.

    Args:
        parents: key of each label that stands already to the key of its parent.
    """
    stated = {entry.key: entry.parent for entry in entries}
    merged = {**parents, **stated}
    problems = list(_duplicates(entries))
    for entry in entries:
        problems += _texts(entry)
        problems += _references(entry, merged)
    if not problems:
        problems += _cycles(entries, merged)
    return problems


def _duplicates(entries: Sequence[TaxonomyEntry]) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for entry in entries:
        if entry.key in first:
            yield Problem(
                entry.row,
                "id",
                f"“{entry.key}” stands already in row {first[entry.key]}",
                "Give each label an id of its own.",
            )
        first.setdefault(entry.key, entry.row)


def _texts(entry: TaxonomyEntry) -> Iterator[Problem]:
    if not entry.key:
        yield Problem(entry.row, "id", "the id is empty", "Give the label a short, stable id.")
    elif len(entry.key) > KEY_LENGTH or ";" in entry.key:
        yield Problem(
            entry.row,
            "id",
            f"“{entry.key[:60]}” is longer than {KEY_LENGTH} characters or holds a semicolon",
            "Use a short id without semicolons; files separate ids by them.",
        )
    if not entry.name:
        yield Problem(entry.row, "name", "the name is empty", "Say in a few words what it is.")
    elif len(entry.name) > NAME_LENGTH:
        yield Problem(
            entry.row,
            "name",
            f"the name is longer than {NAME_LENGTH} characters",
            "Shorten it and move the rest to the description.",
        )
    if len(entry.aliases) > ALIASES or any(len(each) > ALIAS_LENGTH for each in entry.aliases):
        yield Problem(
            entry.row,
            "aliases",
            f"there are more than {ALIASES}, or one is longer than {ALIAS_LENGTH} characters",
            "Keep the names people really use.",
        )
    if any(not situation for situation, _ in entry.exclusions):
        yield Problem(
            entry.row,
            "exclusions",
            "an exclusion says no situation",
            "Write “Not for <situation>; use <id>.”",
        )


def _references(entry: TaxonomyEntry, known: Mapping[str, str | None]) -> Iterator[Problem]:
    named = [("parent", entry.parent)]
    named += [("exclusions", use) for _, use in entry.exclusions]
    named += [("overlaps", other) for other in entry.overlaps]
    named += [("successor", entry.successor)]
    for column, key in named:
        if key is None:
            continue
        if key == entry.key:
            yield Problem(
                entry.row, column, f"“{key}” names itself", "Name another label, or leave it out."
            )
        elif key not in known:
            yield Problem(
                entry.row,
                column,
                f"no label has the id “{key}”",
                "Add that label to the file, or correct the id.",
            )


def _cycles(
    entries: Sequence[TaxonomyEntry], parents: Mapping[str, str | None]
) -> Iterator[Problem]:
    """Yield one problem per cycle, at the first of its rows."""
    settled: set[str] = set()
    for entry in entries:
        path: dict[str, None] = {}
        key: str | None = entry.key
        while key is not None and key not in settled and key not in path:
            path[key] = None
            key = parents.get(key)
        if key is not None and key in path:
            ring = [*list(path)[list(path).index(key) :], key]
            yield Problem(
                entry.row,
                "parent",
                f"the parents run in a circle: {' → '.join(ring)}",
                "Give one of these labels another parent, or none.",
            )
        settled.update(path)
