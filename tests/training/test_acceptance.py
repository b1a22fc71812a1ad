import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import binom
from scipy.stats import t as student

from inference.buckets import NEVER
from training.acceptance import (
    CALIBRATED,
    VAGUE,
    Judged,
    accept_threshold,
    counted_threshold,
    curve_threshold,
    effects,
    fit_curve,
    label_thresholds,
    log_odds,
    lower_bound,
)


def alone(certainties, correct):
    """Gold of which each document is a thread of its own."""
    return Judged(certainties, correct, np.arange(len(correct)))


def test_lower_bound_without_a_mistake_is_worked_out_by_hand():
    # With n of n right the bound is the p with pⁿ = 5 %.
    assert lower_bound(149, 149, 0.95) == pytest.approx(0.05 ** (1 / 149))


def test_lower_bound_is_the_share_at_which_so_many_right_would_be_a_surprise():
    bound = lower_bound(90, 100, 0.95)
    assert binom.sf(89, 100, bound) == pytest.approx(0.05)


def test_nothing_right_bounds_nothing():
    assert lower_bound(0, 10, 0.95) == 0
    assert lower_bound(0, 0, 0.95) == 0


def slow_threshold(certainties, correct, promise, confidence):
    passing = [
        cut
        for cut in sorted(set(certainties))
        if lower_bound(
            int(correct[certainties >= cut].sum()), int((certainties >= cut).sum()), confidence
        )
        >= promise
    ]
    return min(passing, default=NEVER)


@pytest.mark.parametrize("seed", range(5))
def test_counted_threshold_is_that_of_the_slow_loop(seed):
    rng = np.random.default_rng(seed)
    certainties = rng.beta(5, 1, size=400).round(2)  # with ties
    correct = rng.random(400) < certainties**0.3
    found = counted_threshold(alone(certainties, correct), promise=0.9, confidence=0.95)
    assert found == slow_threshold(certainties, correct, 0.9, 0.95)


def test_a_promise_of_98_percent_needs_149_documents_at_least():
    certain, right = np.linspace(0.9, 1, 149), np.ones(149, bool)
    assert counted_threshold(alone(certain, right), promise=0.98, confidence=0.95) == 0.9
    assert counted_threshold(alone(certain[1:], right[1:]), promise=0.98, confidence=0.95) == NEVER


def test_curve_of_calibrated_certainties_has_intercept_0_and_slope_1():
    rng = np.random.default_rng(0)
    certainties = rng.uniform(0.2, 0.99, 5000)
    (intercept, slope), covariance = fit_curve(
        alone(certainties, rng.random(5000) < certainties), CALIBRATED
    )
    assert intercept == pytest.approx(0, abs=0.1)
    assert slope == pytest.approx(1, abs=0.1)
    assert np.sqrt(covariance[0, 0]) < 0.1


def test_curve_without_gold_is_the_prior():
    centre, covariance = fit_curve(alone(np.empty(0), np.empty(0, bool)), VAGUE)
    np.testing.assert_allclose(centre, [0, 1])
    np.testing.assert_allclose(covariance, [[4, 0], [0, 1]])


def threshold(seed, gold, **changes):
    rng = np.random.default_rng(seed)
    certainties = rng.beta(2, 2, gold)  # chosen by small margin: nobody is sure of them
    arguments = {"pool": rng.beta(6, 0.5, 2000), "promise": 0.95} | changes
    return accept_threshold(alone(certainties, rng.random(gold) < certainties), **arguments)


def test_threshold_promises_no_more_than_the_pool_keeps():
    rng = np.random.default_rng(99)
    pool = rng.beta(6, 0.5, 20_000)
    for seed in range(20):
        cut = threshold(seed, 500)
        assert pool[pool >= cut].mean() >= 0.95  # its certainty is its chance to be right


def test_more_gold_accepts_more():
    little = np.mean([threshold(seed, 60) for seed in range(10)])
    much = np.mean([threshold(seed, 2000) for seed in range(10)])
    assert much < little


def test_a_higher_promise_accepts_less():
    assert threshold(1, 800, promise=0.97) > threshold(1, 800, promise=0.9)


def test_overconfident_predictions_are_not_accepted():
    rng = np.random.default_rng(5)
    certainties = rng.uniform(0.5, 1, 1000)
    correct = rng.random(1000) < expit(log_odds(certainties) / 3)
    cut = accept_threshold(alone(certainties, correct), pool=certainties, promise=0.98)
    assert cut == NEVER


def test_no_gold_accepts_nothing():
    nothing = alone(np.empty(0), np.empty(0, bool))
    assert accept_threshold(nothing, pool=np.full(9, 0.999), promise=0.9) == NEVER


def test_without_documents_to_come_only_counting_counts():
    certain, right = np.full(400, 0.9), np.ones(400, bool)
    no_pool = np.empty(0)
    assert curve_threshold(
        alone(certain, right), no_pool, promise=0.9, risk=0.05, prior=CALIBRATED, seed=0
    ) == (NEVER)
    assert accept_threshold(alone(certain, right), pool=no_pool, promise=0.98) == 0.9


def test_label_with_much_gold_gets_its_own_threshold_and_one_with_little_the_common_one():
    rng = np.random.default_rng(1)
    often = rng.random(2000) < 0.5
    chances = np.where(often, rng.uniform(0.35, 0.5, 2000), rng.uniform(0.1, 0.3, 2000))
    seldom = np.zeros(2000, bool)
    seldom[0] = True
    probabilities = np.stack([chances, np.where(seldom, 0.9, 0.05)], axis=1)

    cuts = label_thresholds(probabilities, np.stack([often, seldom], axis=1))

    assert 0.3 <= cuts[0] <= 0.36
    assert cuts[1] == pytest.approx(cuts[0], abs=0.05)


def test_labels_without_any_gold_keep_even_odds():
    np.testing.assert_allclose(label_thresholds(np.ones((2, 3)), np.zeros((2, 3), bool)), 0.5)


def in_threads(seed, precision, threads=150, size=8):
    """Documents as sure as each other, of threads that are right or wrong as a whole."""
    right = np.random.default_rng(seed).random(threads) < precision
    count = threads * size
    return Judged(np.full(count, 0.9), np.repeat(right, size), np.repeat(np.arange(threads), size))


def test_what_a_thread_tells_once_is_no_proof_said_eight_times():
    def kept(gold):
        return counted_threshold(gold, promise=0.95, confidence=0.975) != NEVER

    drawn = [in_threads(seed, 0.94) for seed in range(200)]  # the promise is not true
    assert sum(kept(gold) for gold in drawn) <= 10
    assert sum(kept(alone(gold.certainties, gold.correct)) for gold in drawn) > 15
    assert kept(in_threads(0, 0.999, threads=600))


def test_mistakes_of_a_thread_are_wholly_alike_or_not_at_all():
    assert in_threads(1, 0.8).alikeness == pytest.approx(1, abs=0.01)
    alone_in_it = in_threads(1, 0.8, threads=1)
    assert alone_in_it.alikeness == 1
    rng = np.random.default_rng(2)
    chance = Judged(np.full(4000, 0.9), rng.random(4000) < 0.8, np.repeat(np.arange(500), 8))
    assert chance.alikeness < 0.05
    assert alone(chance.certainties, chance.correct).alikeness == 0


def test_without_a_mistake_a_thread_counts_as_one_document():
    gold = in_threads(0, 1.1, threads=100)
    assert gold.effect == pytest.approx(8, rel=0.03)
    assert counted_threshold(gold, promise=0.98, confidence=0.95) == NEVER  # 149 are needed
    assert counted_threshold(in_threads(0, 1.1, threads=160), promise=0.98, confidence=0.95) == 0.9


def test_the_effect_of_each_document_more_is_that_of_a_slow_loop():
    threads = np.random.default_rng(4).integers(0, 9, 60)
    found = effects(threads, 0.4)
    for count in range(1, 61):
        sizes = np.bincount(threads[:count])
        typical = (sizes**2).sum() / count
        threads_seen = (sizes > 0).sum()
        if threads_seen == count or threads_seen < 2:
            continue
        few = student.ppf(0.975, threads_seen - 1) / student.ppf(0.975, count - 1)
        assert found[count - 1] == pytest.approx((1 + (typical - 1) * 0.4) * few**2)


def test_the_curve_is_surer_of_documents_that_are_alone():
    gold = in_threads(3, 0.9)
    _, together = fit_curve(gold, VAGUE)
    _, apart = fit_curve(alone(gold.certainties, gold.correct), VAGUE)
    assert np.trace(together) > np.trace(apart)


def test_one_mistake_more_makes_the_promise_no_bolder():
    threads, certainties = np.repeat(np.arange(200), 5), np.full(1000, 0.9)
    bold = []
    for mistakes in range(8):
        correct = np.ones(1000, dtype=bool)
        correct[np.arange(mistakes) * 100] = False  # each in a thread of its own
        gold = Judged(certainties, correct, threads)
        kept = [
            promise
            for promise in np.linspace(0.9, 0.999, 100)
            if counted_threshold(gold, promise=promise, confidence=0.975) != NEVER
        ]
        bold.append(max(kept))
    assert bold == sorted(bold, reverse=True)


@pytest.mark.parametrize(("threads", "size", "promise"), [(60, 10, 0.98), (40, 6, 0.95)])
def test_few_threads_with_few_mistakes_promise_what_they_can(threads, size, promise):
    """Mistakes of a thread are 0.4 alike, and the promise is just not true."""
    rng, false = np.random.default_rng(0), 0
    for _ in range(400):
        share = promise - 0.002
        chances = rng.beta(share * 1.5, (1 - share) * 1.5, threads)  # intra-class correlation 0.4
        correct = rng.random((threads, size)) < chances[:, None]
        gold = Judged(
            np.full(threads * size, 0.9), correct.ravel(), np.repeat(np.arange(threads), size)
        )
        false += counted_threshold(gold, promise=promise, confidence=0.975) != NEVER
    assert false <= 0.035 * 400
