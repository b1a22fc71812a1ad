import numpy as np
import pytest

from inference import counts
from inference.counts import document_counts
from inference.document_features import cached_features, document_features
from inference.models import DocumentTerms
from inference.terms import count_terms
from tests.factories import DocumentFactory
from tests.inference.parts import ENCODER, Words, place

pytestmark = pytest.mark.django_db


def test_words_of_quotes_count_too_and_rows_are_in_the_order_asked_for():
    first = DocumentFactory(subject="Lost card", text="Help!\n> quoted words")
    second = DocumentFactory(subject="", text="pin pin")
    found = document_counts(np.array([second.pk, first.pk]))
    assert (found != count_terms(["pin pin", "Lost card\nHelp! > quoted words"])).nnz == 0


def test_each_text_is_counted_once(django_assert_num_queries):
    ids = np.array([DocumentFactory().pk for _ in range(3)])
    document_counts(ids)
    with django_assert_num_queries(1):
        document_counts(ids)


def test_counts_of_another_edition_are_made_anew(monkeypatch):
    document = DocumentFactory(subject="", text="pin")
    DocumentTerms.objects.create(document=document, edition=1, terms=b"")
    assert document_counts(np.array([document.pk])).nnz == 1
    assert DocumentTerms.objects.get().edition == counts.EDITION


def test_no_documents_have_no_counts():
    assert document_counts(np.empty(0, np.int64)).shape[0] == 0


def test_features_hold_counts_only_where_words_are_read():
    document = DocumentFactory(subject="", text="pin")
    _, dense = document_features([document.pk], Words("pin"), words=False)
    _, both = document_features([document.pk], Words("pin"), words=True)
    assert dense.counts is None
    assert both.counts.nnz == 1


def test_cached_features_leave_out_documents_without_a_vector():
    known, _ = DocumentFactory(), DocumentFactory()
    place([known], [1, 0, 0, 0])
    ids, features = cached_features([known.pk, known.pk + 1], ENCODER, words=True)
    assert ids.tolist() == [known.pk]
    assert features.counts.shape[0] == 1
