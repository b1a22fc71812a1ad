"""Publish versions of a project's taxonomy: from files, from one edit, from acts; take them back.

What a version does to labels, to gold and to review tasks is one transaction, and the version keeps
what it takes to bring all of it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef, Subquery

from labeling import audit, events, taxonomy_acts, taxonomy_moves, taxonomy_rows
from labeling.models import GoldLabel, Label, LabelEdition, Project, TaxonomyVersion
from labeling.taxonomies import by_key, current_number
from labeling.taxonomy_acts import Act, Transfer
from labeling.taxonomy_entries import (
    BadTaxonomy,
    TaxonomyEntry,
    content,
    entry_of,
    find_problems,
    heir_of,
)

REMEMBERED = 100  # versions that can be taken back, one after the other


class EditConflict(Exception):
    """Somebody published a newer edition of the label since it was opened."""

    def __init__(self, edition: LabelEdition) -> None:
        self.edition = edition
        super().__init__(f"{edition.label} was changed in {edition.version}")


class NothingToUndo(Exception):
    """There is no version to take back, or another one since."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a version does besides what its entries say.

    acts: what was done, as JSON. transfers: whose gold moves, in order. undoes: the version that is
    taken back. retired_at: key of a label to when it was retired, where that is known.
    """

    acts: Sequence[dict[str, Any]] = ()
    transfers: Sequence[Transfer] = ()
    undoes: TaxonomyVersion | None = None
    retired_at: Mapping[str, datetime | None] = field(default_factory=dict)


def publish(
    project: Project,
    entries: Sequence[TaxonomyEntry],
    *,
    actor: User | None,
    now: datetime,
    note: str = "",
) -> TaxonomyVersion | None:
    """Publish what differs in *entries* as the next version; labels not named stay as they are.

    An entry says everything about its label: what it leaves out is emptied. Two labels overlap when
    either says so. Returns None when nothing differs. When all labels are named, their order is
    kept too, without a version when it alone is new; otherwise new labels come last. Gold of a
    label that can be given no more goes to its successor, or back to review.

    Raises:
        BadTaxonomy: with every problem; nothing was changed.
    """
    return _publish(project, entries, Change(), actor=actor, now=now, note=note)


def hold(project: Project) -> None:
    """Let nobody else change the taxonomy of *project* or its draft until the transaction ends.

    Not by its key, which whoever decides a document needs at the end: of the two one would be lost.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)


def refuse_stale(project: Project, keys: Iterable[str], seen_version: int) -> None:
    """Raise EditConflict where a label of these has a newer edition than *seen_version*."""
    newer = LabelEdition.objects.filter(
        label__project=project, label__key__in=list(keys), version__number__gt=seen_version
    )
    edition = newer.select_related("label", "version").order_by("-version__number").first()
    if edition:
        raise EditConflict(edition)


@transaction.atomic
def publish_acts(
    project: Project,
    acts: Sequence[Act],
    *,
    actor: User | None,
    now: datetime,
    note: str = "",
    seen_version: int | None = None,
) -> TaxonomyVersion | None:
    """Publish what *acts* make of what stands, as one version; None when that is nothing.

    Args:
        seen_version: number of the version the person had before their eyes, where they had one.

    Raises:
        EditConflict: a label they touch has a newer edition than *seen_version*.
        BadAct: one of them cannot be done.
        BadTaxonomy: what they make is no taxonomy.
    """
    hold(project)
    if seen_version is not None:
        refuse_stale(project, taxonomy_acts.touched(acts), seen_version)
    after = taxonomy_acts.apply(by_key(project), acts)
    change = Change([taxonomy_acts.as_json(act) for act in acts], after.transfers)
    stated = list(after.changed.values())
    return _publish(project, stated, change, actor=actor, now=now, note=note)


def undoable(project: Project) -> tuple[TaxonomyVersion | None, TaxonomyVersion | None]:
    """Return the version that undo takes back, and the one that redo does: an undo."""
    newest = list(project.taxonomy_versions.select_related("undoes__undoes")[:REMEMBERED])
    done: list[TaxonomyVersion] = []
    undone: list[TaxonomyVersion] = []
    for version in reversed(newest):
        if version.undoes is None and not version.before:
            done.clear()  # from before versions remembered what they changed
            undone.clear()
        elif version.undoes is None:
            done.append(version)
            undone.clear()
        elif undone and version.undoes == undone[-1]:
            undone.pop()
            done.append(version)
        elif done and version.undoes == done[-1]:
            done.pop()
            undone.append(version)
        else:
            done.clear()  # what it took back is further away than can be seen
    whole = bool(newest) and newest[-1].number == 1
    first = [version for version in done if version.number == 1]
    if whole and first:
        done.remove(first[0])  # the first taxonomy stays
    return (done[-1] if done else None), (undone[-1] if undone else None)


@transaction.atomic
def take_back(
    project: Project, number: int, *, actor: User | None, now: datetime
) -> TaxonomyVersion | None:
    """Publish what stood before version *number*, with gold and tasks as they were.

    Only the version that stands last can be taken back, and an undo that was the last thing done.
    What was decided since on a document stays, but for labels that are gone: that goes back to
    review.

    Raises:
        NothingToUndo: it is none of these.
    """
    hold(project)
    version = next((each for each in undoable(project) if each and each.number == number), None)
    if version is None:
        raise NothingToUndo(f"v{number} is not what was published last.")
    stated, retired_at = [], {}
    standing = by_key(project)
    for key, before in version.before.items():
        if before is None:
            stated.append(replace(standing[key], retired=True, overlaps=()))
        else:
            stated.append(entry_of(key, before["content"]))
            moment = before["retired_at"]
            retired_at[key] = datetime.fromisoformat(moment) if moment else None
    again = version.undoes.transfers if version.undoes else []
    change = Change(
        transfers=[taxonomy_moves.read(each) for each in again],
        undoes=version,
        retired_at=retired_at,
    )
    note = f"Redid {version.undoes}" if version.undoes else f"Undid {version}"
    return _publish(project, stated, change, actor=actor, now=now, note=note)


@transaction.atomic
def _publish(
    project: Project,
    stated: Sequence[TaxonomyEntry],
    change: Change,
    *,
    actor: User | None,
    now: datetime,
    note: str,
) -> TaxonomyVersion | None:
    hold(project)
    standing = by_key(project)
    parents = {key: entry.parent for key, entry in standing.items()}
    if problems := find_problems(_with_rows(stated), parents):
        raise BadTaxonomy(problems)

    wanted = _merge(standing, stated)
    changed = {key: entry for key, entry in wanted.items() if entry != standing.get(key)}
    positions = _positions(standing, stated)
    if not changed:
        taxonomy_rows.write_positions(project, positions)
        return None

    version = project.taxonomy_versions.create(
        number=current_number(project) + 1,
        published_at=now,
        published_by=actor,
        note=note[:500],
        acts=list(change.acts),
        before=_before(project, standing, changed),
        undoes=change.undoes,
    )
    labels = taxonomy_rows.write_labels(project, changed, positions, now=now)
    taxonomy_rows.write_retired_at(labels, change.retired_at)
    taxonomy_rows.write_lines(labels)
    taxonomy_rows.write_exclusions(changed, labels)
    taxonomy_rows.write_overlaps(project, wanted, labels)
    LabelEdition.objects.bulk_create(
        LabelEdition(label=labels[key], version=version, content=content(entry))
        for key, entry in changed.items()
    )
    transfers = [*change.transfers, *_implied(standing, wanted, change.transfers)]
    documents = taxonomy_moves.hold(version, [labels[each.source] for each in transfers])
    if change.undoes:
        taxonomy_moves.take_back(change.undoes)
    taxonomy_moves.carry_out(version, transfers, labels, documents, now=now)
    if transfers:
        transaction.on_commit(lambda: sweep(version, now=now), robust=True)
    added = sum(key not in standing for key in changed)
    audit.record(
        "published the taxonomy",
        project=project,
        actor=actor,
        now=now,
        subject=str(version),
        detail={"added": added, "changed": len(changed) - added, "keys": sorted(changed)[:100]},
    )
    events.announce(events.taxonomy_published, project_id=project.pk)
    return version


@transaction.atomic
def sweep(version: TaxonomyVersion, *, now: datetime) -> None:
    """Let gold follow that was decided at the very moment *version* closed its label."""
    hold(version.project)
    taxonomy_moves.sweep(TaxonomyVersion.objects.get(pk=version.pk), now=now)


def sweep_missed(now: datetime) -> list[int]:
    """Do the sweeps that a killed server left undone; return the ids of their versions."""
    left = Label.objects.closed().filter(
        Exists(GoldLabel.objects.gold().filter(label=OuterRef("pk")))
    )
    newest = LabelEdition.objects.filter(label=OuterRef("pk")).order_by("-version__number")
    found = left.values_list(Subquery(newest.values("version")[:1]), flat=True)
    versions = TaxonomyVersion.objects.filter(pk__in=set(found)).order_by("pk")
    for version in versions:
        sweep(version, now=now)
    return [version.pk for version in versions]


def _before(
    project: Project, standing: Mapping[str, TaxonomyEntry], changed: Mapping[str, TaxonomyEntry]
) -> dict[str, Any]:
    """Return what each changed label said, and when it was retired; None for new ones."""
    moments = dict(project.labels.values_list("key", "retired_at"))
    retired = {key: moment.isoformat() for key, moment in moments.items() if moment}
    return {
        key: {
            "content": content(standing[key]),
            "retired_at": retired.get(key),
        }
        if key in standing
        else None
        for key in changed
    }


def _implied(
    standing: Mapping[str, TaxonomyEntry],
    wanted: Mapping[str, TaxonomyEntry],
    stated: Sequence[Transfer],
) -> list[Transfer]:
    """Return where gold goes of labels that can be given no more, and of which nobody said."""
    said = {each.source for each in stated if each.documents is None}
    return [
        Transfer(key, _heir(wanted, key))
        for key, entry in standing.items()
        if key not in said and is_usable(entry) and not is_usable(wanted[key])
    ]


def _heir(wanted: Mapping[str, TaxonomyEntry], key: str) -> str | None:
    """Return the first label in the line of successors that a document may be given."""
    closed = {key: entry.successor for key, entry in wanted.items() if not is_usable(entry)}
    return heir_of(key, closed)


def is_usable(entry: TaxonomyEntry) -> bool:
    """Whether a document may be given the label."""
    return entry.assignable and not entry.retired


def _with_rows(stated: Sequence[TaxonomyEntry]) -> list[TaxonomyEntry]:
    if len(stated) == 1:
        return list(stated)
    return [entry if entry.row else replace(entry, row=n) for n, entry in enumerate(stated, 1)]


def _positions(
    standing: dict[str, TaxonomyEntry], stated: Sequence[TaxonomyEntry]
) -> dict[str, int]:
    """Return where each label stands: as stated by a whole taxonomy, else new ones come last."""
    keys = [entry.key for entry in stated]
    order = keys if standing.keys() <= set(keys) else dict.fromkeys([*standing, *keys])
    return {key: place for place, key in enumerate(order)}


def _merge(
    standing: dict[str, TaxonomyEntry], stated: Sequence[TaxonomyEntry]
) -> dict[str, TaxonomyEntry]:
    """Return every label as it is to stand, overlaps written on both of a pair."""
    named = {entry.key for entry in stated}
    merged = {**standing, **{entry.key: entry for entry in stated}}
    overlaps: dict[str, set[str]] = {key: set() for key in merged}
    for key, entry in merged.items():
        for other in entry.overlaps:
            # A label the file does not name keeps only overlaps with others it does not name.
            if key in named or other not in named:
                overlaps[key].add(other)
                overlaps[other].add(key)
    return {
        key: replace(entry, overlaps=tuple(sorted(overlaps[key])), row=0)
        for key, entry in merged.items()
    }
