"""Documents whose answer is known, mixed in with the others: how often is each person right?"""

import random
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Count, OuterRef, Q, Subquery

from labeling import taxonomies
from labeling.models import (
    Annotation,
    GoldLabel,
    Prediction,
    Project,
    ReviewQueue,
    ReviewTask,
    TaskSkip,
)

POOL: Final = 2_000
"""Known documents to choose from, those known last: reading them takes milliseconds."""

MOST: Final = 5_000
"""Decisions measured, the newest."""

VOUCHED: Final = (
    Q(annotation=None)  # imported
    | Q(annotation__kind=Annotation.Kind.RULING)
    | Q(annotation__task__wanted__gt=1)
    | Q(annotation__task__queue__reason=ReviewQueue.Reason.CHECK)
)
"""Gold that more than one person's single decision stands for."""


def mix_in(queue: ReviewQueue, among: int, *, now: datetime) -> int:
    """Put known documents among the *among* tasks of the chosen batch; return how many.

    So many that they make up the share the project wants, at places nobody can foresee. What was
    mixed in before and nobody holds is withdrawn. Whoever judged a document is not offered it. Call
    it in the transaction that chose the batch.
    """
    project = queue.project
    before = project.tasks.unleased(at=now).filter(is_known=True, question=None)
    before.update(status=ReviewTask.Status.WITHDRAWN, leased_by=None, leased_until=None)
    chance = random.Random(f"{project.pk} {now}")
    count = int(among * project.known_share / (1 - project.known_share) + chance.random())
    chosen = _choose(project, count, chance) if count else []
    current = Prediction.objects.current().filter(document=OuterRef("pk")).values("pk")
    documents = project.documents.filter(pk__in=chosen)
    tasks = ReviewTask.objects.bulk_create(
        ReviewTask(
            project=project,
            queue=queue,
            document_id=pk,
            prediction_id=prediction,
            value=2 - chance.random(),
            is_known=True,
            created_at=now,
        )
        for pk, prediction in documents.values_list("pk", Subquery(current[:1]))
    )
    _keep_from_who_judged(tasks, now=now)
    return len(tasks)


def _choose(project: Project, count: int, chance: random.Random) -> list[int]:
    """Return ids of known documents that wait for nobody, those asked about least, held."""
    vouched = GoldLabel.objects.gold().filter(VOUCHED, project=project).order_by("-pk")
    pool = list(dict.fromkeys(vouched.values_list("document", flat=True)[:POOL]))
    asked = _times_asked(project, pool)
    chance.shuffle(pool)
    pool.sort(key=lambda pk: asked[pk])  # stable
    waiting = project.tasks.open().filter(document__in=pool).values("document")
    project.documents.filter(pk__in=pool[: 2 * count]).lock()
    busy = set(waiting.values_list("document", flat=True))
    return [pk for pk in pool[: 2 * count] if pk not in busy][:count]


def _times_asked(project: Project, documents: Collection[int]) -> Counter[int]:
    known = project.tasks.filter(is_known=True, document__in=documents)
    done = known.filter(status=ReviewTask.Status.DONE).order_by()
    return Counter(dict(done.values_list("document").annotate(Count("pk"))))


def _keep_from_who_judged(tasks: Sequence[ReviewTask], *, now: datetime) -> None:
    of_document = {task.document_id: task for task in tasks}
    judged = Annotation.objects.filter(task__document__in=of_document)
    TaskSkip.objects.bulk_create(
        TaskSkip(task=of_document[document], reviewer_id=reviewer, skipped_at=now, is_judged=True)
        for document, reviewer in set(judged.values_list("task__document", "reviewer"))
    )


@dataclass(frozen=True, slots=True)
class Measured:
    """How often one person was right, or all were on one label, where the answer is known.

    id: of the person or label; None: documents that nothing fits. of_labels: the same for each
    label, of what one person decided.
    """

    id: int | None
    right: int
    decisions: int
    of_labels: Sequence["Measured"] = ()


Decision = tuple[int, frozenset[int], bool]
"""Who decided, the gold of the document, and whether they were right."""


def measure(project: Project) -> tuple[list[Measured], list[Measured]]:
    """Return how often each person was right, and all were on each label; the least often first."""
    decided = _decided(project)
    people = sorted({reviewer for reviewer, *_ in decided})
    by_person = {who: [each for each in decided if each[0] == who] for who in people}
    measured = [
        Measured(who, sum(each[2] for each in mine), len(mine), _by_label(mine))
        for who, mine in by_person.items()
    ]
    return sorted(measured, key=_share), _by_label(decided)


def _by_label(decided: Sequence[Decision]) -> list[Measured]:
    right: Counter[int | None] = Counter()
    decisions: Counter[int | None] = Counter()
    for _, gold, is_right in decided:
        for label in gold or {None}:
            decisions[label] += 1
            right[label] += is_right
    return sorted((Measured(each, right[each], n) for each, n in decisions.items()), key=_share)


def _share(measured: Measured) -> float:
    return measured.right / measured.decisions


def _decided(project: Project) -> list[Decision]:
    """Return the decisions on known documents, by their gold as it stands now.

    An answer is right where it is the gold, or where every label that differs overlaps with one on
    the other side. Documents whose gold was taken back count no more.
    """
    judged = Annotation.objects.standing().filter(project=project, task__is_known=True)
    newest = list(judged.order_by("-pk").values_list("pk", flat=True)[:MOST])
    said: dict[tuple[int, int, int], set[int]] = {}
    rows = Annotation.objects.filter(pk__in=newest).order_by("pk")
    for *which, label in rows.values_list("pk", "reviewer", "task__document", "labels"):
        said.setdefault((which[0], which[1], which[2]), set()).update([label] if label else [])
    gold: dict[int, set[int]] = {}
    stands = GoldLabel.objects.gold().filter(document__in={document for _, _, document in said})
    for document, label in stands.values_list("document", "label"):
        gold.setdefault(document, set()).update([label] if label else [])
    overlaps = taxonomies.overlapping_ids(project) if said else {}
    return [
        (reviewer, frozenset(gold[document]), _is_right(answer, gold[document], overlaps))
        for (_, reviewer, document), answer in said.items()
        if document in gold
    ]


def _is_right(answer: set[int], gold: set[int], overlaps: Mapping[int, set[int]]) -> bool:
    return all(overlaps.get(each, set()) & gold for each in answer - gold) and all(
        overlaps.get(each, set()) & answer for each in gold - answer
    )
