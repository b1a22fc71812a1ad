"""What a file of labels would change, as acts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from labeling.taxonomy_acts import EDITED, Act, Create, Edit, Restore, Retire, Standing
from labeling.taxonomy_entries import TaxonomyEntry

LATER: Final = ("exclusions", "overlaps")
"""Fields that may name labels of the same file, which must stand first."""


def between(standing: Standing, stated: Sequence[TaxonomyEntry]) -> list[Act]:
    """Return the acts that make of what stands what *stated* says; labels not named stay.

    As when a file is published: an entry says everything about its label, and two labels overlap
    when either says so.
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
    acts += _edits(standing, named, overlaps)
    acts += [
        Retire(key, entry.successor)
        for key, entry in named.items()
        if entry.retired and not (key in standing and standing[key].retired)
    ]
    return acts


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
