import pytest

from labeling import document_list
from labeling.document_filters import DocumentFilter
from labeling.models import Prediction
from tests.factories import (
    AnnotationFactory,
    DocumentFactory,
    GoldLabelFactory,
    LabelFactory,
    PredictionFactory,
    ProjectFactory,
    ReviewTaskFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client, project, owner):
    client.force_login(owner)
    return lambda path="": client.get(f"/p/{project.slug}/documents/{path}")


def predicted(project, margin, bucket=Prediction.Bucket.REVIEW, **fields):
    document = DocumentFactory(project=project, subject=f"margin {margin}")
    return PredictionFactory(document=document, margin=margin, bucket=bucket, **fields)


def test_documents_are_listed_newest_first_with_prediction_and_gold(page, project):
    label = LabelFactory(project=project, name="Card lost")
    settled = predicted(project, 0.25, first=label).document
    GoldLabelFactory(document=settled, label=label)
    settled.gold_at = settled.imported_at
    settled.save()
    DocumentFactory(project=project, subject="The newest")
    text = page().text

    assert text.index("The newest") < text.index("margin 0.25")
    assert "not predicted yet" in text
    assert "Card lost" in text
    assert "25\xa0%" in text


def test_the_list_costs_the_same_whatever_its_length(page, project, django_assert_num_queries):
    label = LabelFactory(project=project)
    for n in range(30):
        document = predicted(project, n / 100, first=label).document
        GoldLabelFactory(document=document, label=label)
    page()

    with django_assert_num_queries(13):
        page()
    with django_assert_num_queries(15):
        page("?bucket=review")


def test_no_text_is_ever_selected_for_the_list(page, project, django_assert_num_queries):
    predicted(project, 0.1)
    page()
    with django_assert_num_queries(13) as queries:
        page()

    assert not any('"labeling_document"."text"' in query["sql"] for query in queries)
    assert not any('"candidates"' in query["sql"] for query in queries)


@pytest.mark.parametrize("bucket", ["", "review"])
def test_pages_follow_each_other_without_gap_or_repetition(project, monkeypatch, bucket):
    monkeypatch.setattr(document_list, "PAGE", 3)
    for n in range(8):
        predicted(project, [0.5, 1e-12, 0.1][n % 3])
    seen, after = [], ""
    for _ in range(3):
        found = document_list.page(project, DocumentFilter(bucket=bucket), after=after)
        seen += [row.document.pk for row in found.rows]
        after = found.found.following

    assert len(seen) == len(set(seen)) == 8
    assert after == ""


def test_a_bucket_shows_the_closest_calls_first_and_no_others(page, project):
    predicted(project, 0.4)
    predicted(project, 0.02)
    predicted(project, 0.9, bucket=Prediction.Bucket.AUTO)
    predicted(project, 0.01, is_current=False)
    text = page("?bucket=review").text

    assert text.index("margin 0.02") < text.index("margin 0.4")
    assert "margin 0.9" not in text
    assert "margin 0.01<" not in text


@pytest.mark.parametrize("after", ["x", "nan_1", "0.5", "0.5_x", "1" * 50, "0.5_" + "9" * 40])
def test_a_page_that_cannot_be_read_is_the_first(page, project, after):
    predicted(project, 0.4)

    for bucket in ("", "review", "nonsense"):
        assert page(f"?bucket={bucket}&after={after}").status_code == 200


def test_another_project_shows_nothing_of_this_one(page, project):
    other = DocumentFactory(project=ProjectFactory(slug="other"), subject="Secret")

    assert "Secret" not in page().text
    assert page(f"{other.pk}/").status_code == 404


def test_an_empty_project_says_how_to_begin(page):
    assert "No documents yet" in page().text


def test_a_document_shows_its_candidates_and_every_decision(page, project):
    label = LabelFactory(project=project, name="Card lost")
    document = DocumentFactory(project=project, metadata={"channel": "mail"})
    prediction = PredictionFactory(
        document=document, candidates=[[label.pk, 0.812, 3.1, 0.46]], first=label
    )
    annotation = AnnotationFactory(
        task=ReviewTaskFactory(document=document, prediction=prediction),
        undone_at=document.imported_at,
    )
    annotation.labels.add(label)
    text = page(f"{document.pk}/").text

    assert "46.0\xa0%" in text
    assert "0.812" in text
    assert annotation.reviewer.username in text
    assert "undone" in text
    assert "channel" in text


def test_a_document_page_costs_the_same_whatever_its_history(
    page, project, django_assert_num_queries
):
    labels = LabelFactory.create_batch(20, project=project)
    document = DocumentFactory(project=project)
    prediction = PredictionFactory(
        document=document, candidates=[[label.pk, 0.5, 1.0, 0.05] for label in labels]
    )
    for _ in range(30):
        task = ReviewTaskFactory(document=document, prediction=prediction, status="done")
        AnnotationFactory(task=task).labels.set(labels[:2])
    page(f"{document.pk}/")

    with django_assert_num_queries(11):
        page(f"{document.pk}/")


def test_the_text_of_a_document_is_shown_as_text(page, project):
    document = DocumentFactory(
        project=project,
        subject="<b>hi</b>",
        text="<script>alert(1)</script>",
        metadata={"<i>": "<u>"},
    )
    text = page().text + page(f"{document.pk}/").text

    for markup in ("<script>alert", "<b>hi", "<i>", "<u>"):
        assert markup not in text


def test_gold_is_downloaded_as_a_file(page, project):
    label = LabelFactory(project=project, key="lost")
    document = DocumentFactory(project=project, gold_at="2026-01-05T12:00Z")
    GoldLabelFactory(document=document, label=label)
    answer = page("gold.jsonl")

    assert b'"labels": ["lost"]' in b"".join(answer)
    assert answer["Content-Disposition"] == 'attachment; filename="support-gold.jsonl"'
    assert page("gold.xml").status_code == 404


def test_reviewers_and_outsiders_do_not_see_the_documents(client, project, reviewer, outsider):
    document = DocumentFactory(project=project)
    for person in (reviewer, outsider):
        client.force_login(person)
        for path in ("", f"{document.pk}/", "gold.csv"):
            assert client.get(f"/p/{project.slug}/documents/{path}").status_code == 404
