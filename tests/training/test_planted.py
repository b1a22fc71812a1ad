"""Faults planted in a whole run are caught, and the report says what they are."""

import pytest

from tests.training.small import train
from tests.training.test_runs import serve_zero_shot
from training import executor, splits
from training.losses.hierarchical import HierarchicalMultiPositiveLoss
from training.models import TrainingRun

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # of torch and the trainer, at import and in training
    pytest.mark.usefixtures("one_connection"),
]


def causes(run):
    return [finding["cause"] for finding in run.report["diagnosis"]]


def gate(run, name):
    return next(each for each in run.report["gates"] if each["gate"] == name)


def test_a_leak_is_caught_and_opens_no_gate(small, monkeypatch):
    """A splitter that no longer keeps copies together puts them on both sides."""
    for document in small.documents.order_by("pk")[:60]:
        small.documents.filter(pk=document.pk + 60).update(text=document.text)
    monkeypatch.setattr(splits, "groups", lambda count, pairs: splits.np.arange(count))
    before = serve_zero_shot(small)
    run = executor.carry_out(train(small).pk)

    assert run.status == TrainingRun.Status.DONE, run.error
    assert run.report["leaks"]["total"] > 0
    assert not gate(run, "No leaks")["passed"]
    assert causes(run)[0] == "Leak"
    assert small.deployments.get(until=None).bundle == before.digest


def test_an_objective_that_turns_the_space_around_is_caught(small, monkeypatch):
    """A loss with its sign turned pushes documents away from their right label."""
    loss = HierarchicalMultiPositiveLoss.forward
    monkeypatch.setattr(
        HierarchicalMultiPositiveLoss, "forward", lambda *args, **more: -loss(*args, **more)
    )
    monkeypatch.setattr("transformers.EarlyStoppingCallback.on_evaluate", lambda *_, **__: None)
    run = executor.carry_out(train(small, rate=5e-3, epochs=2, evaluations=1).pk)

    assert run.status == TrainingRun.Status.DONE, run.error
    (trial,) = run.report["stages"]
    assert not trial["kept"]
    assert "dropped" in trial["reason"]
    assert gate(run, "Right-label cosine positive")["passed"]  # of what was left: the base


def test_three_runs_without_a_gain_are_called_a_plateau(small):
    serve_zero_shot(small)
    runs = [executor.carry_out(train(small, rate=1e-9, epochs=1).pk) for _ in range(3)]

    assert "Plateau" not in causes(runs[1])
    assert "Plateau" in causes(runs[2])
    plateau = next(each for each in runs[2].report["diagnosis"] if each["cause"] == "Plateau")
    assert "last 3 runs" in plateau["evidence"]
    assert "Stop tuning the encoder" in plateau["advice"]
