from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.factories import TrainingRunFactory
from training import model_cards, registry
from training.gates import Outcome
from training.models import ModelVersion

pytestmark = pytest.mark.django_db

SHUT = Outcome("Top-1 better beyond noise", passed=False, reason="Top-1 changed by +0.10 points.")


@pytest.fixture
def version(project):
    run = TrainingRunFactory(
        project=project,
        parameters={"stages": ["fine_tune", "hierarchy"], "epochs": 3},
        environment={"torch": "2.13.0"},
        report={
            "stages": [{"stage": "hierarchy", "reason": "Top-1 fell: dropped.", "kept": False}]
        },
    )
    return registry.register(
        project,
        "ab" * 32,
        origin=ModelVersion.Origin.RUN,
        metrics={"top1": 0.9123, "ece": None, "words_weight": 0.4},
        gates=[SHUT],
        gold_count=1234,
        run=run,
        now=timezone.now(),
    )


def test_the_card_says_what_it_is_learnt_from_and_worth(version):
    card = model_cards.card(version)
    for line in (
        f"# Model 1 of {version.project.name}",
        f"- Bundle (SHA-256): {'ab' * 32}",
        "- Gold it learnt from: 1,234 documents",
        "- Stages: fine_tune, hierarchy",
        "- Hierarchy weights: Top-1 fell: dropped.",
        "- Top-1: 0.9123",
        "- Calibration error: not measured",
        "- Words weight: 0.4000",
        "- shut: **Top-1 better beyond noise.** Top-1 changed by +0.10 points.",
        "- torch: 2.13.0",
    ):
        assert line in card.splitlines()


def test_a_version_without_run_or_gates_has_a_card_too(project):
    version = registry.register(
        project,
        "cd" * 32,
        origin=ModelVersion.Origin.ZERO_SHOT,
        metrics={},
        gates=[],
        gold_count=0,
        now=timezone.now(),
    )
    card = model_cards.card(version)
    assert "- Origin: From the taxonomy alone" in card
    assert "Not judged." in card
    assert "How it was trained" not in card


def test_admins_download_it(client, version, admin):
    client.force_login(admin)
    answer = client.get(f"/p/{version.project.slug}/models/1/card.md")
    assert answer.status_code == 200
    assert answer["Content-Disposition"] == (
        f'attachment; filename="{version.project.slug}-model-1.md"'
    )
    assert answer.content.decode() == model_cards.card(version)


@pytest.mark.parametrize("person", ["reviewer", "owner", "outsider"])
def test_nobody_else_does(client, version, person, request):
    client.force_login(request.getfixturevalue(person))
    assert client.get(f"/p/{version.project.slug}/models/1/card.md").status_code in {403, 404}


def test_a_version_that_is_not_there_has_none(client, version, admin):
    client.force_login(admin)
    assert client.get(f"/p/{version.project.slug}/models/9/card.md").status_code == 404


def test_the_command_prints_it(version):
    out = StringIO()
    call_command("model_card", project=version.project.slug, number=1, stdout=out)
    assert out.getvalue().strip() == model_cards.card(version).strip()


def test_the_command_says_what_is_not_there(version):
    with pytest.raises(CommandError, match="has no version 9"):
        call_command("model_card", project=version.project.slug, number=9)
    with pytest.raises(CommandError, match="has no champion"):
        call_command("model_card", project=version.project.slug)
