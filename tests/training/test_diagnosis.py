from training.diagnosis import Case, diagnose
from training.gates import Evidence, Interval

NOISE = Interval(0.001, -0.01, 0.01)
GAIN = Interval(0.02, 0.01, 0.03)


def causes(**parts):
    return [finding.cause for finding in diagnose(Case(**parts))]


def with_metrics(gain=GAIN, **metrics):
    return Evidence(challenger={"top1": 0.9, **metrics}, differences={"top1": gain})


def test_a_challenger_that_accepts_less_is_told_to_wait_for_gold():
    evidence = Evidence({"accepted": 0.4}, {"accepted": 0.1})
    assert causes(evidence=evidence) == ["Accepts less"]
    assert causes(evidence=Evidence({"accepted": 0.4}, {"accepted": 0.33})) == []


def test_a_good_run_has_nothing_to_say():
    assert causes(evidence=with_metrics(ece=0.01, right_label_cosine=0.6)) == []


def test_a_leak_is_named_before_all_else():
    found = causes(evidence=with_metrics(NOISE, leaks=2.0, ece=0.2))
    assert found == ["Leak", "No gain beyond noise", "Calibration off"]


def test_documents_that_point_away_from_their_label_are_an_objective_conflict():
    assert causes(evidence=with_metrics(right_label_cosine=-0.12)) == ["Objective conflict"]


def test_a_falling_curve_is_over_fitting_with_its_figures():
    curve = [{"hit_at_5": 0.95}, {"hit_at_5": 0.97}, {"hit_at_5": 0.94}]
    (finding,) = diagnose(Case(with_metrics(), curve=curve, geometry={"drop": 0.05}))

    assert finding.cause == "Over-fitting"
    assert finding.evidence.startswith("Hit@5 on validation fell from 97.00% to 94.00%")


def test_a_wide_gap_between_training_and_held_out_gold_is_over_fitting():
    assert causes(evidence=with_metrics(), geometry={"drop": 0.3}) == ["Over-fitting"]


def test_three_flat_runs_are_a_plateau():
    assert causes(evidence=with_metrics(NOISE), earlier=[NOISE, NOISE])[0] == "Plateau"
    assert "Plateau" not in causes(evidence=with_metrics(NOISE), earlier=[NOISE, GAIN])


def test_a_clear_fall_is_not_called_noise():
    assert causes(evidence=with_metrics(Interval(-0.03, -0.05, -0.01))) == ["Fine-tuning hurt"]


def test_sibling_errors_that_dominate_are_said():
    assert causes(evidence=with_metrics(sibling_confusion=0.06)) == ["Siblings are confused"]
    assert causes(evidence=with_metrics(sibling_confusion=0.04)) == []


def test_thin_labels_are_named_fewest_first():
    (finding,) = diagnose(Case(with_metrics(), train_gold={"Fee": 9, "Loan": 2, "Card": 40}))
    assert "Loan (2), Fee (9)" in finding.evidence
