"""Write a taxonomy's labels with what belongs to them, in few queries."""

from collections.abc import Mapping
from datetime import datetime

from labeling import only_one
from labeling.models import Exclusion, Label, Overlap, Project
from labeling.taxonomy_entries import TaxonomyEntry


def write_positions(project: Project, positions: dict[str, int]) -> None:
    """Give every label the place that *positions* (by key) states."""
    moved = [
        label
        for label in project.labels.only("project", "position", "key")
        if label.position != positions[label.key]
    ]
    for label in moved:
        label.position = positions[label.key]
    Label.objects.bulk_update(moved, ["position"], batch_size=200)


WRITTEN = [
    "position", "name", "aliases", "description", "examples", "is_assignable", "only_one",
    "retired_at",
]  # fmt: skip


def write_labels(
    project: Project,
    changed: dict[str, TaxonomyEntry],
    positions: dict[str, int],
    *,
    now: datetime,
) -> dict[str, Label]:
    """Write the labels' own columns; return all labels of the project by key."""
    labels = {label.key: label for label in project.labels.all()}
    known = list(labels.values())
    for key, entry in changed.items():
        label = labels.setdefault(key, Label(project=project, key=key))
        label.position = positions[key]
        label.name = entry.name
        label.aliases = list(entry.aliases)
        label.description = entry.description
        label.examples = list(entry.examples)
        label.is_assignable = entry.assignable
        label.only_one = entry.only_one
        label.retired_at = (label.retired_at or now) if entry.retired else None
    new = [labels[key] for key in changed if labels[key]._state.adding]
    Label.objects.bulk_create(new, batch_size=200)
    Label.objects.bulk_update(
        [label for label in known if label.key in changed], WRITTEN, batch_size=100
    )
    moved = []
    for key, entry in changed.items():
        label = labels[key]
        parent = labels[entry.parent].pk if entry.parent else None
        successor = labels[entry.successor].pk if entry.successor else None
        if (label.parent_id, label.successor_id) != (parent, successor):
            label.parent_id, label.successor_id = parent, successor
            moved.append(label)
    Label.objects.bulk_update(moved, ["parent", "successor"], batch_size=200)
    write_positions(project, positions)
    return labels


def write_retired_at(labels: dict[str, Label], moments: Mapping[str, datetime | None]) -> None:
    """Write when labels were retired, where that is known by key."""
    known = [labels[key] for key in moments]
    for label in known:
        label.retired_at = moments[label.key]
    Label.objects.bulk_update(known, ["retired_at"], batch_size=200)


def write_lines(labels: dict[str, Label]) -> None:
    """Write of every label below which one only one is given."""
    parents = {label.pk: label.parent_id for label in labels.values()}
    saying = {each.pk for each in labels.values() if each.only_one and each.retired_at is None}
    lines = only_one.lines(parents, saying)
    changed = [label for label in labels.values() if label.one_of != lines[label.pk]]
    for label in changed:
        label.one_of = lines[label.pk]
    Label.objects.bulk_update(changed, ["one_of"], batch_size=200)


def write_exclusions(changed: dict[str, TaxonomyEntry], labels: dict[str, Label]) -> None:
    """Put the exclusions of each changed label in place of those it had."""
    Exclusion.objects.filter(label__in=[labels[key].pk for key in changed]).delete()
    Exclusion.objects.bulk_create(
        (
            Exclusion(
                label=labels[key],
                situation=situation,
                use=labels[use] if use else None,
                position=place,
            )
            for key, entry in changed.items()
            for place, (situation, use) in enumerate(entry.exclusions)
        ),
        batch_size=200,
    )


def write_overlaps(
    project: Project, wanted: dict[str, TaxonomyEntry], labels: dict[str, Label]
) -> None:
    """Make the overlaps of the project those of *wanted*, which holds all its labels."""
    pairs = {
        (min(one, two), max(one, two))
        for key, entry in wanted.items()
        for one, two in ((labels[key].pk, labels[other].pk) for other in entry.overlaps)
    }
    standing = {
        (overlap.first_id, overlap.second_id): overlap.pk
        for overlap in Overlap.objects.filter(first__project=project)
    }
    gone = [pk for pair, pk in standing.items() if pair not in pairs]
    Overlap.objects.filter(pk__in=gone).delete()
    Overlap.objects.bulk_create(
        Overlap(first_id=first, second_id=second)
        for first, second in sorted(pairs - standing.keys())
    )
