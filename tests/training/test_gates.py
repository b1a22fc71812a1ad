import math

import pytest

from training import gates
from training.gates import Evidence, Interval, LabelChange, Outcome

GOOD = {
    "hit_at_5": 0.97,
    "top1": 0.92,
    "micro_f1": 0.92,
    "ece": 0.02,
    "ece_by_chance": 0.0,
    "accepted": 0.3,
    "latency_p95": 10.0,
    "leaks": 0.0,
    "right_label_cosine": 0.6,
}
STEADY = LabelChange("Refund", gold=25, champion=0.9, challenger=0.9, allowed=0.75)


def evidence(champion=None, challenger=None, gain=(0.02, 0.01, 0.03), labels=(STEADY,)):
    both = Interval(*gain)
    return Evidence(
        {**GOOD, **(champion or {})},
        {**GOOD, **(challenger or {})},
        {"top1": both, "micro_f1": both},
        labels,
    )


def shut(evidence, *, multi=False):
    return [
        outcome
        for outcome in gates.judge(gates.slow_loop(multi=multi), evidence)
        if not outcome.passed
    ]


@pytest.mark.parametrize("multi", [False, True])
def test_a_clear_gain_without_harm_opens_every_gate(multi):
    assert shut(evidence(), multi=multi) == []


@pytest.mark.parametrize("multi", [False, True])
def test_nothing_passes_unmeasured(multi):
    outcomes = gates.judge(gates.slow_loop(multi=multi), Evidence())

    assert not any(outcome.passed for outcome in outcomes)
    assert all("not measured" in outcome.reason for outcome in outcomes)


@pytest.mark.parametrize(
    "metric",
    ["hit_at_5", "ece", "ece_by_chance", "accepted", "latency_p95", "leaks", "right_label_cosine"],
)
@pytest.mark.parametrize("value", [math.nan, math.inf, None])
def test_a_metric_without_a_number_is_unmeasured(metric, value):
    (outcome,) = shut(evidence(challenger={metric: value}))
    assert "not measured" in outcome.reason


def test_a_gain_within_noise_is_no_gain():
    (outcome,) = shut(evidence(gain=(0.01, -0.002, 0.022)))
    assert outcome.reason == (
        "Top-1 changed by +1.00 points (95 % interval -0.20 to +2.20): not clearly above zero."
    )


def test_a_fall_in_hit_at_5_shuts_its_gate():
    (outcome,) = shut(evidence(challenger={"hit_at_5": 0.96}))
    assert outcome.reason == "Hit@5 96.00% is below the champion's 97.00%."


def test_a_label_with_enough_gold_that_falls_below_its_interval_is_named():
    fallen = LabelChange("Fee", gold=20, champion=0.9, challenger=0.6, allowed=0.7)
    (outcome,) = shut(evidence(labels=(STEADY, fallen)))
    assert outcome.reason == "Fell: Fee 90% → 60% (allowed 70%)."


def test_a_label_with_little_gold_is_not_judged():
    rare = LabelChange("Fee", gold=19, champion=0.9, challenger=0.1, allowed=0.7)
    assert shut(evidence(labels=(rare,))) == []


@pytest.mark.parametrize(
    ("worse", "gate"),
    [
        ({"ece": 0.051}, "Calibration error at most 5%"),
        ({"latency_p95": 12.1}, "P95 latency"),
        ({"accepted": 0.23}, "Accepts as much"),
        ({"leaks": 1.0}, "No leaks"),
        ({"right_label_cosine": -0.12}, "Right-label cosine positive"),
    ],
)
def test_each_harm_shuts_its_own_gate(worse, gate):
    (outcome,) = shut(evidence(challenger=worse))
    assert outcome.gate == gate


def test_limits_themselves_pass():
    assert shut(evidence(challenger={"ece": 0.05, "latency_p95": 12.0, "accepted": 0.24})) == []


def test_where_the_champion_accepts_nothing_so_may_the_challenger():
    assert shut(evidence({"accepted": 0.0}, {"accepted": 0.0})) == []


def test_calibration_error_that_chance_explains_shuts_no_gate():
    assert shut(evidence(challenger={"ece": 0.11, "ece_by_chance": 0.07})) == []
    (outcome,) = shut(evidence(challenger={"ece": 0.11, "ece_by_chance": 0.05}))
    assert outcome.reason == (
        "Calibration error 11.00%, where chance alone makes 5.00%, is above 5%."
    )


def test_no_gates_open_nothing():
    assert not gates.all_open([])


def test_the_instant_loop_may_stay_within_noise():
    (within,) = gates.judge(gates.INSTANT_LOOP, evidence(gain=(-0.01, -0.03, 0.01)))
    (below,) = gates.judge(gates.INSTANT_LOOP, evidence(gain=(-0.03, -0.05, -0.01)))

    assert within.passed
    assert not below.passed


def test_an_outcome_is_plain_json():
    assert Outcome("No leaks", passed=True, reason="None.").as_json() == {
        "gate": "No leaks",
        "passed": True,
        "reason": "None.",
        "figures": {},
    }
