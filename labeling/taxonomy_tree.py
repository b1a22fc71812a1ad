"""Lay the labels of a project out as a tree, with what waits and what is settled for each."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from django.db.models import Count, Q, QuerySet

from labeling import confusions, counting
from labeling.models import GoldLabel, Label, Overlap, Prediction, Project, ReviewTask
from labeling.resampling import Figure, wilson

MOST_FOUND: Final = 50  # labels
MOST_WORDS: Final = 8
LARGE: Final = 10_000  # rows that are counted for a tree: a tenth of a second


@dataclass(frozen=True, slots=True)
class Counts:
    """What is known of a label, or of all that stands under it.

    gold: documents with it as gold. tasks: open ones that propose it first.
    accepted: documents whose prediction says it first and stands without a person.
    decided, right: of the newest decisions, those on it, and those the model had said first.
    """

    gold: int = 0
    tasks: int = 0
    accepted: int = 0
    decided: int = 0
    right: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.gold + other.gold,
            self.tasks + other.tasks,
            self.accepted + other.accepted,
            self.decided + other.decided,
            self.right + other.right,
        )

    @property
    def accuracy(self) -> Figure | None:
        """How often the model had said first what people decided; None where nobody decided."""
        return wilson(self.right, self.decided) if self.decided else None


NONE: Final = Counts()


class Row(NamedTuple):
    """What the tree shows of a label itself: of thousands, rows are read five times as fast."""

    pk: int
    key: str
    name: str
    parent_id: int | None
    is_assignable: bool


@dataclass(frozen=True, slots=True)
class Node:
    """One label in the order of the tree.

    counts: its own, and those of every label below it.
    closes: branches that end after this label; templates close as many lists.
    """

    label: Row
    depth: int
    counts: Counts
    is_branch: bool
    closes: int

    @property
    def ends(self) -> range:
        return range(self.closes)


def nodes(project: Project) -> list[Node]:
    """Return the active labels, each before those below it, in six queries at most."""
    labels = [Row(*row) for row in project.labels.active().values_list(*Row._fields)]
    return list(_lay_out(labels, counts_by_label(project)))


def branch(project: Project, under: int | None) -> list[Node]:
    """Return the labels that stand directly under one, or at the top, in as many."""
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
    """Return the counts of each label that has any; of many rows as they were a moment ago."""
    return counting.kept(
        f"labels-{project.pk}",
        lambda: _counted(project),
        is_large=lambda found: sum(map(_rows, found.values())) >= LARGE,
    )


def _rows(counts: Counts) -> int:
    return counts.gold + counts.tasks + counts.accepted + counts.decided


def _counted(project: Project) -> dict[int, Counts]:
    auto = Prediction.objects.current().filter(bucket=Prediction.Bucket.AUTO)
    gold = _numbers(GoldLabel.objects.gold().filter(project=project), "label")
    tasks = _numbers(ReviewTask.objects.open().filter(project=project), "prediction__first")
    accepted = _numbers(auto.filter(project=project), "first")
    told = confusions.collect(project)
    return {
        pk: Counts(gold[pk], tasks[pk], accepted[pk], told.decided.get(pk, 0), told.right(pk))
        for pk in {*gold, *tasks, *accepted, *told.decided}
    }


def _numbers(rows: QuerySet[Any], label: str) -> Counter[int]:
    """Return how many rows each label has."""
    told = rows.filter(**{f"{label}__isnull": False}).order_by().values_list(label)
    return Counter(dict(told.annotate(number=Count("pk"))))


def counts_of(label: Label) -> Counts:
    """Return gold and open tasks of one label."""
    tasks = ReviewTask.objects.open().filter(project=label.project_id, prediction__first=label)
    return Counts(gold=label.gold.gold().count(), tasks=tasks.count())


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


def _lay_out(labels: list[Row], counts: Mapping[int, Counts]) -> Iterator[Node]:
    known = {label.pk for label in labels}
    children: dict[int | None, list[Row]] = {}
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
    children: Mapping[int | None, list[Row]], counts: Mapping[int, Counts]
) -> dict[int, Counts]:
    """Return each label's counts with those of all labels below it."""
    order = list(children.get(None, []))
    for label in order:  # grows while it is walked: parents before children
        order += children.get(label.pk, [])
    totals: dict[int, Counts] = {}
    for label in reversed(order):
        below = (totals[child.pk] for child in children.get(label.pk, []))
        totals[label.pk] = sum(below, counts.get(label.pk, NONE))
    return totals
