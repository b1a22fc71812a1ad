import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training import evaluation
from training.evaluation import Tally


def tally(*right):
    return Tally(np.array(right, dtype=float), np.ones(len(right)))


def test_hits_count_documents_that_have_a_label():
    logits = np.array([[3, 2, 1], [1, 2, 3], [9, 0, 0]], dtype=np.float32)
    targets = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0]], dtype=bool)

    assert evaluation.hit_tally(logits, targets, 1).value == 0
    assert evaluation.hit_tally(logits, targets, 2).value == 0.5
    assert evaluation.hit_tally(logits, targets, 3).value == 1


def test_micro_f1_matches_a_value_worked_out_by_hand():
    assigned = np.array([[1, 1], [0, 1]], dtype=bool)
    targets = np.array([[1, 0], [0, 1]], dtype=bool)
    # Two right, one too many: 2·2 / (2·2 + 1).
    assert evaluation.f1_tally(assigned, targets).value == pytest.approx(0.8)


def test_wilson_matches_the_published_example():
    # 8 of 10 at 95 %: 0.4902 to 0.9433 (Agresti and Coull, 1998).
    found = evaluation.wilson(8, 10)
    assert (found.low, found.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)


@given(st.integers(1, 60), st.data())
def test_wilson_always_holds_the_share(count, data):
    successes = data.draw(st.integers(0, count))
    found = evaluation.wilson(successes, count)
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_wilson_of_nothing_is_unmeasured():
    assert math.isnan(evaluation.wilson(0, 0).value)


def test_bootstrap_agrees_with_the_normal_approximation():
    rng = np.random.default_rng(0)
    found = evaluation.interval(tally(*(rng.random(2000) < 0.9)), seed=0)
    half = 1.96 * math.sqrt(0.9 * 0.1 / 2000)

    assert found.high - found.value == pytest.approx(half, rel=0.25)
    assert found.value - found.low == pytest.approx(half, rel=0.25)


def test_threads_that_are_right_or_wrong_as_a_whole_make_intervals_as_wide_as_they_are_few():
    right = np.random.default_rng(0).random(200) < 0.9
    each, threads = tally(*np.repeat(right, 10)), np.repeat(np.arange(200), 10)
    together = each.by(threads)
    assert together.value == each.value
    wide, narrow = (evaluation.interval(some, seed=0) for some in (together, each))
    assert wide.high - wide.low == pytest.approx(np.sqrt(10) * (narrow.high - narrow.low), rel=0.1)
    alone = each.by(np.arange(2000))
    np.testing.assert_array_equal(alone.right, each.right)


def test_a_model_does_not_differ_from_itself():
    same = tally(1, 0, 1, 1)
    found = evaluation.difference(same, same, seed=0)
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_pairing_sees_a_small_gain_that_is_everywhere_the_same():
    rng = np.random.default_rng(1)
    before = rng.random(1000) < 0.8
    after = before.copy()
    after[np.flatnonzero(~before)[:20]] = True
    found = evaluation.difference(tally(*before), tally(*after), seed=0)

    assert found.value == pytest.approx(0.02)
    assert found.low > 0


def test_the_same_seed_gives_the_same_interval():
    some = tally(*[1, 0, 1] * 20)
    assert evaluation.interval(some, seed=4) == evaluation.interval(some, seed=4)


def test_a_label_may_fall_to_the_lower_bound_of_its_interval():
    targets = np.zeros((30, 2), dtype=bool)
    targets[:, 0] = True
    champion, challenger = targets.copy(), targets.copy()
    champion[:6, 0] = False  # 24 of 30
    challenger[:15, 0] = False  # 15 of 30

    (change,) = evaluation.label_changes(["Refund", "Unused"], targets, champion, challenger)
    assert (change.label, change.gold) == ("Refund", 30)
    assert change.allowed == pytest.approx(evaluation.wilson(24, 30).low)
    assert change.challenger < change.allowed
