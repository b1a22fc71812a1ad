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
