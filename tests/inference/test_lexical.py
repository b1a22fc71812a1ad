import math
from dataclasses import replace

import numpy as np
import pytest

from inference.bundle import Bundle
from inference.features import Features, joined
from inference.lexical import Lexical, Vocabulary
from inference.pipeline import classify, score
from inference.terms import count_terms
from tests.inference.parts import Words, bundle_of

PIN, CARD = (int(count_terms([word]).indices[0]) for word in ("pin", "card"))


def vocabulary():
    terms = sorted([PIN, CARD])
    idf = [2.0 if term == PIN else 1.0 for term in terms]
    return Vocabulary(np.array(terms, np.int32), np.array(idf, np.float32))


def channel(pin=(0, 0, 3), card=(0, 0, 0)):
    rows = [pin if term == PIN else card for term in vocabulary().terms.tolist()]
    return Lexical(vocabulary(), np.array(rows, np.float32))


def test_tfidf_is_as_worked_out_by_hand():
    rows = vocabulary().tfidf(count_terms(["pin pin card", "nothing known", "card"])).toarray()
    pin, card = (1 + math.log(2)) * 2, 1.0
    length = math.hypot(pin, card)
    place = vocabulary().terms.tolist().index
    assert rows[0, place(PIN)] == pytest.approx(pin / length)
    assert rows[0, place(CARD)] == pytest.approx(card / length)
    assert not rows[1].any()
    assert rows[2, place(CARD)] == pytest.approx(1)


def test_vocabulary_without_terms_makes_rows_without_columns():
    nothing = Vocabulary(np.empty(0, np.int32), np.empty(0, np.float32))
    assert nothing.tfidf(count_terms(["pin", "card"])).shape == (2, 0)


def test_weights_must_be_of_the_vocabulary():
    with pytest.raises(ValueError, match="2 terms, 1 weights"):
        Lexical(vocabulary(), np.zeros((1, 3), np.float32))


def test_words_are_added_to_the_logits():
    bundle = bundle_of(lexical=channel())
    features = Features(np.eye(2, 4, dtype=np.float32), count_terms(["pin", "something else"]))
    np.testing.assert_allclose(score(bundle, features).logits, [[20, 0, 3], [0, 20, 0]])


def test_texts_are_counted_where_the_bundle_reads_words():
    bundle = bundle_of(lexical=channel(pin=(0, 0, 50)))
    [verdict] = classify(bundle, Words("card pin mail phone"), ["pin"])
    assert verdict.label_ids == (3,)


def test_bundle_that_reads_words_refuses_documents_without_counts():
    with pytest.raises(ValueError, match="none were counted"):
        score(bundle_of(lexical=channel()), Features(np.eye(1, 4, dtype=np.float32)))


def test_bundle_refuses_a_channel_of_other_labels():
    with pytest.raises(ValueError, match="lexical channel and the labels"):
        bundle_of((1, 2), lexical=channel())


def test_the_channel_reads_back_as_it_was_written(tmp_path):
    bundle = bundle_of(lexical=channel(card=(0.5, -1, 0))).write(tmp_path)
    read = Bundle.read(tmp_path, bundle.digest)
    np.testing.assert_array_equal(read.lexical.weights, bundle.lexical.weights)
    np.testing.assert_array_equal(read.lexical.vocabulary.terms, vocabulary().terms)
    np.testing.assert_array_equal(read.lexical.vocabulary.idf, vocabulary().idf)
    assert replace(bundle, lexical=None).write(tmp_path).digest != bundle.digest


def test_joined_features_stand_one_after_the_other():
    both = joined(
        [
            Features(np.eye(1, 4, dtype=np.float32), count_terms(["pin"])),
            Features(np.empty((0, 0), np.float32), count_terms([])),
            Features(np.ones((2, 4), np.float32), count_terms(["card", "pin"])),
        ]
    )
    assert len(both) == 3
    assert both.counts.indices.tolist() == [PIN, CARD, PIN]
    assert both.take(np.array([1])).counts.indices.tolist() == [CARD]


def test_features_joined_with_uncounted_ones_have_no_counts():
    uncounted = Features(np.ones((2, 4), np.float32))
    assert joined([Features(np.eye(1, 4), count_terms(["pin"])), uncounted]).counts is None


def test_features_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="1 vectors, 2 counts"):
        Features(np.eye(1, 4, dtype=np.float32), count_terms(["pin", "card"]))
