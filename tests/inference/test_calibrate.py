import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from inference.calibrate import Calibration

LOGITS = arrays(np.float32, (3, 4), elements=st.floats(-500, 500, width=32))


@given(LOGITS, st.floats(0.1, 10))
def test_single_label_probabilities_add_up_to_one(logits, temperature):
    probabilities = Calibration(temperature).probabilities(logits, multi=False)
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (probabilities >= 0).all()


@given(LOGITS, st.floats(0.1, 10))
def test_calibrating_never_makes_a_lower_logit_more_probable(logits, temperature):
    probabilities = Calibration(temperature).probabilities(logits, multi=False)
    order = np.argsort(logits, axis=1)
    assert (np.diff(np.take_along_axis(probabilities, order, axis=1)) >= 0).all()


@given(LOGITS)
def test_multi_label_probabilities_follow_the_sigmoid_of_each_label(logits):
    probabilities = Calibration(2.0, offset=1.0).probabilities(logits, multi=True)
    for logit, probability in zip(logits.flat, probabilities.flat, strict=True):
        slow = 1 / (1 + math.exp(min(700, -(float(logit) - 1) / 2)))
        assert probability == pytest.approx(slow, abs=1e-6)


def test_two_equal_labels_share_by_hand():
    logits = np.array([[2.0, 2.0]], np.float32)
    assert Calibration().probabilities(logits, multi=False)[0] == pytest.approx([0.5, 0.5])


def test_a_higher_temperature_is_more_cautious():
    logits = np.array([[3.0, 1.0]], np.float32)
    sure = Calibration(0.5).probabilities(logits, multi=False).max()
    assert Calibration(2.0).probabilities(logits, multi=False).max() < sure


@pytest.mark.parametrize("temperature", [0, -1, math.nan, math.inf])
def test_a_temperature_that_is_no_positive_number_is_refused(temperature):
    with pytest.raises(ValueError, match="positive"):
        Calibration(temperature)


CURVES = st.tuples(st.floats(0, 3), st.floats(0, 3), st.floats(-3, 3))


@given(LOGITS, CURVES)
def test_on_a_curve_probabilities_add_up_to_one_and_keep_their_order(logits, curve):
    plain = Calibration().probabilities(logits, multi=False)
    found = Calibration(curve=curve).probabilities(logits, multi=False)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    assert (found >= 0).all()
    rows, first = np.arange(len(plain)), plain.argmax(axis=1)
    assert (found[rows, first] >= found.max(axis=1) - 1e-6).all()


def test_the_likeliest_label_moves_along_the_curve_and_the_others_share_what_is_left():
    logits = np.log(np.array([[0.7, 0.2, 0.1]], dtype=np.float32))
    a, b, c = 1.0, 0.5, 0.2
    odds = 0.7**a / 0.3**b * math.exp(c)
    top = odds / (1 + odds)
    found = Calibration(curve=(a, b, c)).probabilities(logits, multi=False)[0]
    np.testing.assert_allclose(found, [top, (1 - top) * 2 / 3, (1 - top) / 3], rtol=1e-5)


def test_no_curve_makes_the_second_label_the_first():
    logits = np.log(np.array([[0.45, 0.44, 0.11]], dtype=np.float32))
    found = Calibration(curve=(1.0, 1.0, -3.0)).probabilities(logits, multi=False)[0]
    assert found.argmax() == 0
    assert found[0] == pytest.approx(found[1], rel=1e-4)


def test_the_only_label_stays_sure_and_several_right_labels_know_no_curve():
    doubtful = Calibration(curve=(1.0, 1.0, -3.0))
    assert doubtful.probabilities(np.zeros((1, 1), np.float32), multi=False).tolist() == [[1.0]]
    logits = np.array([[0.3, -2.0]], np.float32)
    np.testing.assert_array_equal(
        doubtful.probabilities(logits, multi=True),
        Calibration().probabilities(logits, multi=True),
    )


@given(st.lists(st.floats(0.6, 40), min_size=2, max_size=6, unique=True), st.floats(0.1, 3))
def test_documents_keep_their_order_however_sure_they_are(leads, slope):
    logits = np.stack([np.array(leads, np.float32), np.zeros(len(leads), np.float32)], axis=1)
    found = Calibration(curve=(1.0, slope, 1.0)).probabilities(logits, multi=False)
    doubts = found[np.argsort(leads), 1]  # what is left, exact however small
    assert (np.diff(doubts) <= 0).all()
    apart = np.diff(np.sort(leads)) > 0.01
    assert (np.diff(doubts)[apart & (doubts[1:] > 1e-30)] < 0).all()


def test_a_straight_curve_changes_nothing_not_even_where_one_is_all_but_sure():
    logits = np.array([[30, 0, -3], [12, 11, 0], [0.2, 0.1, 0]], np.float32)
    plain = Calibration().probabilities(logits, multi=False)
    found = Calibration(curve=(1.0, 1.0, 0.0)).probabilities(logits, multi=False)
    np.testing.assert_allclose(found, plain, rtol=1e-5)
