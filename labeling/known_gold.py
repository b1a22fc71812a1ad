"""Documents whose answer is known, mixed in with the others: how often is each person right?"""

import random
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery

from labeling import taxonomies
from labeling.distances import Answer
from labeling.judgements import Judgement
from labeling.models import (
    Annotation,
    Comment,
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

LATE: Final = timedelta(hours=1)
"""After a lease ran out a decision may still be on its way; so long the task is left alone."""


def candidates(project: Project, among: int, *, seed: str) -> list[int]:
    """Return ids of known documents to mix in with *among* others, those asked about least.

    So many that they make up the share the project wants. The caller holds them, and then calls
    `mix_in`.
    """
    if not project.known_share:
        return []
    chance = random.Random(seed)
    count = int(among * project.known_share / (1 - project.known_share) + chance.random())
    pool = list(dict.fromkeys(_vouched(project).values_list("document", flat=True)[:POOL]))
    asked = _times_asked(project, pool)
    chance.shuffle(pool)
    return sorted(pool, key=lambda pk: asked[pk])[:count]  # stable


def _vouched(project: Project) -> QuerySet[GoldLabel]:
    """Return gold that more than one person's single decision stands for, the newest first.

    Imported, ruled by an owner, agreed by several, or confirmed by somebody else; of documents
    that were close calls before they were gold, and on which nobody commented: no card of them
    tells that they are known.
    """
    is_vouched = (
        Q(annotation=None)
        | Q(annotation__kind=Annotation.Kind.RULING)
        | Q(annotation__task__wanted__gt=1)
        | confirmed()
    )
    here = OuterRef("document")
    close = Prediction.objects.current().filter(document=here, bucket=Prediction.Bucket.REVIEW)
    gold = GoldLabel.objects.gold().filter(is_vouched, Exists(close), project=project)
    said = Comment.objects.filter(document=here)
    waiting = ReviewTask.objects.open().filter(document=here)
    return gold.exclude(Exists(said)).exclude(Exists(waiting)).order_by("-pk")


def confirmed() -> Exists:
    """Say of gold whether somebody checked it and let it stand, other than who gave it."""
    checks = Annotation.objects.standing().filter(
        task__document=OuterRef("document"),
        task__queue__reason__in=ReviewQueue.ASKED_AGAIN,
        replaced=[],
    )
    return Exists(checks.exclude(reviewer=OuterRef("annotation__reviewer")))


def _times_asked(project: Project, documents: Collection[int]) -> Counter[int]:
    known = project.tasks.filter(is_known=True, document__in=documents).order_by()
    return Counter(dict(known.values_list("document").annotate(Count("pk"))))


def mix_in(queue: ReviewQueue, documents: Sequence[int], *, seed: str, now: datetime) -> None:
    """Put known *documents* at places nobody can foresee in the chosen batch.

    What was mixed in before and nobody holds is withdrawn. Whoever judged a document is not offered
    it, nor before its time who put it aside. Call it with the documents held, in the transaction
    that chose the batch.
    """
    project = queue.project
    before = project.tasks.unleased(at=now - LATE).filter(is_known=True, question=None)
    before.withdraw()
    chance = random.Random(seed)
    waiting = project.tasks.open().filter(document__in=documents).values("document")
    free = project.documents.filter(pk__in=documents).exclude(gold_at=None)
    current = Prediction.objects.current().filter(document=OuterRef("pk")).values("pk")
    rows = free.exclude(pk__in=waiting).values_list("pk", Subquery(current[:1]))
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
        for pk, prediction in rows.order_by("pk")
    )
    _keep_from_who_saw(tasks, now=now)


def _keep_from_who_saw(tasks: Sequence[ReviewTask], *, now: datetime) -> None:
    """Offer *tasks* neither to who judged their documents nor to who put them aside."""
    task_of = {task.document_id: task for task in tasks}
    judged = Annotation.objects.filter(task__document__in=task_of)
    seen = dict.fromkeys(judged.values_list("task__document", "reviewer"))
    aside = TaskSkip.objects.lasting(at=now).filter(task__document__in=task_of)
    put_aside = aside.filter(task__is_known=True).values_list("task__document", "reviewer", "until")
    skipped = {(document, reviewer): until for document, reviewer, until in put_aside}
    TaskSkip.objects.bulk_create(
        TaskSkip(
            task=task_of[document],
            reviewer_id=reviewer,
            skipped_at=now,
            until=until,
            is_judged=(document, reviewer) in seen,
        )
        for (document, reviewer), until in (skipped | seen).items()
    )


def turn_into_check(task: ReviewTask) -> None:
    """Let owners who are asked about a known task put its gold right: it becomes a check."""
    queue = task.project.queues.get(reason=ReviewQueue.Reason.CHECK)
    ReviewTask.objects.filter(pk=task.pk, is_known=True).update(queue=queue, is_known=False)


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


@dataclass(frozen=True, slots=True)
class Known:
    """What somebody decided where the answer is known. is_right: as `decisions` says."""

    judgement: Judgement
    gold: Answer
    is_right: bool


def measure(project: Project) -> tuple[list[Measured], list[Measured]]:
    """Return how often each person was right, and all were on each label; the least often first."""
    decided = decisions(project)
    people = sorted({each.judgement.reviewer for each in decided})
    by_person = {
        who: [each for each in decided if each.judgement.reviewer == who] for who in people
    }
    measured = [
        Measured(who, sum(each.is_right for each in mine), len(mine), _by_label(mine))
        for who, mine in by_person.items()
    ]
    return sorted(measured, key=_share), _by_label(decided)


def _by_label(decided: Sequence[Known]) -> list[Measured]:
    right: Counter[int | None] = Counter()
    seen: Counter[int | None] = Counter()
    for each in decided:
        for label in each.gold or {None}:
            seen[label] += 1
            right[label] += each.is_right
    return sorted((Measured(each, right[each], n) for each, n in seen.items()), key=_share)


def _share(measured: Measured) -> float:
    return measured.right / measured.decisions


def decisions(project: Project) -> list[Known]:
    """Return the decisions on known documents, by their gold as it stands now.

    An answer is right where it is the gold, or where every label that differs overlaps with one on
    the other side, and a label merged or retired since counts as what it became. Documents whose
    gold was taken back count no more.
    """
    known = project.tasks.filter(is_known=True, status=ReviewTask.Status.DONE)
    judged = Annotation.objects.standing().filter(task__in=known.values("pk"))
    newest = list(judged.order_by("-pk").values_list("pk", flat=True)[:MOST])
    said: dict[tuple[int, int, int, datetime], set[int]] = {}
    rows = Annotation.objects.filter(pk__in=newest).order_by("pk")
    columns = ("pk", "task__document", "reviewer", "annotated_at", "labels")
    heirs = taxonomies.heirs(project.pk) if newest else {}
    for pk, document, reviewer, at, label in rows.values_list(*columns):
        became = [heirs.get(label) or label] if label else []
        said.setdefault((pk, document, reviewer, at), set()).update(became)
    gold: dict[int, set[int]] = {}
    stands = GoldLabel.objects.gold().filter(document__in={each[1] for each in said})
    for document, label in stands.values_list("document", "label"):
        gold.setdefault(document, set()).update([label] if label else [])
    overlaps = taxonomies.overlapping_ids(project) if said else {}
    return [
        Known(
            Judgement(document, reviewer, frozenset(answer), at),
            frozenset(gold[document]),
            _is_right(answer, gold[document], overlaps),
        )
        for (_, document, reviewer, at), answer in said.items()
        if document in gold
    ]


def _is_right(answer: set[int], gold: set[int], overlaps: Mapping[int, set[int]]) -> bool:
    return all(overlaps.get(each, set()) & gold for each in answer - gold) and all(
        overlaps.get(each, set()) & answer for each in gold - answer
    )
