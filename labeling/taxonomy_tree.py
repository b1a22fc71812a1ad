"""Lay the labels of a project out as a tree, with what waits and what is settled for each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from django.db.models import Count, Q, QuerySet

from labeling.models import GoldLabel, Label, Overlap, Project, ReviewTask

MOST_FOUND: Final = 50  # labels
MOST_WORDS: Final = 8


@dataclass(frozen=True, slots=True)
class Counts:
    """Documents with this label as gold, and open review tasks that propose it first."""

    gold: int = 0
    tasks: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.gold + other.gold, self.tasks + other.tasks)


@dataclass(frozen=True, slots=True)
class Node:
    """One label in the order of the tree.

    counts: its own, and those of every label below it.
    closes: branches that end after this label; templates close as many lists.
    """

    label: Label
    depth: int
    counts: Counts
    is_branch: bool
    closes: int

    @property
    def ends(self) -> range:
        return range(self.closes)


def nodes(project: Project) -> list[Node]:
    """Return the active labels, each before those below it, in three queries."""
    labels = list(project.labels.active().defer("description", "examples"))
    counts = counts_by_label(project)
    return list(_lay_out(labels, counts))


def branch(project: Project, under: int | None) -> list[Node]:
    """Return the labels that stand directly under one, or at the top, in three queries."""
    every = nodes(project)
    if under is None:
        return [node for node in every if node.depth == 0]
    return [node for node in every if node.label.parent_id == under and node.depth > 0]


@dataclass(frozen=True, slots=True)
class Found:
    """A label that was searched for. above: names of those it stands under, from the top."""

    label: Label
    above: list[str]


def search(project: Project, asked: str) -> list[Found]:
    """Return up to MOST_FOUND labels of which every word of *asked* stands somewhere.

    In name, id, aliases or description; those with the words in their names come first. Read and
    compared here: databases fold the case of few letters, and keep aliases in a form of their own.
    """
    words = asked.casefold().split()[:MOST_WORDS]
    if not words:
        return []
    ranked: list[tuple[bool, int]] = []
    rows = project.labels.active().values_list("pk", "name", "key", "aliases", "description")
    for pk, name, key, aliases, description in rows:
        title = name.casefold()
        whole = "\n".join([title, key, *aliases, description]).casefold()
        if all(word in whole for word in words):
            ranked.append((not all(word in title for word in words), pk))
    ranked.sort(key=lambda found: found[0])
    chosen = [pk for _, pk in ranked[:MOST_FOUND]]
    labels = project.labels.without_texts().in_bulk(chosen)
    parents = {pk: (parent, name) for pk, parent, name in _named(project)} if chosen else {}
    return [Found(labels[pk], _above(labels[pk], parents)) for pk in chosen]


def _named(project: Project) -> QuerySet[Label, tuple[int, int | None, str]]:
    return project.labels.order_by().values_list("pk", "parent", "name")


def _above(label: Label, parents: Mapping[int, tuple[int | None, str]]) -> list[str]:
    names: list[str] = []
    pk = label.parent_id
    while pk is not None:
        pk, name = parents[pk]
        names.append(name)
    return names[::-1]


def counts_by_label(project: Project) -> dict[int, Counts]:
    """Return the counts of each label that has any."""
    gold = GoldLabel.objects.gold().filter(project=project, label__isnull=False)
    tasks = ReviewTask.objects.open().filter(project=project, prediction__first__isnull=False)
    found: dict[int, Counts] = {}
    for pk, number in gold.values_list("label").annotate(number=Count("pk")):
        found[pk] = Counts(gold=number)
    for pk, number in tasks.values_list("prediction__first").annotate(number=Count("pk")):
        found[pk] = found.get(pk, Counts()) + Counts(tasks=number)
    return found


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The labels around one: those above it from the top, those below it, those it overlaps."""

    above: list[Label]
    below: list[Label]
    overlaps: list[Label]


def surroundings(label: Label) -> Surroundings:
    """Find the labels around *label* without building the others, of which there may be 5,000."""
    parents: dict[int, int | None] = dict(
        Label.objects.filter(project=label.project_id).values_list("pk", "parent_id")
    )
    above: list[int] = []
    pk = label.parent_id
    while pk is not None:
        above.append(pk)
        pk = parents[pk]
    below = [pk for pk, parent in parents.items() if parent == label.pk]
    pairs = Overlap.objects.filter(Q(first=label) | Q(second=label))
    overlaps = {pk for pair in pairs.values_list("first", "second") for pk in pair} - {label.pk}
    labels = Label.objects.in_bulk([*above, *below, *overlaps])
    return Surroundings(
        above=[labels[pk] for pk in reversed(above)],
        below=[labels[pk] for pk in below],
        overlaps=[labels[pk] for pk in sorted(overlaps)],
    )


def _lay_out(labels: list[Label], counts: Mapping[int, Counts]) -> Iterator[Node]:
    known = {label.pk for label in labels}
    children: dict[int | None, list[Label]] = {}
    for label in labels:
        # A label whose parent is retired stands at the top: nothing active is ever hidden.
        children.setdefault(label.parent_id if label.parent_id in known else None, []).append(label)
    totals = _totals(children, counts)
    stack = [(label, 0, 0) for label in reversed(children.get(None, []))]
    while stack:
        label, depth, closes = stack.pop()
        below = children.get(label.pk, [])
        yield Node(label, depth, totals[label.pk], bool(below), 0 if below else closes)
        for place, child in enumerate(reversed(below)):
            stack.append((child, depth + 1, closes + 1 if place == 0 else 0))


def _totals(
    children: Mapping[int | None, list[Label]], counts: Mapping[int, Counts]
) -> dict[int, Counts]:
    """Return each label's counts with those of all labels below it."""
    order = list(children.get(None, []))
    for label in order:  # grows while it is walked: parents before children
        order += children.get(label.pk, [])
    totals: dict[int, Counts] = {}
    for label in reversed(order):
        below = (totals[child.pk] for child in children.get(label.pk, []))
        totals[label.pk] = sum(below, counts.get(label.pk, Counts()))
    return totals
