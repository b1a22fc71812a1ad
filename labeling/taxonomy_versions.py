"""What two versions of a taxonomy say differently, label by label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import OuterRef, Subquery

from labeling.models import LabelEdition, Project
from labeling.taxonomy_entries import TaxonomyEntry, entry_of
from labeling.wording import difference

Entries = Mapping[str, TaxonomyEntry]
Worded = tuple[str, list[tuple[str, str]]]
"""What is said, and its words: ("same" | "removed" | "added", text) in reading order."""

TOP: Final = "the top"
WHOLE: Final = ("Stands under", "Only one of these", "Use", "Retired")
"""What is not set beside each other word by word."""
KINDS: Final = ("added", "retired", "restored", "renamed", "moved", "reworded")


def standing(project: Project, number: int) -> dict[str, TaxonomyEntry]:
    """Return what every label said in version *number*, by key, in the order of the tree now."""
    until = LabelEdition.objects.filter(label=OuterRef("pk"), version__number__lte=number)
    newest = until.order_by("-version__number").values("pk")[:1]
    chosen = project.labels.order_by().values(newest=Subquery(newest))
    editions = LabelEdition.objects.filter(pk__in=chosen).order_by("label__position", "label")
    rows = editions.values_list("label__key", "content")
    return {key: entry_of(key, content) for key, content in rows}


def said(entry: TaxonomyEntry, entries: Entries | None = None) -> dict[str, str]:
    """Return all that *entry* says, as texts by what they are; a blank one, without name, nothing.

    Args:
        entries: by which the labels it speaks of are named; by their keys without.
    """

    def name(key: str) -> str:
        return entries[key].name if entries and key in entries else key

    exclusions = (
        f"{situation} → {name(use)}" if use else situation for situation, use in entry.exclusions
    )
    heir = f"use {name(entry.successor)}" if entry.successor else "nothing takes its place"
    return {
        "Name": entry.name,
        "Stands under": name(entry.parent) if entry.parent else TOP if entry.name else "",
        "Description": entry.description,
        "Aliases": "\n".join(entry.aliases),
        "Exclusions": "\n".join(exclusions),
        "Examples": "\n".join(entry.examples),
        "Overlaps": "\n".join(map(name, sorted(entry.overlaps))),
        "Only one of these": "yes" if entry.only_one else "",
        "Use": "" if entry.assignable else "groups only",
        "Retired": heir if entry.retired else "",
    }


def differing(before: TaxonomyEntry, after: TaxonomyEntry) -> list[str]:
    """Return what the two do not say alike; a label that was renamed is still the same."""
    old, new = said(before), said(after)
    return [name for name in new if old[name] != new[name]]


def worded(
    before: TaxonomyEntry,
    after: TaxonomyEntry,
    old: Entries | None = None,
    new: Entries | None = None,
) -> list[Worded]:
    """Return each text that differs, with the words that do; as `said` names labels."""
    was, is_now = said(before, old), said(after, new)
    return [
        (name, list(_words(name, was[name], is_now[name]))) for name in differing(before, after)
    ]


def _words(name: str, was: str, is_now: str) -> Iterator[tuple[str, str]]:
    if name not in WHOLE:
        yield from difference(was, is_now)
        return
    if was:
        yield "removed", was
    if was and is_now:
        yield "same", " "
    if is_now:
        yield "added", is_now


@dataclass(frozen=True, slots=True)
class Changed:
    """A label of which two versions do not say the same. before: a blank one where it is new."""

    before: TaxonomyEntry
    after: TaxonomyEntry
    kinds: Sequence[str]


def compare(old: Entries, new: Entries) -> list[Changed]:
    """Return what became of the labels of *old* in *new*, a later version."""
    known = ((old.get(key), after) for key, after in new.items())
    found = (
        Changed(before or TaxonomyEntry(after.key, ""), after, list(_kinds(before, after)))
        for before, after in known
    )
    return [each for each in found if each.kinds]


def _kinds(before: TaxonomyEntry | None, after: TaxonomyEntry) -> Iterator[str]:
    if after.retired and (before is None or before.retired):
        return  # nobody sees it in either
    if before is None:
        yield "added"
        return
    names = set(differing(before, after))
    if "Retired" in names:
        yield "retired" if after.retired else "restored"
    if "Name" in names:
        yield "renamed"
    if "Stands under" in names:
        yield "moved"
    if names - {"Retired", "Name", "Stands under"}:
        yield "reworded"


def numbers(changes: Sequence[Changed]) -> list[tuple[str, int]]:
    """Return how many labels each kind of change has met, in the order of KINDS."""
    found = Counter(kind for each in changes for kind in each.kinds)
    return [(kind, found[kind]) for kind in KINDS if found[kind]]
