"""Ask people again about what they decided on labels that mean something else by now."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef

from labeling.models import GoldLabel, Prediction, ReviewQueue, ReviewTask, TaxonomyVersion
from labeling.queue_filling import ensure

MOST: Final = 500
"""Decisions asked about at once, the newest: the first tell whether the others are worth it."""

SHOWN: Final = 5  # candidates of the prediction that stood


@transaction.atomic
def ask_again(version: TaxonomyVersion, labels: Collection[int], *, now: datetime) -> int:
    """Open a task for each of up to MOST documents that have gold of *labels*; return how many.

    Their gold stands until somebody says otherwise. They come last, after what is not decided at
    all. *version*, which changed the labels, withdraws them when it is taken back.
    """
    project = version.project
    waiting = ReviewTask.objects.open().filter(document=OuterRef("document"))
    gold = GoldLabel.objects.gold().filter(~Exists(waiting), project=project, label__in=labels)
    newest = dict.fromkeys(gold.order_by("-pk").values_list("document", flat=True)[: 2 * MOST])
    ids = list(newest)[:MOST]
    project.documents.filter(pk__in=ids).lock()
    open_ones = ReviewTask.objects.open().filter(document__in=ids).values("document")
    with_gold = project.documents.filter(pk__in=ids).exclude(gold_at=None)
    still = set(with_gold.exclude(pk__in=open_ones).values_list("pk", flat=True))
    current = Prediction.objects.current().filter(document__in=still)
    opinions = {each.document_id: each.ranked[:SHOWN] for each in current}
    queue = ensure(project)[ReviewQueue.Reason.CHANGED]
    tasks = ReviewTask.objects.bulk_create(
        (
            ReviewTask(
                project=project,
                queue=queue,
                document_id=pk,
                value=-0.5,
                opinion=[[each.label_id, each.probability] for each in opinions.get(pk, ())],
                created_at=now,
            )
            for pk in ids
            if pk in still
        ),
        batch_size=200,
    )
    version.refresh_from_db(fields=["tasks"])
    version.tasks |= {"asked": [task.pk for task in tasks]}
    version.save(update_fields=["tasks"])
    return len(tasks)
