"""What owners do to a taxonomy, as values, and what stands after it: labels, and whose gold moves.

An act is applied to all labels as they stand, so that whatever names a label that is gone names the
one in its place: exclusions, overlaps, children, successors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar, Final

from labeling.taxonomy_entries import (
    ALIAS_LENGTH,
    ALIASES,
    TaxonomyEntry,
    content,
    entry_of,
)

Standing = Mapping[str, TaxonomyEntry]
"""Every label by its key, retired ones too, in the order of the tree."""

EDITED: Final = (
    "name", "aliases", "parent", "description", "exclusions", "examples", "overlaps", "assignable",
    "only_one",
)  # fmt: skip
"""Fields that an edit may change."""


REVIEW: Final = ""
"""In place of the key of a part: back to review."""


class BadAct(ValueError):
    """The act cannot be done to what stands; the message names the label and the remedy."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """Gold of one label goes to another, or back to review.

    source, target: keys; no target: back to review.
    documents: ids of those whose gold goes; None: all that is left of the source's.
    """

    source: str
    target: str | None = None
    documents: tuple[int, ...] | None = None


@dataclass(slots=True)
class Work:
    """Labels while acts are applied to them, and what that means for gold so far."""

    entries: dict[str, TaxonomyEntry]
    transfers: list[Transfer] = field(default_factory=list)

    def active(self, key: str) -> TaxonomyEntry:
        """Return a label that is not retired.

        Raises:
            BadAct: there is none.
        """
        found = self.entries.get(key)
        if found is None:
            raise BadAct(f"No label has the id “{key}”.")
        if found.retired:
            instead = f" Use “{found.successor}”." if found.successor else " Restore it first."
            raise BadAct(f"“{found.name}” is retired.{instead}")
        return found

    def write(self, entry: TaxonomyEntry) -> None:
        """Put *entry* in its place; overlaps are written on both sides."""
        self.entries[entry.key] = replace(entry, overlaps=tuple(sorted(set(entry.overlaps))))
        for other in list(self.entries.values()):
            has, wants = entry.key in other.overlaps, other.key in entry.overlaps
            if has != wants and other.key != entry.key:
                overlaps = (
                    {*other.overlaps, entry.key} if wants else {*other.overlaps} - {entry.key}
                )
                self.entries[other.key] = replace(other, overlaps=tuple(sorted(overlaps)))

    def above(self, key: str | None) -> list[str]:
        """Return the keys from *key* up to the top."""
        path: list[str] = []
        while key is not None and key not in path and key in self.entries:
            path.append(key)
            key = self.entries[key].parent
        return path

    def close(self, key: str, heir: str | None, *, children: str | None) -> None:
        """Retire a label: what named it names *heir*, its children stand under *children*."""
        gone = self.entries[key]
        for other in list(self.entries.values()):
            if other.key != key:
                self.entries[other.key] = _without(other, key, heir, children=children)
        overlaps = set(gone.overlaps) - {heir}
        retired = replace(gone, retired=True, successor=heir, overlaps=())
        self.write(retired)
        if heir is not None:
            self.write(self._overlapping_too(heir, overlaps))
        if gone.assignable:
            self.transfers.append(Transfer(key, heir))

    def _overlapping_too(self, key: str, others: Iterable[str]) -> TaxonomyEntry:
        entry = self.entries[key]
        return replace(entry, overlaps=(*entry.overlaps, *(each for each in others if each != key)))


def _without(
    entry: TaxonomyEntry, gone: str, heir: str | None, *, children: str | None
) -> TaxonomyEntry:
    """Return *entry* as it is where *gone* is retired."""
    exclusions = []
    for situation, use in entry.exclusions:
        if use != gone:
            exclusions.append((situation, use))
        elif heir != entry.key:  # what was not for this label but for that one is for this one now
            exclusions.append((situation, heir))
    parent = children if entry.parent == gone else entry.parent
    successor = heir if entry.successor == gone else entry.successor
    if successor == entry.key:
        successor = None
    return replace(entry, exclusions=tuple(exclusions), parent=parent, successor=successor)


@dataclass(frozen=True, slots=True)
class Create:
    """A new label."""

    kind: ClassVar = "create"
    entry: TaxonomyEntry

    @property
    def touches(self) -> tuple[str, ...]:
        return (self.entry.key,)

    def apply(self, work: Work) -> None:
        if self.entry.key in work.entries:
            raise BadAct(f"The id “{self.entry.key}” stands already. Choose another one.")
        if self.entry.parent is not None:
            work.active(self.entry.parent)
        for other in self.entry.overlaps:
            work.active(other)
        work.write(self.entry)

    def words(self, _names: Mapping[str, str]) -> str:
        return f"Create {self.entry.name}"


@dataclass(frozen=True, slots=True)
class Edit:
    """Some fields of a label say something else. changes: field of EDITED to its new value."""

    kind: ClassVar = "edit"
    key: str
    changes: Mapping[str, Any]

    @property
    def touches(self) -> tuple[str, ...]:
        return (self.key, *self.changes.get("overlaps", ()))

    def apply(self, work: Work) -> None:
        entry = work.active(self.key)
        if unknown := sorted(self.changes.keys() - set(EDITED)):
            raise BadAct(f"{unknown[0]}: no field of a label; there are {', '.join(EDITED)}.")
        edited = replace(entry, **self.changes)
        for other in [*({edited.parent} - {None, entry.parent}), *edited.overlaps]:
            work.active(str(other))
        for use in {use for _, use in set(edited.exclusions) - set(entry.exclusions) if use}:
            work.active(use)
        if edited.parent != entry.parent and self.key in work.above(edited.parent):
            raise BadAct(f"“{entry.name}” cannot stand under a label below it.")
        work.write(edited)
        if entry.assignable and not edited.assignable:
            work.transfers.append(Transfer(self.key))

    def words(self, names: Mapping[str, str]) -> str:
        name = names.get(self.key, self.key)
        if set(self.changes) == {"name"}:
            return f"Rename {name} to {self.changes['name']}"
        if set(self.changes) == {"parent"}:
            parent = self.changes["parent"]
            where = f"under {names.get(parent, parent)}" if parent else "to the top"
            return f"Move {name} {where}"
        said = (each.replace("_", " ") for each in EDITED if each in self.changes)
        return f"Edit {name}: {', '.join(said)}"


@dataclass(frozen=True, slots=True)
class Merge:
    """One label becomes part of another, which is found by its name, too; its gold follows."""

    kind: ClassVar = "merge"
    source: str
    into: str

    @property
    def touches(self) -> tuple[str, ...]:
        return (self.source, self.into)

    def apply(self, work: Work) -> None:
        gone, kept = work.active(self.source), work.active(self.into)
        if self.source == self.into:
            raise BadAct(f"“{gone.name}” cannot be merged into itself. Name another label.")
        if gone.assignable and not kept.assignable:
            raise BadAct(f"“{kept.name}” only groups others, so it cannot take what was decided.")
        is_below = self.source in work.above(self.into)
        names = dict.fromkeys([*kept.aliases, gone.name, *gone.aliases])
        aliases = [each for each in names if each != kept.name and len(each) <= ALIAS_LENGTH]
        examples = tuple(dict.fromkeys([*kept.examples, *gone.examples]))
        work.write(replace(kept, aliases=tuple(aliases[:ALIASES]), examples=examples))
        work.close(self.source, self.into, children=gone.parent if is_below else self.into)

    def words(self, names: Mapping[str, str]) -> str:
        return f"Merge {names.get(self.source, self.source)} into {names.get(self.into, self.into)}"


@dataclass(frozen=True, slots=True)
class Split:
    """A label only groups from now on, and new ones below it say more exactly what it said.

    chosen: key of a part, or REVIEW, to the ids whose gold somebody said goes there.
    documents: likewise of those nobody chose a part for; all other gold goes back to review.
    by_nearest: a worker is to fill *documents* by the nearest of the new descriptions.
    """

    kind: ClassVar = "split"
    source: str
    parts: tuple[TaxonomyEntry, ...]
    documents: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    by_nearest: bool = False
    chosen: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def touches(self) -> tuple[str, ...]:
        return (self.source, *(part.key for part in self.parts))

    def apply(self, work: Work) -> None:
        whole = work.active(self.source)
        if not whole.assignable:
            raise BadAct(f"“{whole.name}” only groups others already. Create labels below it.")
        if len(self.parts) < 2:
            raise BadAct(f"“{whole.name}” needs two new labels at least to be split into.")
        shared = [*self.chosen.items(), *self.documents.items()]
        if stray := {key for key, _ in shared} - {REVIEW, *(part.key for part in self.parts)}:
            raise BadAct(f"“{min(stray)}” is none of the labels “{whole.name}” is split into.")
        overlaps = whole.overlaps
        work.write(replace(whole, assignable=False, overlaps=()))
        for part in self.parts:
            Create(replace(part, parent=self.source, overlaps=overlaps)).apply(work)
        for key, documents in shared:
            work.transfers.append(Transfer(self.source, key or None, tuple(documents)))
        work.transfers.append(Transfer(self.source))

    def words(self, names: Mapping[str, str]) -> str:
        parts = ", ".join(part.name for part in self.parts)
        return f"Split {names.get(self.source, self.source)} into {parts}"


@dataclass(frozen=True, slots=True)
class Retire:
    """A label is given no more. Its gold goes to its successor, or back to review without one."""

    kind: ClassVar = "retire"
    key: str
    successor: str | None = None

    @property
    def touches(self) -> tuple[str, ...]:
        return (self.key, *([self.successor] if self.successor else []))

    def apply(self, work: Work) -> None:
        gone = work.active(self.key)
        if self.successor is not None:
            heir = work.active(self.successor)
            if self.successor == self.key or (gone.assignable and not heir.assignable):
                raise BadAct(f"“{heir.name}” cannot take the place of “{gone.name}”.")
        work.close(self.key, self.successor, children=gone.parent)

    def words(self, names: Mapping[str, str]) -> str:
        name = names.get(self.key, self.key)
        heir = self.successor
        return f"Retire {name}, use {names.get(heir, heir)}" if heir else f"Retire {name}"


@dataclass(frozen=True, slots=True)
class Restore:
    """A retired label is given again. Its gold does not come back: undo does that."""

    kind: ClassVar = "restore"
    key: str

    @property
    def touches(self) -> tuple[str, ...]:
        return (self.key,)

    def apply(self, work: Work) -> None:
        entry = work.entries.get(self.key)
        if entry is None or not entry.retired:
            raise BadAct(f"“{entry.name if entry else self.key}” is not retired.")
        standing = [key for key in work.above(entry.parent) if not work.entries[key].retired]
        parent = standing[0] if standing else None
        work.write(replace(entry, retired=False, successor=None, parent=parent, overlaps=()))

    def words(self, names: Mapping[str, str]) -> str:
        return f"Restore {names.get(self.key, self.key)}"


Act = Create | Edit | Merge | Split | Retire | Restore
KINDS: Final[Mapping[str, type[Act]]] = {
    each.kind: each for each in (Create, Edit, Merge, Split, Retire, Restore)
}


@dataclass(frozen=True, slots=True)
class After:
    """What stands once acts were done: changed labels alone, and the gold that moves, in order."""

    changed: dict[str, TaxonomyEntry]
    transfers: tuple[Transfer, ...]


def touched(acts: Iterable[Act]) -> set[str]:
    """Return the keys of all labels that *acts* touch."""
    return {key for act in acts for key in act.touches}


def done(standing: Standing, acts: Sequence[Act]) -> Work:
    """Return all labels as they stand after *acts*, one after the other, and whose gold moves.

    Raises:
        BadAct: one of them cannot be done.
    """
    work = Work(dict(standing))
    for act in acts:
        act.apply(work)
    return work


def apply(standing: Standing, acts: Sequence[Act]) -> After:
    """Return what *acts* change.

    Raises:
        BadAct: one of them cannot be done.
    """
    work = done(standing, acts)
    changed = {key: entry for key, entry in work.entries.items() if entry != standing.get(key)}
    return After(changed, tuple(work.transfers))


def as_json(act: Act) -> dict[str, Any]:
    """Return what `read` understands."""
    told: dict[str, Any] = {"kind": act.kind}
    match act:
        case Create(entry):
            return told | {"key": entry.key, "content": content(entry)}
        case Edit(key, changes):
            edited = content(replace(TaxonomyEntry(key, ""), **changes))
            return told | {"key": key, "changes": {name: edited[name] for name in changes}}
        case Split(source, parts, documents, by_nearest, chosen):
            return told | {
                "source": source,
                "parts": [{"key": part.key, "content": content(part)} for part in parts],
                "documents": {key: list(ids) for key, ids in documents.items()},
                "by_nearest": by_nearest,
                "chosen": {key: list(ids) for key, ids in chosen.items()},
            }
        case _:
            return told | asdict(act)


def read(told: Mapping[str, Any]) -> Act:
    """Return the act that `as_json` wrote.

    Raises:
        BadAct: it is none.
    """
    values = dict(told)
    kind = values.pop("kind", None)
    if kind not in KINDS:
        raise BadAct(f"“{kind}” is no act; there are {', '.join(KINDS)}.")
    if kind == Create.kind:
        return Create(entry_of(values["key"], values["content"]))
    if kind == Edit.kind:
        whole = entry_of(values["key"], {"name": "", **values["changes"]})
        return Edit(values["key"], {name: getattr(whole, name) for name in values["changes"]})
    if kind == Split.kind:
        parts = tuple(entry_of(part["key"], part["content"]) for part in values["parts"])
        documents, chosen = (
            {key: tuple(ids) for key, ids in values.get(name, {}).items()}
            for name in ("documents", "chosen")
        )
        return Split(values["source"], parts, documents, values["by_nearest"], chosen)
    return KINDS[kind](**values)
