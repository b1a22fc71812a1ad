"""What is doubtful in a taxonomy, though nothing forbids it: told while it is edited."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from labeling.taxonomy_entries import TaxonomyEntry

ALIKE: Final = 0.7
"""Share of words that two labels have in common from which they look like one."""

MOST: Final = 50  # remarks
FEW: Final = 3  # labels asked about, up to which all texts are looked through for their words

WORD = re.compile(r"\w{3,}")

Entries = Mapping[str, TaxonomyEntry]


@dataclass(frozen=True, slots=True)
class Remark:
    """One doubtful thing about one label, with what to do about it.

    other: key of another label that it speaks of.
    """

    key: str
    message: str
    remedy: str
    other: str = ""


def remarks(entries: Entries, keys: Collection[str]) -> list[Remark]:
    """Return what is doubtful about the labels of *keys* among all *entries*, MOST at most."""
    known = Known(entries, keys)
    found: list[Remark] = []
    for key in keys:
        entry = entries.get(key)
        if entry is not None and not entry.retired:
            for check in CHECKS:
                found += check(entry, known)
        if len(found) >= MOST:
            break
    return found[:MOST]


class Known:
    """All labels, with what the checks look up: who has which word, who stands under whom.

    Of a few labels, as while one is written, words are taken only of those that may read like them.
    """

    def __init__(self, entries: Entries, keys: Collection[str]) -> None:
        self.entries = entries
        self.words: dict[str, set[str]] = {}
        self.having: dict[str, list[str]] = {}
        self.named: dict[str, list[str]] = {}
        self.below: dict[str | None, int] = {}
        asked = [entries[key] for key in keys if key in entries]
        telling = {word for entry in asked for word in rarest(words(entry))}
        for key, entry in entries.items():
            if entry.retired:
                continue
            self.below[entry.parent] = self.below.get(entry.parent, 0) + 1
            if not entry.assignable:
                continue
            self.named.setdefault(_plain(entry.name), []).append(key)
            text = f"{entry.name} {entry.description}".lower()
            if len(asked) > FEW or any(word in text for word in telling):
                self.words[key] = words(entry)
                for word in self.words[key]:
                    self.having.setdefault(word, []).append(key)

    def alike(self, key: str) -> list[str]:
        """Return the keys of labels with the same name, or nearly the same words."""
        mine = self.words.get(key, set())
        shared = Counter(other for word in mine for other in self.having[word])
        near = [
            other
            for other, count in shared.items()
            if count / len(mine | self.words[other]) >= ALIKE
        ]
        same = self.named.get(_plain(self.entries[key].name), ())
        assignable = self.entries[key].assignable
        return [other for other in dict.fromkeys([*same, *near]) if assignable and other != key]


def rarest(words: Collection[str]) -> list[str]:
    """Return so many words, the longest, that who reads alike has one of them at least."""
    return sorted(words, key=len)[-1 - int((1 - ALIKE) * len(words)) :]


def _undescribed(entry: TaxonomyEntry, _: Known) -> Iterator[Remark]:
    if entry.assignable and not entry.description.strip():
        yield Remark(
            entry.key,
            f"“{entry.name}” has no description",
            "Say in a sentence or two what belongs there: predictions rest on it.",
        )


def _contradicting(entry: TaxonomyEntry, known: Known) -> Iterator[Remark]:
    """A situation that two labels send to each other belongs nowhere."""
    for situation, use in entry.exclusions:
        other = known.entries.get(use or "")
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
                other.key,
            )


def _astray(entry: TaxonomyEntry, known: Known) -> Iterator[Remark]:
    for situation, use in entry.exclusions:
        other = known.entries.get(use or "")
        if other and (other.retired or not other.assignable):
            state = "is retired" if other.retired else "only groups others"
            yield Remark(
                entry.key,
                f"“{entry.name}” sends “{situation}” to “{other.name}”, which {state}",
                "Name a label that a document may be given.",
                other.key,
            )


def _alike(entry: TaxonomyEntry, known: Known) -> Iterator[Remark]:
    for key in known.alike(entry.key):
        if key not in entry.overlaps:
            yield Remark(
                entry.key,
                f"“{entry.name}” reads nearly like “{known.entries[key].name}”",
                "Say what tells them apart, mark them as overlapping, or merge them.",
                key,
            )


def _alone(entry: TaxonomyEntry, known: Known) -> Iterator[Remark]:
    above = known.entries.get(entry.parent or "")
    if above is not None and not above.assignable and known.below[entry.parent] == 1:
        yield Remark(
            entry.key,
            f"“{entry.name}” stands alone under “{above.name}”",
            "A group of one says nothing: add a sibling, or move it up.",
            above.key,
        )


CHECKS: Final = (_undescribed, _contradicting, _astray, _alike, _alone)


def words(entry: TaxonomyEntry) -> set[str]:
    return set(WORD.findall(f"{entry.name} {entry.description}".lower()))


def _plain(text: str) -> str:
    return " ".join(text.lower().split())
