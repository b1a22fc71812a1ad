"""What a reviewer is told of their day."""

from datetime import UTC, datetime, timedelta

import pytest

from labeling import recaps
from labeling.models import Annotation
from tests.factories import AnnotationFactory, LabelFactory, PredictionFactory, ReviewTaskFactory
from tests.labeling.desk import decision, url

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
Kind = Annotation.Kind
pytestmark = pytest.mark.django_db


@pytest.fixture
def decide(reviewer):
    """Make a decision of a kind, on a task of its own."""

    def decide(kind, *labels, by=reviewer, at=NOON, **task):
        made = ReviewTaskFactory(status="done", **task)
        annotation = AnnotationFactory(
            task=made,
            reviewer=by,
            kind=kind,
            annotated_at=at,
            prediction=PredictionFactory() if kind in (Kind.ACCEPTED, Kind.CORRECTED) else None,
        )
        annotation.labels.set(labels)
        return annotation

    return decide


def test_kinds_and_labels_are_counted_the_most_frequent_first(decide, project, reviewer):
    refund, card = LabelFactory(name="Refund"), LabelFactory(name="Card")
    for kind, label in [(Kind.ACCEPTED, card), (Kind.CORRECTED, card), (Kind.ACCEPTED, refund)]:
        decide(kind, label)
    decide(Kind.NONE_FITS)
    recap = recaps.of(project, reviewer, now=NOON)

    assert recap.decisions == 4
    assert recap.kinds[0] == ("Accepted the suggestion", 2)
    assert [(str(label), count) for label, count in recap.labels] == [("Card", 2), ("Refund", 1)]


def test_overrides_are_a_share_of_the_suggestions_seen(decide, project, reviewer):
    for kind in [Kind.ACCEPTED] * 3 + [Kind.CORRECTED, Kind.INDEPENDENT]:
        decide(kind)

    assert recaps.of(project, reviewer, now=NOON).overrides == 0.25


def test_without_suggestions_there_is_no_share(decide, project, reviewer):
    decide(Kind.INDEPENDENT)

    assert recaps.of(project, reviewer, now=NOON).overrides is None


def test_yesterday_others_and_what_was_undone_do_not_count(
    decide, project, reviewer, other_reviewer
):
    decide(Kind.ACCEPTED, at=NOON - timedelta(days=1))
    decide(Kind.ACCEPTED, by=other_reviewer)
    undone = decide(Kind.ACCEPTED)
    Annotation.objects.filter(pk=undone.pk).update(undone_at=NOON)

    assert recaps.of(project, reviewer, now=NOON).decisions == 0


def test_agreement_with_others_is_that_of_shared_tasks(decide, project, reviewer, owner):
    decide(Kind.ACCEPTED)
    decide(Kind.ACCEPTED, wanted=2)
    ruled = decide(Kind.ACCEPTED, wanted=2, is_disputed=True)
    AnnotationFactory(task=ruled.task, reviewer=owner, kind=Kind.RULING)
    recap = recaps.of(project, reviewer, now=NOON)

    assert (recap.agreed, recap.differed) == (1, 1)


def test_the_page_tells_the_day(client, reviewer, held, labels):
    client.force_login(reviewer)
    assert "You have decided nothing today." in client.get(url("recap")).text
    client.post(url("annotate", held().pk), decision(labels[0]))
    page = client.get(url("recap"))

    assert "Accepted the suggestion" in page.text
    assert "Card arrival" in page.text
