import numpy as np
import pytest
from scipy.special import expit

from inference.calibrate import log_odds_on_curve
from training.calibration import (
    PLENTY,
    STRAIGHT,
    USUAL_TEMPERATURE,
    choose_curve,
    fit,
    fit_curve,
    fit_floor,
    fit_offset,
    fit_temperature,
)
from training.metrics import calibration_error


def drawn(temperature, count, seed=0):
    """Logits whose labels are drawn with the probabilities of that temperature."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(scale=3, size=(count, 5))
    shares = np.exp(logits / temperature)
    shares /= shares.sum(axis=1, keepdims=True)
    chosen = (rng.random((count, 1)) > shares.cumsum(axis=1)).sum(axis=1)
    return logits, np.eye(5, dtype=bool)[np.minimum(chosen, 4)]


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_much_gold_finds_the_temperature_it_was_drawn_with(temperature):
    logits, targets = drawn(temperature, 4000)
    assert fit_temperature(logits, targets) == pytest.approx(temperature, rel=0.07)


def test_no_gold_leaves_the_usual_temperature():
    nothing = np.empty((0, 3)), np.empty((0, 3), bool)
    assert fit_temperature(*nothing) == pytest.approx(USUAL_TEMPERATURE, rel=1e-3)


def test_little_gold_that_disagrees_a_little_is_taken_for_noise():
    logits, targets = drawn(1.1, 30)
    assert fit_temperature(logits, targets) == pytest.approx(USUAL_TEMPERATURE, rel=0.06)


def test_documents_that_fit_nothing_say_nothing_of_temperature():
    logits, targets = drawn(1.5, 300)
    strange = np.vstack([targets, np.zeros((50, 5), bool)])
    with_strange = fit_temperature(np.vstack([logits, logits[:50]]), strange)
    assert with_strange == pytest.approx(fit_temperature(logits, targets))


def test_document_of_weight_nought_is_not_there():
    logits, targets = drawn(2.0, 400)
    weights = (np.arange(400) < 200).astype(float)
    assert fit_temperature(logits, targets, weights=weights) == pytest.approx(
        fit_temperature(logits[:200], targets[:200]), rel=1e-3
    )


def test_multi_label_temperature_is_found_label_by_label():
    rng = np.random.default_rng(2)
    logits = rng.normal(scale=3, size=(2000, 4))
    targets = rng.random((2000, 4)) < 1 / (1 + np.exp(-logits / 1.8))
    assert fit_temperature(logits, targets, multi=True) == pytest.approx(1.8, rel=0.07)


def test_offset_is_where_right_and_wrong_are_as_likely():
    rng = np.random.default_rng(4)
    logits = rng.normal(loc=6, scale=2, size=(500, 4))
    targets = rng.random((500, 4)) < 1 / (1 + np.exp(8 - logits))
    assert fit_offset(logits, targets, default=5.0) == pytest.approx(8.0, abs=0.2)


def test_offset_without_gold_is_the_default():
    nothing = np.empty((0, 3)), np.empty((0, 3), bool)
    assert fit_offset(*nothing, default=7.0) == pytest.approx(7.0, abs=1e-3)


def test_floor_parts_strange_from_fitting_documents():
    strange, usual = [1.0, 2, 3, 4, 5], [6.0, 7, 8]
    floor = fit_floor(np.array(strange + usual), np.array([False] * 5 + [True] * 3))
    assert floor == 6.0


def test_too_few_strange_documents_set_no_floor():
    assert fit_floor(np.array([1.0, 2, 9]), np.array([False, False, True])) is None


def test_strange_documents_that_look_like_all_others_set_no_floor():
    top = np.array([9.0] * 5 + [1.0] * 20)
    assert fit_floor(top, np.array([False] * 5 + [True] * 20)) is None


def on_curve(chances, curve):
    return expit(log_odds_on_curve(chances, 1 - chances, curve))


def drawn_on(curve, count=40_000, seed=3):
    """Return certainties and whether each was right, drawn from what they are on *curve*."""
    rng = np.random.default_rng(seed)
    certainties = (0.5 + rng.random(count) / 2).astype(np.float32)
    return certainties, rng.random(count) < on_curve(certainties, curve)


def test_much_gold_finds_the_curve_it_was_drawn_with():
    wanted = (1.1, 0.6, 0.5)
    found = choose_curve(*drawn_on(wanted), np.arange(40_000))
    grid = np.linspace(0.5, 0.99, 50)
    np.testing.assert_allclose(on_curve(grid, found), on_curve(grid, wanted), atol=0.01)


def test_certainties_that_are_true_are_left_alone():
    apart = np.arange(3_000)
    kept = sum(
        choose_curve(*drawn_on(STRAIGHT, 3_000, seed), apart) is not None for seed in range(20)
    )
    assert kept <= 4  # a standard error is passed by chance once in six


def test_what_threads_have_in_common_is_no_curve():
    """Each thread is right or wrong as a whole: ten say no more than one."""
    kept = 0
    for seed in range(20):
        certainties, right = drawn_on(STRAIGHT, 300, seed)
        kept += (
            choose_curve(*(np.repeat(each, 10) for each in (certainties, right, np.arange(300))))
            is not None
        )
    assert kept <= 4


def test_a_curve_without_gold_is_straight_and_too_little_gold_is_given_none():
    nothing = np.empty(0, np.float32)
    assert fit_curve(nothing, nothing.astype(bool)) == pytest.approx(STRAIGHT, abs=1e-4)
    assert choose_curve(*drawn_on((1.0, 0.2, 0.0), 200), np.arange(200)) is None


def test_a_curve_is_fitted_from_plenty_of_gold_alone():
    certainties, right = drawn_on((1.0, 1.0, 1.0), 6_000)
    logits = np.stack([np.log(certainties / (1 - certainties)), np.zeros(6_000)], axis=1)
    targets = np.eye(2, dtype=bool)[np.where(right, 0, 1)]
    known = {"multi": False, "offset": 0.0, "usual": 1.0}
    assert fit(logits, targets, gold=PLENTY - 1, **known).curve is None
    found = fit(logits, targets, gold=PLENTY, **known)
    assert found.curve is not None
    told = found.probabilities(logits, multi=False).max(axis=1)
    plain = fit(logits, targets, gold=0, **known).probabilities(logits, multi=False).max(axis=1)
    assert calibration_error(told, right) < calibration_error(plain, right) / 2


def test_a_document_that_fits_nothing_says_nothing_of_the_curve():
    certainties, right = drawn_on((1.1, 0.5, 0.6), 4_000)
    logits = np.stack([np.log(certainties / (1 - certainties)), np.zeros(4_000)], axis=1)
    targets = np.eye(2, dtype=bool)[np.where(right, 0, 1)]
    known = {"multi": False, "offset": 0.0, "usual": 1.0, "gold": PLENTY}
    more = np.concatenate([targets, np.zeros((500, 2), dtype=bool)])
    odd = np.concatenate([logits, np.full((500, 2), 9.0)])
    assert fit(odd, more, **known) == fit(logits, targets, **known)
