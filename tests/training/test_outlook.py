"""How long a run will take, said before it starts."""

from datetime import timedelta

import pytest

from training.outlook import Outlook
from training.trainers.recipes import Recipe


def outlook(gold):
    return Outlook(gold=gold, fresh=gold, labels=[], last=None, current=None, refusal="")


def test_a_second_look_takes_a_second_for_each_close_call_it_learns():
    usual, twice = Recipe(), Recipe(stages=("fine_tune", "rerank"), rerank_documents=500)
    for gold, seconds in ((100, 100), (10_000, 500)):
        added = outlook(gold).duration(twice) - outlook(gold).duration(usual)
        assert added.total_seconds() == pytest.approx(seconds)


def test_distillation_teaches_a_cross_encoder_and_hears_its_opinion():
    usual = Recipe(stages=("fine_tune", "parents"))
    distilled = Recipe(stages=("fine_tune", "distil"), distil_documents=300)
    added = outlook(100).duration(distilled) - outlook(100).duration(usual)
    assert added.total_seconds() == pytest.approx(100 + 0.2 * 300)


def test_epochs_and_stages_that_train_the_encoder_take_their_time():
    once, again = Recipe(epochs=2), Recipe(epochs=4)
    both = Recipe(epochs=2, stages=("fine_tune", "hierarchy"))
    short, longer = outlook(1000).duration(once), outlook(1000).duration(again)
    assert longer - short == outlook(1000).duration(both) - short
    assert longer - short == timedelta(seconds=1000 * 2 * 0.027)
