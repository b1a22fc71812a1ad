"""Find labels by words, here for readers without JavaScript, in typeahead.js for all others."""

from dataclasses import dataclass

from labeling.models import Label, Project

FOUND = 20
DESCRIPTION = 160  # characters sent to the typeahead
WITH_PATH = "parent__parent__parent"  # the three levels above a label


def look_up(project: Project, words: str) -> list[Label]:
    """Return the labels to give that have all *words* in their texts; names come first."""
    wanted = words.casefold().split()
    if not wanted:
        return []
    assignable = project.labels.assignable()
    ranked = []  # in Python, for SQLite tells Ü from ü
    columns = ("pk", "name", "key", "aliases", "description", "position")
    for row in assignable.values_list(*columns, named=True):
        name = row.name.casefold()
        everything = f"{name} {row.key} {' '.join(row.aliases)} {row.description}".casefold()
        if all(word in everything for word in wanted):
            rank = (not name.startswith(wanted[0]), wanted[0] not in name, row.position)
            ranked.append((rank, row.pk))
    best = [pk for _, pk in sorted(ranked)[:FOUND]]
    labels = assignable.select_related(WITH_PATH).in_bulk(best)
    return [labels[pk] for pk in best]


def path_of(label: Label) -> str:
    """Return the names above *label*, topmost first; three levels, selected WITH_PATH."""
    names: list[str] = []
    above = label.parent
    while above is not None and len(names) < 3:
        names.insert(0, above.name)
        above = above.parent if len(names) < 3 else None
    return " / ".join(names)


@dataclass(frozen=True, slots=True)
class _Place:
    parent_id: int | None
    name: str


@dataclass(frozen=True, slots=True)
class Described:
    """A label that may be given, as the typeahead and programs are told of it."""

    id: int
    key: str
    name: str
    path: str
    description: str
    aliases: list[str]
    one_of: list[int]


def described(project: Project) -> list[Described]:
    """Return every assignable label in the order of the taxonomy, in one query."""
    rows = project.labels.active().values_list(
        "pk", "key", "parent", "name", "description", "aliases", "is_assignable", "one_of",
        named=True,
    )  # fmt: skip
    places = {row.pk: _Place(row.parent, row.name) for row in rows}
    return [
        Described(
            row.pk,
            row.key,
            row.name,
            _path(places, row.parent),
            row.description,
            row.aliases,
            row.one_of,
        )
        for row in rows
        if row.is_assignable
    ]


def typeahead(project: Project) -> list[tuple[int, str, str, str, list[str], list[int]]]:
    """Return what the browser needs of every assignable label.

    (id, name, path, beginning of the description, aliases, as Label.one_of)
    """
    return [
        (each.id, each.name, each.path, each.description[:DESCRIPTION], each.aliases, each.one_of)
        for each in described(project)
    ]


def _path(places: dict[int, _Place], parent_id: int | None) -> str:
    names: list[str] = []
    while parent_id in places and len(names) < len(places):
        names.insert(0, places[parent_id].name)
        parent_id = places[parent_id].parent_id
    return " / ".join(names)
