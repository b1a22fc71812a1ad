"""Move the gold of labels that a version of the taxonomy closes, and bring it back.

Every row of gold is remembered as it was before it moved, so that taking the version back is exact.
Whoever calls holds the project, and then the documents, all at once, by `hold` (decision 10).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from labeling import events, taxonomies
from labeling.models import (
    Document,
    GoldLabel,
    Label,
    MovedGold,
    Prediction,
    ReviewQueue,
    ReviewTask,
    TaxonomyVersion,
)
from labeling.models.gold import GoldLabelQuerySet
from labeling.queue_filling import batches, ensure, people_wanted
from labeling.taxonomy_acts import Transfer
from labeling.taxonomy_entries import Name

BATCH = 5_000  # documents named in one query

Moves = Sequence[tuple[Name, Name | None, frozenset[int] | None]]
"""Whose gold goes where: labels, and ids of the documents, None: all that is left."""


def as_json(transfer: Transfer) -> list[Any]:
    """Return what `read` understands."""
    return [transfer.source, transfer.target, transfer.documents and list(transfer.documents)]


def read(told: Sequence[Any]) -> Transfer:
    """Return the transfer that `as_json` wrote."""
    source, target, documents = told
    return Transfer(source, target, None if documents is None else tuple(documents))


def moves(transfers: Sequence[Transfer], names: Mapping[str, Name]) -> Moves[Name]:
    """Return what `moved` asks for.

    Args:
        names: of labels by key: by which the moves are to name them.
    """
    return [
        (
            names[each.source],
            None if each.target is None else names[each.target],
            None if each.documents is None else frozenset(each.documents),
        )
        for each in transfers
    ]


def moved(document: int, labels: Sequence[Name], moves: Moves[Name]) -> tuple[Name, ...] | None:
    """Return the labels of a document once gold moved; None where it goes back to review."""
    now = list(labels)
    for source, target, documents in moves:
        if source in now and (documents is None or document in documents):
            if target is None:
                return None
            now = list(dict.fromkeys(target if each == source else each for each in now))
    return tuple(now)


def hold(version: TaxonomyVersion, sources: Collection[Label]) -> list[int]:
    """Hold the documents whose gold moves with *version* or comes back; return their ids.

    Args:
        sources: labels whose gold may move.
    """
    said = GoldLabel.objects.filter(project=version.project_id, label__in=sources)
    moved = MovedGold.objects.filter(version=version.undoes_id)
    return _hold(said, moved)


def _hold(*rows: QuerySet[Any]) -> list[int]:
    """Hold the documents that *rows* speak of, all at once; return their ids."""
    ids = sorted({pk for each in rows for pk in each.values_list("document", flat=True)})
    for part in batches(ids, BATCH):  # ascending, as all who hold several
        Document.objects.filter(pk__in=part).lock()
    return ids


def carry_out(
    version: TaxonomyVersion,
    transfers: Sequence[Transfer],
    labels: Mapping[str, Label],
    documents: Sequence[int],
    *,
    now: datetime,
) -> None:
    """Move gold as *transfers* say, one after the other; *version* remembers it all.

    Gold that goes back to review goes with all labels of its document, which waits in the queue of
    changed labels from then on. What was ruled out of a label that is gone says nothing of another.

    Args:
        labels: all of the project, by key.
        documents: ids of those that `hold` holds. Gold of no others moves: what came since is for
            the sweep.
    """
    version.transfers += [as_json(each) for each in transfers]
    version.save(update_fields=["transfers"])
    if not documents or not transfers:
        return
    opened: list[int] = []
    withdrawn: list[list[Any]] = []
    for each in transfers:
        source = labels[each.source]
        held = documents if each.documents is None else sorted({*documents} & {*each.documents})
        for part in batches(held, BATCH):
            if each.target is not None:
                _hand_over(version, source, labels[each.target], part)
                continue
            gold = GoldLabel.objects.gold().filter(label=source, document__in=part)
            gone = sorted(gold.values_list("document", flat=True))
            withdrawn += _take_away(version, gone)
            opened += _ask_again(version, gone, now=now)
    tasks = version.tasks
    version.tasks = tasks | {
        "opened": tasks.get("opened", []) + opened,
        "withdrawn": tasks.get("withdrawn", []) + withdrawn,
        "newest": tasks.get("newest") or _newest(),
    }
    version.save(update_fields=["tasks"])
    events.announce(events.gold_changed, project_id=version.project_id)


def _newest() -> int:
    """Return the greatest id of any gold: what is decided from now on has a greater one."""
    return GoldLabel.objects.aggregate(newest=Max("pk"))["newest"] or 0


def sweep(version: TaxonomyVersion, *, now: datetime) -> None:
    """Move gold that was decided in the moment a label was closed: that saw it open.

    Called once the version stands. Whoever decides holds a document whose task they were given;
    these are waited for, and whoever comes later finds the label closed.
    """
    gone = Label.objects.closed().filter(project=version.project_id)
    gold = GoldLabel.objects.gold().filter(project=version.project_id, label__in=gone.values("pk"))
    leased = ReviewTask.objects.open().filter(project=version.project_id, leased_by__isnull=False)
    documents = _hold(gold, leased)
    late: set[int] = set(gold.values_list("label__pk", flat=True))
    if not late:
        return
    # With what else they say, which is newer than the version, too.
    _remember(version, GoldLabel.objects.filter(document__in=gold.values("document")))
    heirs = taxonomies.heirs(version.project_id)
    labels = {label.key: label for label in version.project.labels.without_texts()}
    keys: dict[int | None, str] = {label.pk: key for key, label in labels.items()}
    transfers = [Transfer(keys[pk], keys.get(heirs.get(pk))) for pk in late]
    carry_out(version, transfers, labels, documents, now=now)


def _hand_over(
    version: TaxonomyVersion, source: Label, target: Label, documents: Sequence[int]
) -> None:
    """Make gold of *source* gold of *target*; a document that has that already keeps one."""
    rows = GoldLabel.objects.filter(label=source, document__in=documents)
    _remember(version, rows)
    moved = list(rows.gold().values_list("document", flat=True))
    has = GoldLabel.objects.gold().filter(document=OuterRef("document"), label=target)
    rows.gold().filter(~Exists(has)).update(label=target)
    rows.delete()
    denied = GoldLabel.objects.ruled_out().filter(label=target, document__in=moved)
    _remember(version, denied)  # by who gave source
    denied.delete()


def _take_away(version: TaxonomyVersion, documents: Sequence[int]) -> list[list[Any]]:
    """Leave nothing said of *documents*; return the tasks that asked about their gold."""
    rows = GoldLabel.objects.filter(document__in=documents)
    _remember(version, rows)
    rows.delete()
    Document.objects.filter(pk__in=documents).update(gold_at=None)
    tasks = ReviewTask.objects.open().filter(document__in=documents)
    held = list(tasks.values_list("pk", "leased_by", "leased_until"))
    tasks.withdraw()
    return [[pk, who, until and until.isoformat()] for pk, who, until in held]


def _remember(version: TaxonomyVersion, rows: GoldLabelQuerySet) -> None:
    """Keep *rows* as they are, but for those that this version moved before."""
    before = MovedGold.objects.filter(version=version).values("gold_id")
    columns = ("pk", "document_id", "label_id", "tier", "annotation_id", "granted_at")
    names = ("gold_id", *columns[1:])
    for part in batches(rows.exclude(pk__in=before).order_by("pk").values_list(*columns), BATCH):
        MovedGold.objects.bulk_create(
            (MovedGold(version=version, **dict(zip(names, row, strict=True))) for row in part),
            batch_size=500,
        )


def _ask_again(version: TaxonomyVersion, documents: Sequence[int], *, now: datetime) -> list[int]:
    """Open a task for each of *documents*, which have no gold any more; return their ids."""
    project = version.project
    queue = ensure(project)[ReviewQueue.Reason.CHANGED]
    current = Prediction.objects.current().filter(document=OuterRef("pk"))
    rows = project.documents.filter(pk__in=documents).order_by("pk")
    named = rows.annotate(
        prediction=Subquery(current.values("pk")[:1]),
        worth=Coalesce(Subquery(current.values(worth=1 - F("margin"))[:1]), 1.0),
    ).values_list("pk", "fingerprint", "prediction", "worth")
    tasks = ReviewTask.objects.bulk_create(
        ReviewTask(
            project=project,
            queue=queue,
            document_id=pk,
            prediction_id=prediction,
            value=worth,
            wanted=people_wanted(project, fingerprint),
            created_at=now,
        )
        for pk, fingerprint, prediction, worth in named
    )
    return [task.pk for task in tasks]


def take_back(version: TaxonomyVersion) -> None:
    """Bring back the gold that *version* moved, and the tasks it withdrew.

    Documents that somebody decided or put right since, took a decision back on, or is at it by
    now with others, stay as they are.
    """
    moved = MovedGold.objects.filter(version=version)
    _stop_asking(version)
    if not moved.exists():
        return
    back = Document.objects.filter(pk__in=_untouched(version))
    ids = list(back.order_by("pk").values_list("pk", flat=True))
    ours = {*version.tasks.get("opened", []), *version.tasks.get("asked", [])}
    for part in batches(ids, BATCH):
        waiting = ReviewTask.objects.open().filter(document__in=part)
        opened = ours.intersection(waiting.values_list("pk", flat=True))
        waiting.filter(pk__in=opened).withdraw()
        rows = moved.filter(document__in=part)
        GoldLabel.objects.filter(pk__in=rows.values("gold_id")).delete()
        GoldLabel.objects.bulk_create(
            (
                GoldLabel(
                    pk=row.gold_id,
                    project_id=version.project_id,
                    document_id=row.document_id,
                    label_id=row.label_id,
                    tier=row.tier,
                    annotation_id=row.annotation_id,
                    granted_at=row.granted_at,
                )
                for row in rows.order_by("gold_id")
            ),
            batch_size=500,
        )
        newest = GoldLabel.objects.gold().filter(document=OuterRef("pk")).order_by()
        since = newest.values("document").annotate(at=Max("granted_at")).values("at")
        Document.objects.filter(pk__in=part).update(gold_at=Subquery(since))
    _reopen(version, set(ids))
    events.announce(events.gold_changed, project_id=version.project_id)


def _stop_asking(version: TaxonomyVersion) -> None:
    """Withdraw what asks about gold because of *version*, unless somebody was given it."""
    for part in batches(version.tasks.get("asked", []), BATCH):
        ReviewTask.objects.open().filter(pk__in=part, leased_by=None, judged=0).withdraw()


def _untouched(version: TaxonomyVersion) -> Any:
    """Return ids of the documents that stand as *version* left them."""
    moved = MovedGold.objects.filter(version=version)
    undone = moved.filter(annotation__undone_at__isnull=False).values("document")
    newer = GoldLabel.objects.filter(
        project=version.project_id, pk__gt=version.tasks.get("newest", 0)
    ).exclude(pk__in=moved.values("gold_id"))
    at_it = ReviewTask.objects.open().filter(
        Q(judged__gt=0) | Q(question__isnull=False),
        project=version.project_id,
        queue__reason=ReviewQueue.Reason.CHANGED,
    )
    rows = moved.exclude(document__in=undone).exclude(document__in=newer.values("document"))
    return rows.exclude(document__in=at_it.values("document")).values("document")


def _reopen(version: TaxonomyVersion, documents: Collection[int]) -> None:
    """Open the tasks that *version* withdrew from *documents*, with who held them."""
    for pk, who, until in version.tasks.get("withdrawn", []):
        task = ReviewTask.objects.filter(pk=pk, status=ReviewTask.Status.WITHDRAWN)
        other = ReviewTask.objects.open().filter(document=OuterRef("document"))
        free = task.filter(~Exists(other), document__in=documents)
        moment = datetime.fromisoformat(until) if until else None
        free.update(status=ReviewTask.Status.OPEN, leased_by=who, leased_until=moment)
