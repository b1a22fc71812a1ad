"""Say which labels people vouch for."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from labeling import events
from labeling.models import Document, GoldLabel, Project


@transaction.atomic
def grant_imported_bulk(
    project: Project, grants: Sequence[tuple[int, Sequence[int]]], now: datetime
) -> int:
    """Make (document id, label ids) of a trusted source gold; no label at all is “nothing fits”.

    Documents that have gold keep theirs. Returns how many documents got gold.
    """
    wanted = dict(grants)
    open_ids = set(project.documents.open().filter(pk__in=wanted).values_list("pk", flat=True))
    GoldLabel.objects.bulk_create(
        (
            GoldLabel(project=project, document_id=pk, label_id=label, granted_at=now)
            for pk, labels in wanted.items()
            if pk in open_ids
            for label in (*labels,) or (None,)
        ),
        batch_size=100,
    )
    Document.objects.filter(pk__in=open_ids).update(gold_at=now)
    if open_ids:
        events.announce(events.gold_changed, project_id=project.pk)
    return len(open_ids)
