import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from inference.buckets import (
    NEVER,
    Bucket,
    Thresholds,
    assigned,
    bucket,
    certainties,
    margin,
    margins,
)
from labeling.models import Prediction

SINGLE = Thresholds(accept=0.9, floor=4.0)
MULTI = Thresholds(accept=0.5, per_label=(0.5, 0.2))
PROBABILITIES = arrays(np.float32, (4, 2), elements=st.floats(0, 1, width=32))


def test_the_buckets_are_those_a_prediction_knows():
    assert [each.value for each in Bucket] == Prediction.Bucket.values


def test_margin_of_one_label_is_its_probability():
    assert margin([0.7]) == pytest.approx(0.7)


def test_margin_ignores_order():
    assert margin([0.1, 0.6, 0.3]) == pytest.approx(0.3)


def test_there_is_no_margin_of_no_labels():
    with pytest.raises(ValueError, match="no labels"):
        margin([])


@pytest.mark.parametrize(
    ("probabilities", "logits", "expected"),
    [
        pytest.param([0.95, 0.05], [12, 8], Bucket.AUTO, id="sure"),
        pytest.param([0.90, 0.10], [12, 8], Bucket.AUTO, id="just sure enough"),
        pytest.param([0.89, 0.11], [12, 8], Bucket.REVIEW, id="not sure enough"),
        pytest.param([0.99, 0.01], [3.9, -2], Bucket.NONE_FITS, id="sure, but nothing is near"),
        pytest.param([0.55, 0.45], [4.0, 3.9], Bucket.REVIEW, id="on the floor"),
    ],
)
def test_bucket_of_a_single_label_document(probabilities, logits, expected):
    assert bucket(probabilities, logits, SINGLE) == expected


def test_without_a_floor_every_document_fits_some_label():
    assert bucket([0.5, 0.5], [-90, -90], Thresholds(accept=0.9)) == Bucket.REVIEW


def test_an_untaught_bundle_accepts_nothing():
    assert bucket([1.0, 0.0], [20, 0], Thresholds(accept=NEVER)) == Bucket.REVIEW


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [
        pytest.param([0.9, 0.02], Bucket.AUTO, id="one label surely, the other surely not"),
        pytest.param([0.9, 0.9], Bucket.AUTO, id="both surely"),
        pytest.param([0.9, 0.25], Bucket.REVIEW, id="one surely, the other a close call"),
        pytest.param([0.6, 0.02], Bucket.REVIEW, id="one label, not surely"),
        pytest.param([0.1, 0.02], Bucket.NONE_FITS, id="no label"),
        pytest.param([0.49, 0.19], Bucket.NONE_FITS, id="no label, by a hair"),
    ],
)
def test_bucket_of_a_multi_label_document(probabilities, expected):
    assert bucket(probabilities, [0, 0], MULTI) == expected


def test_the_multi_label_margin_is_that_of_the_closest_label_by_hand():
    rows = np.array([[0.9, 0.1]], np.float32)  # (0.9-0.5)/0.5 = 0.8 and (0.2-0.1)/0.2 = 0.5
    assert margins(rows, MULTI)[0] == pytest.approx(0.5)


@given(PROBABILITIES)
def test_margins_are_shares(probabilities):
    for gaps in (margins(probabilities), margins(probabilities, MULTI)):
        assert ((gaps >= 0) & (gaps <= 1)).all()


@given(PROBABILITIES)
def test_all_at_once_says_what_one_by_one_says(probabilities):
    together = margins(probabilities)
    assert together == pytest.approx([margin(row) for row in probabilities], abs=1e-6)


@given(PROBABILITIES)
def test_a_single_label_document_gets_exactly_one_label(probabilities):
    assert (assigned(probabilities, SINGLE).sum(axis=1) == 1).all()


def test_certainty_is_the_top_probability_or_the_multi_label_margin():
    rows = np.array([[0.9, 0.1]], np.float32)
    assert certainties(rows, SINGLE)[0] == pytest.approx(0.9)
    assert certainties(rows, MULTI)[0] == pytest.approx(0.5)
