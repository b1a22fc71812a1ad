import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.factories import ProjectFactory
from tests.training.world import World

pytestmark = pytest.mark.django_db


def said(**options):
    out = StringIO()
    call_command("refit", project="support", stdout=out, **options)
    return out.getvalue()


def test_says_what_was_learnt_and_what_the_gates_said(settings):
    World(settings).settle(*range(30))
    words = said()
    assert "Model 1: learnt from 30 gold" in words
    assert "open: Top-1 changed by" in words


def test_json_holds_version_metrics_and_gates(settings):
    World(settings).settle(*range(30))
    result = json.loads(said(json=True))
    assert result["gold"] == 30
    assert result["passed"]
    assert result["metrics"]["top1"] > 0.9
    assert result["gates"][0]["reason"]


def test_project_without_gold_is_told_so():
    ProjectFactory()
    with pytest.raises(CommandError, match="no gold"):
        said()


def test_unknown_project_is_told_so():
    with pytest.raises(CommandError, match="No project"):
        said()
