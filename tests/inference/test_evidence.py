"""What is gathered for a card: gold near to its document, and the passage that moves it most."""

from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from inference import evidence
from inference.retrieve import unit
from labeling.models import Evidence
from tests.factories import (
    DocumentFactory,
    LabelFactory,
    PredictionFactory,
    ProjectFactory,
    ReviewTaskFactory,
)
from tests.inference.parts import ENCODER, Words, bundle_of, place, written

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture(autouse=True)
def _nothing_known():
    evidence.gold_index.cache_clear()


@pytest.fixture
def labels(project):
    return LabelFactory.create_batch(3, project=project)


def gold(*vectors, **fields):
    """Return a gold document at each of *vectors*."""
    documents = [
        DocumentFactory(subject="", text="Gold.", **{"gold_at": NOW, **fields}) for _ in vectors
    ]
    place(documents, *unit(np.array(vectors, dtype=np.float32)))
    return documents


def predicted(labels, bundle, vector=(1, 0, 0, 0), **fields):
    document = DocumentFactory(**{"subject": "", "text": "Only one passage.", **fields})
    place([document], vector)
    return waiting(document=document, first=labels[0], bundle=bundle.digest)


def waiting(**fields):
    """Return a prediction whose task is open."""
    prediction = PredictionFactory(**fields)
    ReviewTaskFactory(document=prediction.document, prediction=prediction)
    return prediction


def test_the_nearest_gold_comes_first(project, labels):
    far, near, same = gold((0, 0, 1, 0), (1, 0.5, 0, 0), (1, 0, 0, 0))
    prediction = predicted(labels, written(project, labels))
    assert evidence.gather([prediction.pk], now=NOW) == 1
    found = prediction.evidence.nearest
    assert [pk for pk, _ in found] == [same.pk, near.pk, far.pk]
    assert [cosine for _, cosine in found] == pytest.approx([1, 0.894, 0], abs=1e-3)
    assert (prediction.evidence.passage, prediction.evidence.before) == ("", None)


def test_gold_of_other_projects_and_the_document_itself_are_no_evidence(project, labels):
    gold((1, 0, 0, 0), project=ProjectFactory(slug="elsewhere"))
    prediction = predicted(labels, written(project, labels), gold_at=NOW)
    evidence.gather([prediction.pk], now=NOW)
    assert prediction.evidence.nearest == []


def test_gold_that_came_since_is_found_and_nothing_twice(project, labels):
    bundle = written(project, labels)
    (first,) = gold((1, 0, 0, 0))
    evidence.gather([predicted(labels, bundle).pk], now=NOW)
    (late,) = gold((1, 0, 0, 0), gold_at=NOW - timedelta(minutes=1))  # committed after the first
    prediction = predicted(labels, bundle)
    evidence.gather([prediction.pk], now=NOW)
    assert sorted(pk for pk, _ in prediction.evidence.nearest) == [first.pk, late.pk]


def test_gathering_twice_is_gathering_once(project, labels):
    prediction = predicted(labels, written(project, labels))
    assert [evidence.gather([prediction.pk, 0], now=NOW) for _ in range(2)] == [1, 0]
    assert Evidence.objects.count() == 1


def test_a_model_whose_files_are_gone_has_nothing_to_show_and_nobody_waits_for_it(labels, caplog):
    prediction = waiting(first=labels[0], bundle="a" * 64)
    assert evidence.gather([prediction.pk], now=NOW) == 1
    assert (prediction.evidence.nearest, prediction.evidence.passage) == ([], "")
    assert "No evidence" in caplog.text


def test_what_was_decided_meanwhile_needs_none(project, labels):
    prediction = predicted(labels, written(project, labels))
    prediction.tasks.update(status="done")
    assert evidence.gather([prediction.pk], now=NOW) == 0


def test_gold_whose_vector_came_later_is_found_in_a_while(project, labels):
    bundle = written(project, labels)
    late = DocumentFactory(subject="", text="Gold.", gold_at=NOW - timedelta(hours=2))
    gold((0, 1, 0, 0))
    evidence.gather([predicted(labels, bundle).pk], now=NOW)
    place([late], (1, 0, 0, 0))
    evidence.gold_index(project.pk, ENCODER).asked_at -= evidence.PATIENCE + 1
    prediction = predicted(labels, bundle)
    evidence.gather([prediction.pk], now=NOW)
    assert prediction.evidence.nearest[0][0] == late.pk


def moving(labels, subject, text, **fields):
    bundle = bundle_of([label.pk for label in labels], label_vectors=np.eye(3, 4, dtype=np.float32))
    document = DocumentFactory(subject=subject, text=text)
    prediction = PredictionFactory(document=document, first=labels[0], **fields)
    return evidence.moving(bundle, Words("card refund parcel hello"), prediction)


def test_the_passage_without_which_the_label_falls_most_is_kept_word_for_word(labels):
    found = moving(
        labels,
        "",
        "Hello dear people at the bank.\nMy   card and my other card are lost.\n"
        "By the way a parcel came today, too.",
    )
    assert found["passage"] == "My   card and my other card are lost."
    assert found["before"] - found["without"] > 0.1


def test_the_subject_is_a_passage_too(labels):
    found = moving(labels, "card card card", "Hello dear people, thank you for your parcel.")
    assert found["passage"] == "card card card"


def test_quoted_lines_are_no_passages(labels):
    own, quoted = "Whose card may this card be, please?", "> card card card card card"
    found = moving(labels, "", f"A parcel came today, to my surprise.\n{quoted}\n{own}")
    assert found["passage"] == own


@pytest.mark.parametrize(
    "text", ["", "card", "Hello there, hello again.\nHello, nothing else.", "Thanks\n\nJo"]
)
def test_where_nothing_stands_out_nothing_is_said(labels, text):
    assert moving(labels, "", text) == {}


def test_a_sentence_that_is_quoted_above_is_left_out_where_the_writer_says_it(labels):
    own = "My card and my other card are lost."
    text = f"> {own}\n\n{own}\nHello to all of you, and until soon."
    document = DocumentFactory(subject="", text=text)
    _, (first, _) = evidence.own_passages(document.text)
    assert first.startswith(f"> {own}\n\n")
    assert first.count(own) == 1


def test_where_a_second_look_decided_nothing_is_said(labels):
    text = "Hello dear people at the bank.\nMy card and my other card are lost."
    assert moving(labels, "", text)
    assert moving(labels, "", text, reranked=True) == {}


def test_a_label_the_model_does_not_know_moves_nothing(labels):
    bundle = bundle_of([labels[1].pk], label_vectors=np.eye(1, 4, dtype=np.float32))
    prediction = PredictionFactory(first=labels[0], document__text="card. " * 30)
    assert evidence.moving(bundle, Words("card refund parcel hello"), prediction) == {}
