"""A second look, worked out by hand."""

import numpy as np
import pytest
from scipy.special import logit

from inference.buckets import Bucket, Thresholds
from inference.bundle import Bundle
from inference.calibrate import Calibration, softmax
from inference.features import Features
from inference.pipeline import accepts, buckets_of, classify, decide, look_again, score
from inference.rerank import (
    MOST,
    Candidates,
    Reranker,
    candidates,
    card_of,
    combine,
    likely_labels,
    open_labels,
)
from tests.inference.parts import Words, bundle_of

CARDS = ("card one", "card two", "card three")


def reranker(**values):
    usual = {"candidate": 0.0, "first": 1.0, "second": 1.0, "gold": 100, "accept": 1.01}
    return Reranker("somewhere", "d" * 64, CARDS, **usual | values)


class Reader:
    """A cross-encoder that says what it is told to, and keeps what it read."""

    def __init__(self, **said):
        self.said, self.pairs = said, []

    def score(self, pairs):
        self.pairs.extend(pairs)
        values = [self.said.get(card.split()[-1], 0.0) for _, card in pairs]
        return np.array(values, dtype=np.float32)


def test_card_says_what_a_label_is_and_what_it_is_not():
    said = card_of("Lost card", "It is gone.", [("It was stolen.", "Stolen card"), ("Jokes", "")])
    assert said == "Lost card. It is gone. Not for It was stolen; use Stolen card. Not for Jokes."
    assert card_of("Lost card", "", []) == "Lost card."


def test_candidates_are_the_likely_labels_likeliest_first_and_not_too_many():
    some = np.array([0.1, 0.6, 0.05, 0.25], dtype=np.float32)
    assert likely_labels(some, 0.1).tolist() == [1, 3, 0]
    assert len(likely_labels(np.full(MOST + 9, 1 / (MOST + 9), dtype=np.float32), 0.0)) == MOST


def test_only_close_calls_with_a_choice_are_looked_at_twice():
    chances = np.array([[0.5, 0.4, 0.1], [0.9, 0.05, 0.05], [0.5, 0.4, 0.1]], dtype=np.float32)
    found = [Bucket.REVIEW, Bucket.REVIEW, Bucket.AUTO]
    chosen = candidates(reranker(candidate=0.2), chances, found, multi=False)
    assert (chosen.rows.tolist(), chosen.pairs) == ([0], 2)
    assert chosen.columns[0].tolist() == [0, 1]


def test_second_look_shares_out_what_the_candidates_had_together():
    temperature = 2.0
    logits = temperature * np.log(np.array([[0.5, 0.3, 0.2]], dtype=np.float32)) + 3
    chances = softmax(logits / temperature)
    read = Candidates(
        np.array([0]), (np.array([0, 1]),), (np.array([0, np.log(3)], dtype=np.float32),)
    )
    after, found = combine(
        reranker(),
        read,
        logits=logits,
        probabilities=chances,
        temperature=temperature,
        multi=False,
    )
    # 0.5 · 1 against 0.3 · 3, of 0.8 together
    np.testing.assert_allclose(found, [[0.8 * 5 / 14, 0.8 * 9 / 14, 0.2]], rtol=1e-5)
    np.testing.assert_allclose(softmax(after / temperature), found, rtol=1e-5)
    np.testing.assert_allclose(chances, [[0.5, 0.3, 0.2]], rtol=1e-5)  # what came in stays


def test_what_each_look_weighs_decides():
    chances = np.array([[0.6, 0.4]], dtype=np.float32)
    read = Candidates(np.array([0]), (np.array([0, 1]),), (np.array([0, 5], dtype=np.float32),))
    how = {
        "logits": np.log(chances),
        "probabilities": chances,
        "temperature": 1.0,
        "multi": False,
    }
    same = combine(reranker(first=1.0, second=0.0), read, **how)[1]
    even = combine(reranker(first=0.0, second=0.0), read, **how)[1]
    np.testing.assert_allclose(same, chances, rtol=1e-5)
    np.testing.assert_allclose(even, [[0.5, 0.5]], rtol=1e-5)


def test_candidates_that_are_taken_keep_what_was_read_of_them():
    read = Candidates(
        np.array([2, 5]), (np.array([0, 1]), np.array([1, 2])), (np.zeros(2), np.ones(2))
    )
    kept = read.take(np.array([False, True]))
    assert (kept.rows.tolist(), kept.columns[0].tolist()) == ([5], [1, 2])
    assert kept.logits[0].tolist() == [1, 1]


def close_and_clear():
    """Two documents: one between the first labels, one that is clear."""
    return Features(np.array([[0.71, 0.7, 0, 0], [0, 0, 1, 0]], dtype=np.float32))


def test_an_accepted_document_is_not_read_and_a_close_call_goes_to_who_fits_better():
    bundle, reader = bundle_of(reranker=reranker(candidate=0.01)), Reader(two=4.0)
    texts = ["between", "clear"]
    scores = look_again(
        bundle, score(bundle, close_and_clear()), lambda rows: [texts[row] for row in rows], reader
    )
    first, second = decide(bundle, scores)
    assert {text for text, _ in reader.pairs} == {"between"}
    assert (scores.pairs, scores.reranked.tolist()) == (2, [True, False])
    assert (first.bucket, first.label_ids, first.reranked) == (Bucket.REVIEW, (2,), True)
    assert first.candidates[0].label_id == 2
    assert (second.bucket, second.reranked) == (Bucket.AUTO, False)


@pytest.mark.parametrize(("accept", "bucket"), [(0.95, Bucket.AUTO), (0.999, Bucket.REVIEW)])
def test_second_look_accepts_by_a_threshold_of_its_own(accept, bucket):
    bundle = bundle_of(
        reranker=reranker(candidate=0.01, accept=accept), thresholds=Thresholds(accept=0.9)
    )
    scores = look_again(
        bundle, score(bundle, close_and_clear()), lambda rows: ["text"] * len(rows), Reader(two=5.0)
    )
    assert buckets_of(bundle, scores) == [bucket, Bucket.AUTO]
    assert accepts(bundle, scores).tolist() == [bucket == Bucket.AUTO, True]


def test_texts_are_read_where_a_reader_is_at_hand():
    bundle = bundle_of((1, 2, 3), reranker=reranker(), thresholds=Thresholds(accept=1.0))
    words, reader = Words("lost stolen card pin"), Reader(three=50.0)
    alone = classify(bundle, words, ["lost stolen"])
    [twice] = classify(bundle, words, ["lost stolen"], reader)
    assert (alone[0].reranked, twice.reranked) == (False, True)
    assert twice.label_ids == (3,)
    assert {text for text, _ in reader.pairs} == {"lost stolen"}


def test_a_bundle_keeps_its_reranker(tmp_path):
    kept = bundle_of(reranker=reranker(accept=0.97)).write(tmp_path)
    assert Bundle.read(tmp_path, kept.digest).reranker == reranker(accept=0.97)
    assert kept.digest != bundle_of().write(tmp_path).digest


def test_a_reranker_of_other_labels_is_refused():
    with pytest.raises(ValueError, match="card of each label"):
        bundle_of((1, 2), reranker=reranker())


def test_with_several_labels_those_in_doubt_are_read_most_open_first():
    some = np.array([0.99, 0.6, 0.05, 0.45, 0.001], dtype=np.float32)
    assert open_labels(some, 0.05).tolist() == [3, 1, 2]
    assert len(open_labels(np.full(MOST + 9, 0.5, dtype=np.float32), 0.0)) == MOST


def test_with_several_labels_what_is_not_accepted_and_has_one_in_doubt_is_looked_at_twice():
    chances = np.array([[0.9, 0.4], [0.1, 0.45], [0.99, 0.01], [0.9, 0.4]], dtype=np.float32)
    found = [Bucket.REVIEW, Bucket.NONE_FITS, Bucket.REVIEW, Bucket.AUTO]
    chosen = candidates(reranker(candidate=0.3), chances, found, multi=True)
    assert [columns.tolist() for columns in chosen.columns] == [[1], [1]]
    assert chosen.rows.tolist() == [0, 1]


def test_with_several_labels_each_word_moves_the_odds_of_its_label_alone():
    temperature, offset = 2.0, 10.0
    logits = temperature * logit(np.array([[0.5, 0.8, 0.2]], dtype=np.float32)) + offset
    calibration = Calibration(temperature, offset)
    read = Candidates(
        np.array([0]), (np.array([0, 2]),), (np.array([np.log(3), np.log(2)], dtype=np.float32),)
    )
    after, found = combine(
        reranker(second=2.0, shift=float(np.log(0.5))),
        read,
        logits=logits,
        probabilities=calibration.probabilities(logits, multi=True),
        temperature=temperature,
        multi=True,
    )
    # odds ½ · 1 · 3² and ½ · ¼ · 2²; nothing was said of the second label
    np.testing.assert_allclose(found, [[4.5 / 5.5, 0.8, 1 / 3]], rtol=1e-5)
    np.testing.assert_allclose(calibration.probabilities(after, multi=True), found, rtol=1e-5)


def several(**values):
    return bundle_of(
        (1, 2, 3),
        kind="multi",
        reranker=reranker(candidate=0.01, **values),
        calibration=Calibration(offset=10.0),
        thresholds=Thresholds(accept=0.9, per_label=(0.5,) * 3),
    )


def test_with_several_labels_a_second_look_adds_and_takes_away_labels_and_accepts_nothing():
    bundle = several(accept=0.0)
    features = Features(np.array([[0.6, 0.45, 0, 0]], dtype=np.float32))
    [before] = decide(bundle, score(bundle, features))
    reader = Reader(one=-6.0, two=9.0)
    twice = look_again(bundle, score(bundle, features), lambda rows: ["text"] * len(rows), reader)
    [after] = decide(bundle, twice)
    assert (before.label_ids, before.bucket) == ((1,), Bucket.REVIEW)
    assert (after.label_ids, after.bucket, after.reranked) == ((2,), Bucket.REVIEW, True)


def test_with_several_labels_one_that_nothing_fitted_may_get_a_label():
    bundle, features = several(), Features(np.array([[0.45, 0, 0, 0]], dtype=np.float32))
    [before] = decide(bundle, score(bundle, features))
    twice = look_again(bundle, score(bundle, features), lambda _: ["text"], Reader(one=9.0))
    [after] = decide(bundle, twice)
    assert (before.bucket, before.label_ids) == (Bucket.NONE_FITS, ())
    assert (after.bucket, after.label_ids) == (Bucket.REVIEW, (1,))


def test_with_several_labels_nothing_fits_when_a_second_look_takes_the_last_away():
    bundle, features = several(), Features(np.array([[0.55, 0, 0, 0]], dtype=np.float32))
    scores = look_again(
        bundle, score(bundle, features), lambda rows: ["text"] * len(rows), Reader(one=-9.0)
    )
    assert buckets_of(bundle, scores) == [Bucket.NONE_FITS]


def test_without_a_reranker_nothing_is_looked_at_twice():
    bundle, reader = bundle_of(), Reader()
    scores = score(bundle, close_and_clear())
    assert look_again(bundle, scores, lambda rows: rows, reader) is scores
    assert reader.pairs == []


def test_a_word_that_is_no_number_changes_nothing():
    chances = np.array([[0.6, 0.4]], dtype=np.float32)
    read = Candidates(np.array([0]), (np.array([0, 1]),), (np.array([np.nan, 5], np.float32),))
    how = {
        "logits": np.log(chances),
        "probabilities": chances,
        "temperature": 1.0,
        "multi": False,
    }
    assert (combine(reranker(), read, **how)[1] == chances).all()
