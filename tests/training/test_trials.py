"""A lever is moved in a small training, judged by the keep rule, and left alone on a plateau."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from labeling.models import Membership
from tests.factories import MembershipFactory, ProjectFactory
from training.gates import Interval
from training.models import LeverTrial
from training.plateaus import plateaus
from training.trainers.recipes import LEVERS, RANGES, Recipe
from training.trials import kept, some_of

HEAVY = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # of torch and the trainer, at import and in training
    pytest.mark.usefixtures("one_connection"),
]


def apply(marks):
    def to(function):
        for mark in marks:
            function = mark(function)
        return function

    return to


def rise(value):
    return Interval(value, value - 0.01, value + 0.01)


def test_a_lever_is_kept_where_both_hits_rise_by_enough():
    assert kept(rise(0.005), rise(0.015))
    assert not kept(rise(0.0049), rise(0.1))
    assert not kept(rise(0.1), rise(0.0149))


def test_a_probe_learns_from_a_part_the_same_each_time():
    import numpy as np

    rows = np.arange(0, 4000, 2)
    some = some_of(rows, 0.1, seed=3)
    assert len(some) == 200
    assert (some == some_of(rows, 0.1, seed=3)).all()
    assert set(some) <= set(rows)
    assert len(some_of(rows, 0.01, seed=3)) == 128
    assert len(some_of(rows[:50], 0.1, seed=3)) == 50


def test_every_lever_is_a_number_of_the_recipe_and_its_usual_values_are_in_range():
    for name, lever in LEVERS.items():
        assert name in RANGES
        for value in lever.values:
            moved = Recipe.read({name: value})
            assert getattr(moved, name) == value != getattr(Recipe(), name)


def tried(project, lever, *, is_flat=True, is_kept=False):
    return LeverTrial.objects.create(
        project=project,
        lever=lever,
        usual=20,
        value=30,
        documents=128,
        hit_at_5=0.95,
        hit_at_10=0.97,
        change_at_5=0.001,
        change_at_10=-0.002,
        is_kept=is_kept,
        is_flat=is_flat,
        seconds=9,
        seed=0,
        tried_at=timezone.now(),
    )


@pytest.mark.django_db
def test_three_flat_trials_of_a_lever_are_a_plateau_of_that_lever(django_assert_num_queries):
    project = ProjectFactory()
    tried(project, "scale", is_flat=False)
    for _ in range(2):
        tried(project, "scale")
        tried(project, "rate", is_flat=False)
    assert plateaus(project) == []
    tried(project, "scale")
    with django_assert_num_queries(1):
        assert plateaus(project) == ["scale"]
    tried(project, "scale", is_flat=False, is_kept=True)
    assert plateaus(project) == []


@pytest.mark.django_db
def test_the_page_compares_trials_and_names_the_plateau(client):
    project = ProjectFactory(slug="support")
    client.force_login(MembershipFactory(project=project, role=Membership.Role.ADMIN).user)
    assert "Trials" not in client.get("/p/support/models/").text
    for _ in range(3):
        tried(project, "scale")
    page = client.get("/p/support/models/").text
    assert "Temperature (1 / scale)" in page
    assert "20 → 30" in page
    assert "+0.10" in page
    assert "stayed within noise" in page


@apply(HEAVY)
def test_the_command_tries_each_value_beside_the_same_training(small):
    out = StringIO()
    call_command(
        "trial",
        project=small.slug,
        lever="document_weight",
        values=[0.0, 2],
        json=True,
        stdout=out,
        stderr=StringIO(),
    )
    first, second = json.loads(out.getvalue())
    assert (first["usual"], first["value"], second["value"]) == (0.5, 0.0, 2.0)
    for trial in (first, second):
        assert 64 < trial["documents"] <= 128
        assert 0 < trial["hit_at_5"] <= trial["hit_at_10"] <= 1
    assert small.trials.count() == 2
    assert small.model_versions.count() == 0  # nothing is promoted


@apply(HEAVY)
def test_hard_negatives_may_be_moved_and_a_flat_taxonomy_has_no_hierarchy(small):
    call_command(
        "trial", project=small.slug, lever="harder", values=[6.0], stdout=StringIO(),
        stderr=StringIO(),
    )  # fmt: skip
    assert small.trials.get().lever == "harder"
    with pytest.raises(CommandError, match="flat"):
        call_command("trial", project=small.slug, lever="evenness", stderr=StringIO())


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"values": [-1.0]}, r"scale: -1\.0; a number from 1 to 1000"),
        ({"share": 0.0}, "--share 0.0: above 0"),
        ({"project": "nobody"}, "no project nobody"),
    ],
)
def test_what_cannot_be_tried_is_said(options, complaint):
    ProjectFactory(slug="support")
    asked = {"project": "support", "lever": "scale", "stderr": StringIO(), **options}
    with pytest.raises(CommandError, match=complaint):
        call_command("trial", **asked)
