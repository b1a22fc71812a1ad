from dataclasses import replace

import numpy as np
import pytest

from inference.pipeline import Scores
from tests.training.test_teaching import LABELS, untaught
from training.keeping import falls, judge, losses, measure

NO_SIBLINGS = np.zeros((LABELS, LABELS), bool)


def standing(right, sureness, kind="single", documents=50):
    """What a model is worth that is right on the first *right* documents, as sure as that."""
    targets = np.eye(LABELS, dtype=bool)[np.arange(documents) % LABELS]
    said = np.where(np.arange(documents)[:, None] < right, targets, np.roll(targets, 1, axis=1))
    rest = (1 - sureness) / (LABELS - 1)
    chances = np.where(said, sureness, rest).astype(np.float32)
    scores = Scores(chances, np.log(chances), chances)
    return measure(untaught(kind), scores, targets, NO_SIBLINGS, np.arange(documents))


@pytest.mark.parametrize("multi", [False, True])
def test_losses_are_those_of_a_slow_loop(multi):
    rng = np.random.default_rng(1)
    chances = rng.dirichlet(np.ones(4), size=6).astype(np.float32)
    targets = rng.random((6, 4)) < 0.4
    wanted = []
    for chance, right in zip(chances.astype(float), targets, strict=True):
        if multi:
            wanted.append(
                -sum(np.log(p if r else 1 - p) for p, r in zip(chance, right, strict=True))
            )
        elif right.any():
            wanted.append(-np.log(sum(p for p, r in zip(chance, right, strict=True) if r)))
    np.testing.assert_allclose(losses(chances, targets, multi=multi), wanted, rtol=1e-4)


@pytest.mark.parametrize("kind", ["single", "multi"])
def test_a_stage_that_lowers_the_loss_and_the_errors_is_kept(kind):
    before, after = standing(30, 0.7, kind), standing(40, 0.7, kind)
    trial = judge("silver", before, after, multi=kind == "multi", seed=0)
    assert trial.kept
    assert trial.figures["loss"][1] < trial.figures["loss"][0]
    assert "kept" in trial.reason


def test_a_stage_that_costs_right_documents_is_dropped_though_the_loss_fell():
    trial = judge("silver", standing(30, 0.98), standing(22, 0.6), multi=False, seed=0)
    assert trial.figures["loss"][1] < trial.figures["loss"][0]
    assert not trial.kept
    assert "dropped: Top-1 fell" in trial.reason


def test_a_stage_that_only_raises_the_loss_is_dropped():
    trial = judge("silver", standing(30, 0.6), standing(30, 0.9), multi=False, seed=0)
    assert "dropped: the loss did not fall beyond its standard error" in trial.reason


def test_a_fall_within_its_standard_error_is_none():
    before = np.array([1.0, 1, 1, 1])
    assert not falls(
        before, before + np.array([-1.0, 0.9, -1, 0.9])
    )  # mean -0.05, standard error 0.55
    assert falls(before, before + np.array([-0.4, -0.5, -0.6, -0.5]))
    assert not falls(before[:1], before[:1] - 1)


def test_what_falls_in_one_thread_alone_is_no_fall():
    before, after = np.ones(40), np.r_[np.full(20, 0.5), np.full(20, 0.9)]
    threads = np.repeat([0, 1], 20)
    assert falls(before, after, threads)
    after[20:] = 1.3  # one thread falls and one rises
    assert falls(before, after)
    assert not falls(before, after, threads)
    assert not falls(before, after, np.zeros(40, dtype=np.int64))


def test_what_could_not_be_measured_is_dropped():
    nothing = standing(0, 0.5, documents=0)
    trial = judge("silver", nothing, nothing, multi=False, seed=0)
    assert not trial.kept
    assert trial.figures["loss"] == (None, None)


def test_siblings_taken_for_one_another_are_among_the_figures():
    siblings = ~np.eye(LABELS, dtype=bool)
    targets = np.eye(LABELS, dtype=bool)
    chances = np.roll(targets, 1, axis=1).astype(np.float32)
    scores, threads = Scores(chances, chances, chances), np.arange(len(targets))
    found = measure(untaught(), scores, targets, siblings, threads)
    assert found.figures["sibling_confusion"] == 1


def test_a_space_that_turned_around_is_dropped_and_said_to_be():
    before, after = standing(30, 0.5), standing(40, 0.9)
    turned = replace(after, figures=after.figures | {"right_label_cosine": -0.12})
    trial = judge("fine_tune", before, turned, multi=False, seed=0)
    assert judge("fine_tune", before, after, multi=False, seed=0).kept
    assert not trial.kept
    assert "point away from their right label (mean cosine -0.120)" in trial.reason


def test_a_second_look_has_to_raise_top_1():
    before, after = standing(30, 0.5), standing(30, 0.55)
    assert judge("silver", before, after, multi=False, seed=0).kept
    trial = judge("rerank", before, after, multi=False, seed=0, must_rise=True)
    assert not trial.kept
    assert "did not rise" in trial.reason
