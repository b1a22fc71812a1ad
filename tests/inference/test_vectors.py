import numpy as np
import pytest

from inference import texts, vectors
from inference.models import DocumentVector
from labeling.models import Document
from tests.factories import DocumentFactory
from tests.inference.parts import Words

pytestmark = pytest.mark.django_db


def documents_of(*bodies):
    return [DocumentFactory(subject="", text=body) for body in bodies]


def test_each_document_is_encoded_once_per_encoder():
    words = Words("card pin")
    ids = [document.pk for document in documents_of("card", "pin", "card pin")]
    vectors.document_vectors(ids, words)
    vectors.document_vectors(ids, words)
    assert sorted(words.encoded) == ["card", "card pin", "pin"]
    assert DocumentVector.objects.count() == 3


def test_vectors_come_in_the_order_of_ids_whatever_the_order_asked():
    first, second = documents_of("card", "pin")
    ids, found = vectors.document_vectors([second.pk, first.pk, second.pk], Words("card pin"))
    assert ids.tolist() == [first.pk, second.pk]
    assert found.tolist() == [[1, 0], [0, 1]]
    assert found.dtype == np.float32


def test_a_queryset_may_be_given():
    documents_of("card", "pin")
    ids, _ = vectors.document_vectors(Document.objects.filter(text="pin"), Words("card pin"))
    assert ids.tolist() == [Document.objects.get(text="pin").pk]


def test_what_is_kept_is_close_to_what_was_made():
    [document] = documents_of("card card card pin")
    words = Words("card pin")
    made = words.encode([document.text])[0]
    _, [kept] = vectors.document_vectors([document.pk], words)
    assert kept @ made == pytest.approx(1, abs=1e-3)


def test_known_vectors_are_read_without_an_encoder():
    known, unknown = documents_of("card", "pin")
    vectors.document_vectors([known.pk], Words("card pin"))
    ids, found = vectors.cached_vectors([known.pk, unknown.pk], Words.digest)
    assert ids.tolist() == [known.pk]
    assert found.shape == (1, 2)


def test_vectors_of_another_encoder_are_not_taken():
    [document] = documents_of("card")
    vectors.document_vectors([document.pk], Words("card"))
    ids, found = vectors.cached_vectors([document.pk], "x" * 64)
    assert (len(ids), found.shape) == (0, (0, 0))


def test_texts_prepared_in_another_way_are_encoded_again(monkeypatch):
    [document] = documents_of("card")
    words = Words("card")
    vectors.document_vectors([document.pk], words)
    monkeypatch.setattr(texts, "EDITION", texts.EDITION + 1)
    vectors.document_vectors([document.pk], words)
    assert len(words.encoded) == 2


def test_documents_that_do_not_exist_are_left_out():
    ids, found = vectors.document_vectors([404], Words("card"))
    assert (len(ids), len(found)) == (0, 0)


def test_only_the_authors_own_words_are_encoded():
    words = Words("card pin")
    [document] = documents_of("card\n> pin")
    vectors.document_vectors([document.pk], words)
    assert words.encoded == ["card"]


def test_progress_tells_how_many_are_ready():
    told = []
    ids = [document.pk for document in documents_of("card", "pin")]
    vectors.document_vectors(ids, Words("card pin"), progress=told.append)
    assert told == [2]


def test_reading_many_vectors_costs_one_query(django_assert_num_queries):
    ids = [document.pk for document in documents_of(*["card"] * 30)]
    vectors.document_vectors(ids, Words("card"))
    with django_assert_num_queries(1):
        vectors.cached_vectors(ids, Words.digest)
