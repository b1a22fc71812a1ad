"""Say which labels people vouch for, and what they ruled out."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef

from labeling import events, only_one, taxonomies
from labeling.models import (
    Annotation,
    Document,
    GoldLabel,
    Label,
    Prediction,
    Project,
    ReviewTask,
)
from labeling.prepared import Change, PreparedUpdate, insert
from labeling.taxonomies import Usable

NOTHING: Final[list[None]] = [None]  # the one row that says nothing fits
SHOWN = 9  # candidates on the card: those a digit key chooses


@transaction.atomic(savepoint=False)
def grant(
    document: Document,
    labels: Sequence[Label],
    *,
    annotation: Annotation,
    now: datetime,
    ruled_out: Iterable[int] = (),
) -> None:
    """Make *labels* the gold of *document*, resting on *annotation*; none means nothing fits.

    *ruled_out* are ids of labels the person saw proposed and passed over.
    """
    said = [(label.pk if label else None, GoldLabel.Tier.GOLD) for label in labels or NOTHING]
    said += [(label_id, GoldLabel.Tier.RULED_OUT) for label_id in ruled_out]
    insert(
        [
            GoldLabel(
                project_id=annotation.project_id,
                document=document,
                label_id=label_id,
                tier=tier,
                annotation=annotation,
                granted_at=now,
            )
            for label_id, tier in said
        ]
    )
    _mark(document=document.pk, now=now)
    events.announce(events.gold_changed, project_id=annotation.project_id)


@PreparedUpdate
def _mark(*, document: int, now: datetime) -> Change:
    return Document.objects.filter(pk=document), {"gold_at": now}


@transaction.atomic(savepoint=False)
def put_right(
    document: Document, labels: Sequence[Label], *, annotation: Annotation, now: datetime
) -> None:
    """Let *labels* take the place of the gold of *document*; nothing happens where they are it.

    What stood is written into *annotation*, so that `withdraw` brings it back.
    """
    standing = list(document.gold.gold().order_by("pk"))
    chosen: set[int | None] = {label.pk for label in labels}
    if {each.label_id for each in standing} == (chosen or {None}):
        return
    annotation.replaced = [
        [each.label_id, each.annotation_id, each.granted_at.isoformat()] for each in standing
    ]
    annotation.save(update_fields=["replaced"])
    document.gold.gold().delete()
    grant(document, labels, annotation=annotation, now=now)


@transaction.atomic(savepoint=False)
def withdraw(annotation: Annotation) -> None:
    """Take back the gold that rests on *annotation*, and what it ruled out. Twice is once.

    Gold that it took the place of comes back.
    """
    withdrawn, _ = annotation.gold.gold().delete()
    annotation.gold.ruled_out().delete()
    if not withdrawn:
        return
    if annotation.replaced:
        _bring_back(annotation)
        return
    others = GoldLabel.objects.gold().filter(document=OuterRef("pk"))
    Document.objects.filter(~Exists(others), pk=annotation.task.document_id).update(gold_at=None)
    events.announce(events.gold_changed, project_id=annotation.project_id)


def _bring_back(annotation: Annotation) -> None:
    """Let the gold stand again that *annotation* took the place of, by what became of its labels.

    Where one was retired without a successor the document is open again.
    """
    document_id = annotation.task.document_id
    heirs: dict[int | None, int | None] = dict(taxonomies.heirs(annotation.project_id).items())
    rows = {
        heirs.get(label_id, label_id): GoldLabel(
            project_id=annotation.project_id,
            document_id=document_id,
            label_id=heirs.get(label_id, label_id),
            annotation_id=annotation_id,
            granted_at=datetime.fromisoformat(granted_at),
        )
        for label_id, annotation_id, granted_at in annotation.replaced
    }
    if any(
        heirs.get(label_id, label_id) is None for label_id, *_ in annotation.replaced if label_id
    ):
        rows.clear()
    GoldLabel.objects.bulk_create(rows.values())
    last = max((row.granted_at for row in rows.values()), default=None)
    Document.objects.filter(pk=document_id).update(gold_at=last)
    events.announce(events.gold_changed, project_id=annotation.project_id)


@dataclass(frozen=True, slots=True)
class Offer:
    """What a card proposed: ids of labels, in the model's order.

    shown: the candidates that digit keys choose. suggested: what Enter accepts. right_too: those
    that overlap with a chosen one.
    """

    shown: Sequence[int]
    suggested: Sequence[int]
    right_too: Collection[int]


def offer(prediction: Prediction, usable: Mapping[int, Usable], *, is_multi: bool) -> Offer:
    """Return what the card of *prediction* proposes: those of the *usable* labels it names.

    Of labels that cannot be given together, it suggests the most probable.

    Args:
        usable: as `taxonomies.usable` says.
    """
    ranked = [candidate.label_id for candidate in prediction.ranked]
    shown = [label_id for label_id in ranked if label_id in usable][:SHOWN]
    ticked = [label_id for label_id in prediction.label_ids if label_id in usable]
    right_too = {label_id for label_id, each in usable.items() if each.is_right_too}
    lines = {label_id: each.one_of for label_id, each in usable.items()}
    ticked = only_one.likeliest(ticked, ranked, lines) if is_multi else shown[:1]
    return Offer(shown, ticked, right_too)


def passed_over(offered: Offer | None, chosen: Collection[int], *, is_multi: bool) -> list[int]:
    """Return the ids of the labels a person saw proposed and did not choose.

    Of a single label's project: the candidates on the card ranked above the chosen one, all of them
    when none was chosen or the choice came from elsewhere. Of a multi-label project: the ticked
    labels that were unticked. Labels that overlap with a chosen one may be right too and stay out.
    """
    if offered is None:
        return []
    if is_multi:
        seen = [label_id for label_id in offered.suggested if label_id not in chosen]
    else:
        ranks = [rank for rank, label_id in enumerate(offered.shown) if label_id in chosen]
        seen = list(offered.shown[: ranks[0]] if ranks else offered.shown)
    return [label_id for label_id in seen if label_id not in offered.right_too]


def apart_from(seen: Sequence[int], chosen: Collection[int]) -> list[int]:
    """Return those of *seen* that do not overlap with a chosen label, and so were ruled out."""
    overlaps = taxonomies.overlapping(seen, chosen)
    return [label_id for label_id in seen if label_id not in overlaps]


@transaction.atomic
def grant_imported_bulk(
    project: Project, grants: Sequence[tuple[int, Sequence[int]]], now: datetime
) -> int:
    """Make (document id, label ids) of a trusted source gold; no label at all is “nothing fits”.

    Documents that have gold keep theirs. Review tasks still open for them are withdrawn, also from
    those who hold them. Returns how many documents got gold.
    """
    wanted = dict(grants)
    project.documents.filter(pk__in=wanted).lock()
    open_ids = set(project.documents.open().filter(pk__in=wanted).values_list("pk", flat=True))
    GoldLabel.objects.bulk_create(
        (
            GoldLabel(project=project, document_id=pk, label_id=label, granted_at=now)
            for pk, labels in wanted.items()
            if pk in open_ids
            for label in labels or NOTHING
        ),
        batch_size=100,
    )
    Document.objects.filter(pk__in=open_ids).update(gold_at=now)
    ReviewTask.objects.open().filter(document__in=open_ids).withdraw()
    if open_ids:
        events.announce(events.gold_changed, project_id=project.pk)
    return len(open_ids)
