"""Review tasks as a model would make them."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.utils import timezone

from labeling import annotations, queues
from labeling.models import Prediction, ReviewQueue
from tests.factories import DocumentFactory, LabelFactory, PredictionFactory, ReviewTaskFactory

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


@pytest.fixture
def labels(project):
    group = LabelFactory(name="Cards", is_assignable=False)
    return [
        LabelFactory(name=name, parent=group, description=f"All about {name.lower()}.")
        for name in ("Card arrival", "Card delivery", "Lost card", "Stolen card")
    ]


@pytest.fixture
def waiting(project, labels):
    """Make a task whose prediction ranks the four labels: 46, 41, 8 and 5 %."""

    def waiting(**fields):
        shares = (0.46, 0.41, 0.08, 0.05)
        document = DocumentFactory(
            **{name.partition("__")[2]: fields.pop(name) for name in list(fields) if "__" in name}
        )
        prediction = PredictionFactory(
            document=document,
            first=labels[0],
            second=labels[1],
            bucket=fields.pop("bucket", Prediction.Bucket.REVIEW),
            label_ids=fields.pop("label_ids", [labels[0].pk]),
            candidates=[
                [label.pk, 0.5, 1.0, share] for label, share in zip(labels, shares, strict=True)
            ],
        )
        queue = queues.ensure(document.project)[fields.pop("reason", ReviewQueue.Reason.AMBIGUOUS)]
        return ReviewTaskFactory(document=document, prediction=prediction, queue=queue, **fields)

    return waiting


@pytest.fixture
def held(waiting, reviewer):
    """Make a task that the reviewer holds."""

    def held(**fields):
        return queues.lease(waiting(**fields), reviewer, now=timezone.now())

    return held


def candidates(labels):
    return [[label.pk, 0.5, 1.0, 0.4 - 0.1 * rank] for rank, label in enumerate(labels)]


@pytest.fixture
def task(project, reviewer, labels):
    """A task that *reviewer* holds; its prediction ranks the four labels in order."""
    prediction = PredictionFactory(
        first=labels[0],
        second=labels[1],
        candidates=candidates(labels),
        label_ids=[labels[0].pk],
    )
    ReviewTaskFactory(document=prediction.document, prediction=prediction)
    return queues.lease_next(project, reviewer, now=NOON)


@pytest.fixture
def decide(task, reviewer):
    def decide(*labels, key=None, by=reviewer, now=NOON, **options):
        return annotations.annotate(
            task, reviewer=by, labels=labels, key=key or uuid4(), now=now, **options
        )

    return decide
