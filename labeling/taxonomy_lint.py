"""What is doubtful in a taxonomy, though nothing forbids it: told while it is edited."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from labeling.taxonomy_entries import TaxonomyEntry

ALIKE: Final = 0.7
"""Share of words that two labels have in common from which they look like one."""

WORD = re.compile(r"\w{3,}")

Entries = Mapping[str, TaxonomyEntry]


@dataclass(frozen=True, slots=True)
class Remark:
    """One doubtful thing about one label, with what to do about it."""

    key: str
    message: str
    remedy: str


def remarks(entries: Entries, keys: Collection[str]) -> list[Remark]:
    """Return what is doubtful about the labels of *keys* among all *entries*, in their order."""
    found: list[Remark] = []
    for key, entry in entries.items():
        if key in keys and not entry.retired:
            for check in CHECKS:
                found += check(entry, entries)
    return found


def _undescribed(entry: TaxonomyEntry, _: Entries) -> Iterator[Remark]:
    if entry.assignable and not entry.description.strip():
        yield Remark(
            entry.key,
            f"“{entry.name}” has no description",
            "Say in a sentence or two what belongs there: predictions rest on it.",
        )


def _contradicting(entry: TaxonomyEntry, entries: Entries) -> Iterator[Remark]:
    """A situation that two labels send to each other belongs nowhere."""
    for situation, use in entry.exclusions:
        other = entries.get(use or "")
        back = (
            {_plain(text) for text, there in other.exclusions if there == entry.key}
            if other
            else ()
        )
        if other and _plain(situation) in back:
            yield Remark(
                entry.key,
                f"“{entry.name}” and “{other.name}” send “{situation}” to each other",
                "Take the exclusion out of the one it belongs to.",
            )


def _astray(entry: TaxonomyEntry, entries: Entries) -> Iterator[Remark]:
    for situation, use in entry.exclusions:
        other = entries.get(use or "")
        if other and (other.retired or not other.assignable):
            state = "is retired" if other.retired else "only groups others"
            yield Remark(
                entry.key,
                f"“{entry.name}” sends “{situation}” to “{other.name}”, which {state}",
                "Name a label that a document may be given.",
            )


def _alike(entry: TaxonomyEntry, entries: Entries) -> Iterator[Remark]:
    for other in entries.values():
        if other.key == entry.key or other.retired or not (entry.assignable and other.assignable):
            continue
        if other.key in entry.overlaps:
            continue
        if alike(entry, other) >= ALIKE:
            yield Remark(
                entry.key,
                f"“{entry.name}” reads nearly like “{other.name}”",
                "Say what tells them apart, mark them as overlapping, or merge them.",
            )


def _alone(entry: TaxonomyEntry, entries: Entries) -> Iterator[Remark]:
    if entry.parent is None or entry.parent not in entries:
        return
    siblings = [
        each for each in entries.values() if each.parent == entry.parent and not each.retired
    ]
    if len(siblings) == 1 and not entries[entry.parent].assignable:
        yield Remark(
            entry.key,
            f"“{entry.name}” stands alone under “{entries[entry.parent].name}”",
            "A group of one says nothing: add a sibling, or move it up.",
        )


CHECKS: Final = (_undescribed, _contradicting, _astray, _alike, _alone)


def alike(one: TaxonomyEntry, two: TaxonomyEntry) -> float:
    """Return the share of words that both labels have, of all words of either, in [0, 1]."""
    if _plain(one.name) == _plain(two.name):
        return 1.0
    first, second = words(one), words(two)
    return len(first & second) / len(first | second) if first and second else 0.0


def words(entry: TaxonomyEntry) -> set[str]:
    return set(WORD.findall(f"{entry.name} {entry.description}".lower()))


def _plain(text: str) -> str:
    return " ".join(text.lower().split())
