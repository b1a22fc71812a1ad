"""Which documents each filter keeps: looked up where they are few, met on a walk where not."""

from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest
from django.utils import timezone

from labeling import document_list, document_walk
from labeling.document_filters import DocumentFilter
from labeling.documents import Row, import_documents
from labeling.models import Document, Prediction, ReviewQueue
from tests.factories import (
    AnnotationFactory,
    GoldLabelFactory,
    LabelFactory,
    PredictionFactory,
    ProjectFactory,
    ReviewQueueFactory,
    ReviewTaskFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


@pytest.fixture
def world(project):
    """Four documents, oldest first: accepted, a close call, decided by hand, and untouched."""
    rows = [Row(name, f"the card {name}") for name in ("clear", "close", "decided", "bare")]
    for day, row in enumerate(rows, start=1):
        import_documents(project, [row], actor=None, now=datetime(2026, 3, day, 12, tzinfo=UTC))
    clear, close, decided, _ = project.documents.order_by("pk")
    lost, fee = (LabelFactory(project=project, key=key, name=key) for key in ("lost", "fee"))
    PredictionFactory(
        document=clear, bucket=Prediction.Bucket.AUTO, margin=0.9, first=lost, bundle="b" * 64
    )
    PredictionFactory(document=close, margin=0.02, first=fee)
    PredictionFactory(document=decided, margin=0.3, first=fee)
    ReviewTaskFactory(document=close, prediction=None)
    GoldLabelFactory(document=clear, label=lost)
    anna = UserFactory(username="anna")
    done = ReviewTaskFactory(
        document=decided,
        prediction=None,
        status="done",
        queue=ReviewQueueFactory(project=project, reason=ReviewQueue.Reason.AUDIT),
    )
    judged = AnnotationFactory(task=done, reviewer=anna, kind="corrected")
    GoldLabelFactory(document=decided, label=lost, annotation=judged)
    Document.objects.filter(pk__in=[clear.pk, decided.pk]).update(gold_at=NOON)
    other = PredictionFactory(document__project=ProjectFactory(slug="other"), margin=0.02)
    return SimpleNamespace(project=project, lost=lost, fee=fee, anna=anna, other=other)


FILTERS = [
    ({}, ["bare", "decided", "close", "clear"]),
    ({"q": "card"}, ["bare", "decided", "close", "clear"]),
    ({"q": "card -close"}, ["bare", "decided", "clear"]),
    ({"q": "missing"}, []),
    ({"bucket": "review"}, ["close", "decided"]),
    ({"bucket": "none_fits"}, []),
    ({"bucket": "review", "order": "newest"}, ["decided", "close"]),
    ({"order": "closest"}, ["close", "decided", "clear"]),
    ({"q": "card", "order": "closest"}, ["close", "decided", "clear"]),
    ({"label": "fee"}, ["decided", "close"]),
    ({"label": "fee", "order": "closest"}, ["close", "decided"]),
    ({"label": "lost", "label_is": "gold"}, ["decided", "clear"]),
    ({"label": "fee", "label_is": "gold"}, []),
    ({"margin_from": 0.02, "margin_to": 0.3}, ["decided", "close"]),
    ({"margin_from": 0.25, "order": "closest"}, ["decided", "clear"]),
    ({"margin_to": 0.25, "order": "closest"}, ["close"]),
    ({"since": date(2026, 3, 3)}, ["bare", "decided"]),
    ({"until": date(2026, 3, 2)}, ["close", "clear"]),
    ({"since": date(2026, 3, 2), "until": date(2026, 3, 2)}, ["close"]),
    ({"since": date(2026, 3, 2), "until": date.max, "bucket": "review"}, ["close", "decided"]),
    ({"reviewer": "anna"}, ["decided"]),
    ({"decided": "corrected"}, ["decided"]),
    ({"decided": "accepted"}, []),
    ({"decided": "imported"}, ["clear"]),
    ({"queue": "ambiguous"}, ["close"]),
    ({"queue": "audit"}, []),
    ({"gold": "yes"}, ["decided", "clear"]),
    ({"gold": "no"}, ["bare", "close"]),
    ({"bundle": "bbbb"}, ["clear"]),
    ({"q": "card", "gold": "no", "bucket": "review"}, ["close"]),
]


@pytest.mark.parametrize("few", [0, 2, 5_000])
@pytest.mark.parametrize(("asked", "expected"), FILTERS)
def test_a_filter_keeps_what_it_says_however_many_there_are(
    world, monkeypatch, asked, expected, few
):
    if few == 0 and asked.get("q") and asked.get("order") == "closest":
        pytest.skip("of a search only the newest few are put in order")
    monkeypatch.setattr(document_walk, "FEW", few)
    known = {"label": {"lost": world.lost, "fee": world.fee}, "reviewer": {"anna": world.anna}}
    values = {name: known.get(name, {}).get(value, value) for name, value in asked.items()}
    page = document_list.page(world.project, DocumentFilter(**values))

    names = [row.document.external_id for row in page.rows]
    if few == 2 and asked == {"q": "card", "order": "closest"}:
        assert page.found.is_cut
        assert names == ["decided"]  # of the newest two, the one that was predicted
    else:
        assert names == expected
        assert page.found.number in (None, len(expected))
    assert page.found.following == ""


def test_all_that_is_asked_stands_in_the_address(world):
    asked = DocumentFilter(
        q="card & more", label=world.lost, margin_from=0.125, since=date(2026, 3, 1), gold="no",
        reviewer=world.anna,
    )  # fmt: skip

    assert asked.address == (
        "q=card+%26+more&label=lost&margin_from=12.5&since=2026-03-01&reviewer=anna&gold=no"
    )
    assert DocumentFilter().address == ""


@pytest.mark.parametrize("few", [0, 5_000])
@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"q": "card"},
        {"q": "card", "gold": "no"},
        {"bucket": "review"},
        {"order": "closest"},
        {"gold": "no"},
        {"gold": "no", "order": "closest"},
        {"since": date(2026, 1, 1), "gold": "no"},
    ],
)
def test_pages_of_any_order_follow_each_other_without_gap_or_repetition(
    project, monkeypatch, asked, few
):
    monkeypatch.setattr(document_walk, "FEW", few)
    monkeypatch.setattr(document_walk, "STRIDES", (2, 3))
    monkeypatch.setattr(document_walk, "MOST_LOOKED_AT", 4)
    monkeypatch.setattr(document_list, "PAGE", 3)
    rows = [Row(f"mail-{number}", f"card {number}") for number in range(14)]
    import_documents(project, rows, actor=None, now=timezone.now())
    documents = list(project.documents.order_by("pk"))
    for number, document in enumerate(documents):
        PredictionFactory(document=document, margin=[0.5, 1e-12, 0.1][number % 3])
    project.documents.filter(pk__in=[each.pk for each in documents[4:9]]).update(gold_at=NOON)
    seen, after = [], ""
    for _ in range(20):
        page = document_list.page(project, DocumentFilter(**asked), after=after)
        seen += [row.document.pk for row in page.rows]
        after = page.found.following
        if not after:
            break

    assert len(seen) == len(set(seen)) == (9 if "gold" in asked else 14)
    assert after == ""


def test_a_walk_stops_and_says_how_far_it_came(project, monkeypatch):
    monkeypatch.setattr(document_walk, "FEW", 1)
    monkeypatch.setattr(document_walk, "STRIDES", (2, 3))
    monkeypatch.setattr(document_walk, "MOST_LOOKED_AT", 4)
    for _ in range(6):
        PredictionFactory(document__project=project)
    PredictionFactory(document__project=project, bundle="b" * 64)
    asked = DocumentFilter(bundle="aaaa")
    Prediction.objects.filter(pk__in=Prediction.objects.order_by("-pk")[:5]).update(bundle="c" * 64)
    first = document_list.page(project, asked)
    second = document_list.page(project, asked, after=first.found.following)

    assert (len(first.rows), first.found.looked_at) == (0, 4)
    assert (len(second.rows), second.found.looked_at) == (2, 0)
