"""What a refit may not undo: a promotion, a roll-back or a refit that ended while it learnt."""

import pytest
from django.utils import timezone

from inference import deployments
from inference.calibrate import Calibration
from labeling.models import GoldLabel
from tests.training.world import World, champion
from training import instant
from training.teaching import teach

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(settings, db):
    return World(settings)


def meanwhile(monkeypatch, act):
    """Do *act* once while the next refit learns."""
    once = [act]

    def and_act(*arguments, **options):
        if once:
            once.pop()()
        return teach(*arguments, **options)

    monkeypatch.setattr(instant, "teach", and_act)


def test_what_was_promoted_while_a_refit_learnt_serves(world, settings, monkeypatch):
    world.settle(*range(30))
    promoted = world.bundle(settings, calibration=Calibration(1.3)).digest
    meanwhile(
        monkeypatch,
        lambda: deployments.deploy(
            world.project, promoted, reason="", actor=None, now=timezone.now()
        ),
    )
    instant.refit(world.project, now=timezone.now())

    assert champion(world.project) == promoted


def test_what_was_rolled_back_to_while_a_refit_learnt_serves(world, monkeypatch):
    first = champion(world.project)
    world.settle(*range(30))
    instant.refit(world.project, now=timezone.now())
    world.settle(*range(30, 40))
    meanwhile(
        monkeypatch,
        lambda: deployments.roll_back(world.project, actor=None, now=timezone.now()),
    )
    instant.refit(world.project, now=timezone.now())

    assert champion(world.project) == first


def test_of_two_refits_the_one_that_ended_first_serves(world, monkeypatch):
    world.settle(*range(40))
    newer = []

    def correct_and_refit():
        GoldLabel.objects.filter(document=world.documents[0]).update(label=world.labels[1])
        newer.append(instant.refit(world.project, now=timezone.now()))

    meanwhile(monkeypatch, correct_and_refit)
    instant.refit(world.project, now=timezone.now())

    assert champion(world.project) == newer[0].bundle
