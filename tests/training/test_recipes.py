import pytest
from django.utils import timezone

from labeling.models import AuditEntry
from tests.factories import ProjectFactory, UserFactory
from training import recipes
from training.trainers.recipes import STAGES, BadRecipe, Recipe, named

NOW = timezone.now()


def test_what_is_absent_is_as_usual():
    assert Recipe.read({"epochs": 7}) == Recipe(epochs=7)


def test_a_recipe_is_read_as_it_was_written():
    recipe = Recipe(stages=("silver", "hierarchy"), epochs=2, rate=1e-4)
    assert Recipe.read(recipe.as_json()) == recipe


def test_stages_are_tried_in_one_order_however_they_are_named():
    assert Recipe.read({"stages": ["hierarchy", "silver"]}).stages == ("silver", "hierarchy")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"epochs": 0}, "epochs: 0; a whole number from 1 to 100"),
        ({"epochs": 2.5}, "epochs: 2.5; a whole number"),
        ({"epochs": True}, "epochs: True; a whole number"),
        ({"rate": "fast"}, "rate: 'fast'; a number from 1e-09 to 0.1"),
        ({"rate": float("nan")}, "rate: nan; a number"),
        ({"stages": ["magic"]}, "stages: .*magic.*; a list of at least one of silver, fine_tune"),
        ({"stages": "silver"}, "stages: 'silver'; a list"),
        ({"stages": []}, "a list of at least one"),
        ({"stages": None}, "stages: None; a list"),
        ({"stages": [["silver"]]}, "a list of at least one"),
        ({"colour": 1}, "colour: unknown; a recipe has batch"),
        ({"version": 9}, "version: 9; this code reads 1. Save the recipe anew"),
    ],
)
def test_a_recipe_that_cannot_be_followed_names_the_field_and_the_remedy(values, said):
    with pytest.raises(BadRecipe, match=said):
        Recipe.read(values)


def test_the_full_recipe_tries_every_stage():
    assert named("full").stages == tuple(STAGES)


def test_a_recipe_nobody_named_is_refused_with_those_there_are():
    with pytest.raises(BadRecipe, match="no recipe fast; there are default and full"):
        named("fast")


@pytest.mark.django_db
def test_a_project_has_the_usual_recipe_until_one_is_saved():
    assert recipes.recipe_of(ProjectFactory()) == Recipe()


@pytest.mark.django_db
def test_editions_are_numbered_and_the_last_one_holds():
    project, admin = ProjectFactory(), UserFactory()
    for epochs in (2, 5):
        recipes.save(project, Recipe(epochs=epochs), train_after=0, actor=admin, now=NOW)
    assert recipes.recipe_of(project).epochs == 5
    assert [each.number for each in project.recipes.all()] == [2, 1]
    assert AuditEntry.objects.filter(project=project, act="saved the recipe").count() == 2


@pytest.mark.django_db
def test_the_same_recipe_is_saved_once():
    project = ProjectFactory()
    for _ in range(2):
        recipes.save(project, Recipe(), train_after=50, actor=None, now=NOW)
    assert project.recipes.count() == 1


@pytest.mark.django_db
def test_an_edition_of_another_version_of_the_code_gives_way_to_what_is_usual():
    project = ProjectFactory()
    project.recipes.create(number=1, values={"version": 0}, saved_at=NOW)
    assert recipes.usable(recipes.edition_of(project)) == Recipe()
