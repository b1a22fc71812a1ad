"""Say what the current version of a project's taxonomy holds."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet

from labeling.models import Exclusion, Label, Overlap, Project, TaxonomyVersion
from labeling.prepared import Ids, Prepared, Words
from labeling.taxonomy_entries import TaxonomyEntry, heir_of


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


class Usable(NamedTuple):
    """What a decision needs to know of a label that a document may be given now.

    is_right_too: whether it overlaps with a chosen one. one_of: as Label.one_of.
    """

    is_right_too: bool
    one_of: Sequence[int]


def usable(chosen: Collection[int], proposed: Collection[int]) -> dict[int, Usable]:
    """Return which of these labels a document may be given now, by id."""
    ids = {*chosen, *proposed}
    found = _usable(labels=list(ids), chosen=list(chosen) or [0]) if ids else []
    return {pk: Usable(is_right_too, one_of) for pk, is_right_too, one_of in found}


def lines(project_id: int) -> dict[int, list[int]]:
    """Return Label.one_of by id, of those labels of which only one of several is given."""
    one_of = Label.objects.filter(project=project_id).exclude(one_of=[])
    return dict(one_of.values_list("pk", "one_of"))


@Prepared
def _usable(*, labels: Ids, chosen: Ids) -> QuerySet[Label, tuple[int, bool, list[int]]]:
    this = OuterRef("pk")
    either_way = Q(first=this, second__in=chosen) | Q(second=this, first__in=chosen)
    usable = Label.objects.assignable().filter(pk__in=labels)
    return usable.values_list("pk", Exists(Overlap.objects.filter(either_way)), "one_of")


def heirs(project_id: int) -> dict[int, int | None]:
    """Return what each label that can be given no more became: a usable successor, or None."""
    gone = Label.objects.closed().filter(project=project_id)
    successors: dict[int, int | None] = dict(gone.values_list("pk", "successor"))
    return {pk: heir_of(pk, successors) for pk in successors}


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


def by_key(project: Project, *, brief: bool = False) -> dict[str, TaxonomyEntry]:
    """Return what `entries` does, by the keys of the labels."""
    return {entry.key: entry for entry in entries(project, brief=brief)}


ENTRY: Final = (
    "pk", "key", "name", "parent", "description", "is_assignable", "only_one", "successor",
    "retired_at",
)  # fmt: skip
"""Columns of a label that an entry is made of. Rows of 5,000 labels are read in a tenth of the time
that objects take."""


def entries(project: Project, *, brief: bool = False) -> list[TaxonomyEntry]:
    """Return what stands now of every label, retired ones too, in the order of the tree.

    Args:
        brief: without aliases and examples.
    """
    columns = ENTRY if brief else (*ENTRY, "aliases", "examples")
    exclusions, overlaps = _exclusions(project), overlapping_ids(project)
    # After what names them: a label published meanwhile is then among them.
    labels = list(project.labels.values_list(*columns, named=True))
    keys = {label.pk: label.key for label in labels}
    return [
        TaxonomyEntry(
            key=label.key,
            name=label.name,
            parent=keys[label.parent] if label.parent else None,
            description=label.description,
            exclusions=tuple(
                (situation, keys[use] if use else None)
                for situation, use in exclusions.get(label.pk, ())
            ),
            assignable=label.is_assignable,
            examples=() if brief else tuple(label.examples),
            overlaps=tuple(sorted(keys[other] for other in overlaps.get(label.pk, ()))),
            retired=label.retired_at is not None,
            aliases=() if brief else tuple(label.aliases),
            successor=keys[label.successor] if label.successor else None,
            only_one=label.only_one,
        )
        for label in labels
    ]


def _exclusions(project: Project) -> dict[int, list[tuple[str, int | None]]]:
    """Return, for each label that has any, (situation, id of the label to use instead)."""
    found: dict[int, list[tuple[str, int | None]]] = {}
    rows = Exclusion.objects.filter(label__project=project)
    for label, situation, use in rows.values_list("label", "situation", "use"):
        found.setdefault(label, []).append((situation, use))
    return found
