"""What a file of labels would change, as acts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from labeling.taxonomy_acts import EDITED, Act, Create, Edit, Restore, Retire, Standing, Work
from labeling.taxonomy_entries import TaxonomyEntry

LATER: Final = ("exclusions", "overlaps")
"""Fields that may name labels of the same file, which must stand first."""


def between(standing: Standing, stated: Sequence[TaxonomyEntry]) -> list[Act]:
    """Return the acts that make of what stands what *stated* says; labels not named stay.

    As when a file is published: an entry says everything about its label, and two labels overlap
    when either says so. What a file says of a label that it retires, but for its successor, is
    left aside.

    Raises:
        BadAct: no acts make of what stands what the file says.
    """
    named = {entry.key: entry for entry in stated}
    overlaps = {entry.key: set(entry.overlaps) for entry in stated}
    for entry in stated:
        for other in entry.overlaps:
            overlaps.setdefault(other, set()).add(entry.key)
    acts: list[Act] = [Create(bare) for bare in _new(standing, named)]
    acts += [
        Restore(key)
        for key, entry in named.items()
        if key in standing and standing[key].retired and not entry.retired
    ]
    edits = list(_edits(standing, named, overlaps))
    before = Work(dict(standing))
    if any(each.key in before.above(each.changes.get("parent")) for each in edits):
        # Some change places: all that move stand at the top meanwhile, or there were a circle.
        moved = [each.key for each in edits if "parent" in each.changes and each.key in standing]
        acts += [Edit(key, {"parent": None}) for key in moved if standing[key].parent is not None]
    acts += edits
    acts += _retired(standing, named)
    return acts


def _retired(standing: Standing, named: Mapping[str, TaxonomyEntry]) -> list[Retire]:
    """Return the labels to retire: each before the one that takes its place."""
    gone = {
        key: entry.successor
        for key, entry in named.items()
        if entry.retired and not (key in standing and standing[key].retired)
    }

    def line(key: str) -> int:
        """Return how many of the same file come after *key* in the line of successors."""
        seen, heir = [key], gone[key]
        while heir is not None and heir in gone and heir not in seen:
            seen.append(heir)
            heir = gone[heir]
        return len(seen)

    return [Retire(key, gone[key]) for key in sorted(gone, key=line, reverse=True)]


def _new(standing: Standing, named: Mapping[str, TaxonomyEntry]) -> Iterator[TaxonomyEntry]:
    """Yield labels that are new, each after the one above it, without what may name later ones."""
    done: set[str] = set()
    for first in named:
        path: list[str] = []
        key: str | None = first
        while key is not None and key in named and key not in standing.keys() | done | {*path}:
            path.append(key)
            key = named[key].parent
        for each in reversed(path):
            done.add(each)
            entry = named[each]
            yield TaxonomyEntry(
                entry.key,
                entry.name,
                entry.parent,
                entry.description,
                assignable=entry.assignable,
                examples=entry.examples,
                aliases=entry.aliases,
                only_one=entry.only_one,
            )


def _edits(
    standing: Standing, named: Mapping[str, TaxonomyEntry], overlaps: Mapping[str, set[str]]
) -> Iterator[Edit]:
    for key, entry in named.items():
        if entry.retired:
            continue
        known = standing.get(key)
        changes = {
            name: getattr(entry, name)
            for name in EDITED
            if name != "overlaps"
            and (name in LATER or known is not None)
            and getattr(entry, name) != (getattr(known, name) if known else ())
        }
        both = tuple(sorted(overlaps[key] - {key}))
        if both != (tuple(sorted(known.overlaps)) if known else ()):
            changes["overlaps"] = both
        if changes:
            yield Edit(key, changes)
