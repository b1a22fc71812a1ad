"""Which labels are taken for which: what the model said first where people decided otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from django.db.models import QuerySet

from labeling import taxonomies
from labeling.models import Annotation, Label, Project
from labeling.resampling import Figure, wilson

MOST: Final = 20_000
"""Decisions looked at, the newest: half a second, and what a taxonomy is like by now."""

SHOWN: Final = 24  # rows and columns of a matrix: as many as can be read
DOCUMENTS: Final = 50  # of one confusion
OF_LABEL: Final = 2_000  # decisions on one label, the newest
TAKEN_FOR: Final = 5  # labels it is taken for

Pair = tuple[int, int]
"""What the model said first, and what people decided: ids of labels."""


@dataclass(frozen=True)
class Confusions:
    """Decisions by what the model had said first.

    pairs: where that was another label. decided, said: decisions on each label, and predictions of
    it that were decided.
    """

    pairs: Mapping[Pair, int]
    decided: Mapping[int, int]
    said: Mapping[int, int]

    @cached_property
    def wrong(self) -> Mapping[int, int]:
        """How many decisions on each label the model had told as another."""
        found: Counter[int] = Counter()
        for (_, given), count in self.pairs.items():
            found[given] += count
        return found

    def right(self, label: int) -> int:
        """Return how many decisions on *label* the model had said first."""
        return self.decided.get(label, 0) - self.wrong.get(label, 0)

    def most(self, labels: int) -> list[tuple[Pair, int]]:
        """Return the pairs that occur most often."""
        return Counter(self.pairs).most_common(labels)


def _decisions(project: Project) -> QuerySet[Annotation]:
    """Return judgements that people made with a prediction before them, the newest first."""
    standing = Annotation.objects.standing().filter(project=project, task__is_known=False)
    return standing.filter(prediction__isnull=False).order_by("-annotated_at", "-pk")


def collect(project: Project) -> Confusions:
    """Return what the newest decisions say; a label merged since counts as what it became."""
    newest = _decisions(project).values("pk")[:MOST]
    found = Annotation.objects.filter(pk__in=newest)
    rows = list(found.values_list("pk", "prediction__first", "labels"))
    heirs = taxonomies.heirs(project.pk) if rows else {}
    first: dict[int, int] = {}
    given: dict[int, set[int]] = {}
    for pk, said, label in rows:
        if said is not None:
            first[pk] = heirs.get(said) or said
            given.setdefault(pk, set()).update([heirs.get(label) or label] if label else [])
    pairs: Counter[Pair] = Counter()
    decided: Counter[int] = Counter()
    for pk, labels in given.items():
        told_right = first[pk] in labels
        decided.update([first[pk]] if told_right else labels)  # of several, that it was told
        if not told_right:
            pairs.update((first[pk], label) for label in labels)
    return Confusions(pairs, decided, Counter(first.values()))


@dataclass(frozen=True, slots=True)
class Told:
    """How often the model had said one label first where people decided it.

    taken_for: ids of the labels it had said instead, most often first, with how often.
    """

    right: Figure
    taken_for: Sequence[tuple[int, int]]


def told(label: Label) -> Told | None:
    """Return that of the newest decisions on *label*; None where there is none."""
    heirs = taxonomies.heirs(label.project_id)
    made = _decisions(label.project).filter(labels__in=_became(label.pk, heirs))
    others = made.filter(prediction__first__isnull=False).values_list("prediction__first", "pk")
    first = {pk: heirs.get(said) or said for said, pk in others[:OF_LABEL]}
    if not first:
        return None
    beside = Annotation.objects.filter(pk__in=first, labels__in=set(first.values()))
    too = {(pk, heirs.get(given) or given) for pk, given in beside.values_list("pk", "labels")}
    wrong = Counter(other for pk, other in first.items() if (pk, other) not in too)
    wrong.pop(label.pk, None)
    right = len(first) - sum(wrong.values())
    return Told(wilson(right, len(first)), wrong.most_common(TAKEN_FOR))


def documents(project: Project, said: int, given: int) -> list[Annotation]:
    """Return the newest judgements of *given* where the model had said *said* first."""
    heirs = taxonomies.heirs(project.pk)
    told = _decisions(project).filter(prediction__first__in=_became(said, heirs))
    found = told.filter(labels__in=_became(given, heirs)).exclude(labels=said).distinct()
    lean = found.select_related("task__document", "reviewer")
    return list(lean.defer("task__document__metadata")[:DOCUMENTS])


def _became(label: int, heirs: Mapping[int, int | None]) -> list[int]:
    """Return *label* and all labels that became it."""
    return [label, *(pk for pk, heir in heirs.items() if heir == label)]


@dataclass(frozen=True, slots=True)
class Cell:
    """Decisions where the model said one label, or one below it, and people another.

    share: of all decisions in the row, in [0, 1].
    """

    said: int
    given: int
    documents: int
    share: float


@dataclass(frozen=True, slots=True)
class Matrix:
    """Confusions among the labels that stand under one, or at the top; what is below counts too.

    labels: of rows (what people decided) and columns (what the model said).
    rows: of cells, a cell for each column.
    more: labels left out, which are confused less.
    """

    labels: Sequence[int]
    rows: Sequence[Sequence[Cell]]
    more: int


def matrix(found: Confusions, parents: Mapping[int, int | None], under: int | None) -> Matrix:
    """Return the matrix of the labels that stand under *under*; None: at the top.

    Args:
        parents: of every label of the tree.
    """
    group = {label: _below(label, parents, under) for label in parents}
    counts: Counter[Pair] = Counter()
    for (said, given), count in found.pairs.items():
        one, two = group.get(said), group.get(given)
        if one is not None and two is not None:
            counts[one, two] += count
    for label in parents:
        mine = group[label]
        if mine is not None:
            counts[mine, mine] += found.right(label)
    wrong: Counter[int] = Counter()
    for (said, given), count in counts.items():
        if said != given:
            wrong[said] += count
            wrong[given] += count
    labels = [label for label, _ in wrong.most_common()]
    shown = labels[:SHOWN]
    totals = {each: sum(counts[said, each] for said in labels) for each in shown}
    rows = [
        [
            Cell(said, given, counts[said, given], counts[said, given] / max(totals[given], 1))
            for said in shown
        ]
        for given in shown
    ]
    return Matrix(shown, rows, len(labels) - len(shown))


def _below(label: int, parents: Mapping[int, int | None], under: int | None) -> int | None:
    """Return the label directly under *under* that *label* is, or stands below; None: elsewhere."""
    seen: set[int] = set()
    now: int | None = label
    while now is not None and now not in seen:
        seen.add(now)
        above = parents.get(now)
        if above == under:
            return now
        now = above
    return None
