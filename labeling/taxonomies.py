"""Publish editions of a project's taxonomy, and say what the current one holds."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from labeling import audit, events, taxonomy_rows
from labeling.models import Label, LabelEdition, Overlap, Project, TaxonomyVersion
from labeling.prepared import Ids, Prepared, Words
from labeling.taxonomy_entries import BadTaxonomy, Problem, TaxonomyEntry, find_problems

__all__ = ["BadTaxonomy", "EditConflict", "LabelText", "Problem", "TaxonomyEntry"]

Content = dict[str, Any]


class EditConflict(Exception):
    """Somebody published a newer edition of the label since it was opened."""

    def __init__(self, edition: LabelEdition) -> None:
        self.edition = edition
        super().__init__(f"{edition.label} was changed in {edition.version}")


@dataclass(frozen=True, slots=True)
class LabelText:
    """What the current version says of one assignable label.

    exclusions: (situation, id of the label to use instead or None), in order.
    overlaps: ids of labels that may be right together with this one.
    """

    id: int
    key: str
    name: str
    description: str
    exclusions: tuple[tuple[str, int | None], ...]
    overlaps: frozenset[int]
    parent_id: int | None
    examples: tuple[str, ...]


def labels_of(ids: Collection[int]) -> dict[int, Label]:
    """Return these labels by id, retired ones too; without their texts, which are long."""
    return {label.pk: label for label in _short(labels=list(ids))} if ids else {}


def usable(chosen: Collection[int], proposed: Collection[int]) -> dict[int, bool]:
    """Return which of these labels a document may be given now, and whether each may be right too.

    That is whether it overlaps with one of the *chosen*.
    """
    ids = {*chosen, *proposed}
    return dict(_usable(labels=list(ids), chosen=list(chosen) or [0])) if ids else {}


@Prepared
def _usable(*, labels: Ids, chosen: Ids) -> QuerySet[Label, tuple[int, bool]]:
    this = OuterRef("pk")
    either_way = Q(first=this, second__in=chosen) | Q(second=this, first__in=chosen)
    usable = Label.objects.assignable().filter(pk__in=labels)
    return usable.values_list("pk", Exists(Overlap.objects.filter(either_way)))


def overlapping(ids: Collection[int], others: Collection[int]) -> set[int]:
    """Return those of these labels that overlap with one of the *others*, retired ones too."""
    either_way = Q(first__in=ids, second__in=others) | Q(first__in=others, second__in=ids)
    pairs = Overlap.objects.filter(either_way).values_list("first", "second")
    return {label_id for pair in pairs for label_id in pair}.intersection(ids)


def named(project: Project, *, ids: Sequence[int], keys: Sequence[str]) -> list[Label]:
    """Return the labels of *project* with these ids or keys, in order; as `labels_of` does."""
    return _named(project=project.pk, labels=ids or [0], keys=keys or [""])


@Prepared
def _named(*, project: int, labels: Ids, keys: Words) -> QuerySet[Label]:
    mine = Label.objects.filter(Q(pk__in=labels) | Q(key__in=keys), project=project)
    return mine.without_texts()


@Prepared
def _short(*, labels: Ids) -> QuerySet[Label]:
    return Label.objects.filter(pk__in=labels).without_texts()


def current_version(project: Project) -> TaxonomyVersion:
    """Return the newest published version.

    Raises:
        TaxonomyVersion.DoesNotExist: nothing was published yet.
    """
    return project.taxonomy_versions.latest()


def current_number(project: Project) -> int:
    """Return the number of the newest published version; 0 before the first."""
    newest = project.taxonomy_versions.order_by("-number").values_list("number", flat=True).first()
    return newest or 0


def label_texts(project: Project) -> list[LabelText]:
    """Return the assignable labels of the current version, ordered by id."""
    labels = project.labels.assignable().order_by("pk").prefetch_related("exclusions")
    overlaps = overlapping_ids(project)
    return [
        LabelText(
            id=label.pk,
            key=label.key,
            name=label.name,
            description=label.description,
            exclusions=tuple((each.situation, each.use_id) for each in label.exclusions.all()),
            overlaps=frozenset(overlaps.get(label.pk, ())),
            parent_id=label.parent_id,
            examples=tuple(label.examples),
        )
        for label in labels
    ]


def overlapping_ids(project: Project) -> dict[int, set[int]]:
    """Return, for each label that overlaps any, the ids of those it overlaps."""
    found: dict[int, set[int]] = {}
    pairs = Overlap.objects.filter(first__project=project).values_list("first", "second")
    for first, second in pairs:
        found.setdefault(first, set()).add(second)
        found.setdefault(second, set()).add(first)
    return found


def entries(project: Project) -> list[TaxonomyEntry]:
    """Return what stands now of every label, retired ones too, in the order of the tree."""
    labels = list(project.labels.prefetch_related("exclusions"))
    keys = {label.pk: label.key for label in labels}
    overlaps = overlapping_ids(project)
    return [
        TaxonomyEntry(
            key=label.key,
            name=label.name,
            parent=keys[label.parent_id] if label.parent_id else None,
            description=label.description,
            exclusions=tuple(
                (each.situation, keys[each.use_id] if each.use_id else None)
                for each in label.exclusions.all()
            ),
            assignable=label.is_assignable,
            examples=tuple(label.examples),
            overlaps=tuple(sorted(keys[other] for other in overlaps.get(label.pk, ()))),
            retired=label.retired_at is not None,
            aliases=tuple(label.aliases),
        )
        for label in labels
    ]


def content(entry: TaxonomyEntry) -> Content:
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
    }


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
    kept too, without a version when it alone is new; otherwise new labels come last.

    Raises:
        BadTaxonomy: with every problem; nothing was changed.
    """
    return _publish(project, entries, actor=actor, now=now, note=note)


@transaction.atomic
def edit_label(
    label: Label,
    *,
    description: str,
    exclusions: Sequence[tuple[str, str | None]],
    aliases: Sequence[str],
    seen_version: int,
    actor: User,
    now: datetime,
) -> TaxonomyVersion | None:
    """Publish what *label* says anew; None when it says the same.

    Args:
        exclusions: (situation, key of the label to use instead or None), in order.
        seen_version: number of the version the editor had before their eyes.

    Raises:
        EditConflict: the label has a newer edition than *seen_version*.
        BadTaxonomy: an exclusion is empty, or names an unknown label or this one; too many aliases.
    """
    Project.objects.select_for_update().get(pk=label.project_id)
    newer = label.editions.filter(version__number__gt=seen_version)
    if edition := newer.select_related("label", "version").order_by("-version__number").first():
        raise EditConflict(edition)
    standing = {entry.key: entry for entry in entries(label.project)}
    edited = replace(
        standing[label.key],
        description=description,
        exclusions=tuple(exclusions),
        aliases=tuple(aliases),
        row=0,
    )
    note = f"Edited {label.name}"
    return _publish(label.project, [edited], actor=actor, now=now, note=note)


@transaction.atomic
def _publish(
    project: Project,
    stated: Sequence[TaxonomyEntry],
    *,
    actor: User | None,
    now: datetime,
    note: str,
) -> TaxonomyVersion | None:
    Project.objects.select_for_update().get(pk=project.pk)
    standing = {entry.key: entry for entry in entries(project)}
    parents = {key: entry.parent for key, entry in standing.items()}
    if problems := find_problems(_with_rows(stated), parents):
        raise BadTaxonomy(problems)

    wanted = _merge(standing, stated)
    changed = {key: entry for key, entry in wanted.items() if entry != standing.get(key)}
    positions = _positions(standing, stated)
    if not changed:
        taxonomy_rows.write_positions(project, positions)
        return None

    version = _next_version(project, actor=actor, now=now, note=note)
    labels = taxonomy_rows.write_labels(project, changed, positions, now=now)
    taxonomy_rows.write_exclusions(changed, labels)
    taxonomy_rows.write_overlaps(project, wanted, labels)
    LabelEdition.objects.bulk_create(
        LabelEdition(label=labels[key], version=version, content=content(entry))
        for key, entry in changed.items()
    )
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


def _next_version(
    project: Project, *, actor: User | None, now: datetime, note: str
) -> TaxonomyVersion:
    return project.taxonomy_versions.create(
        number=current_number(project) + 1, published_at=now, published_by=actor, note=note[:500]
    )
