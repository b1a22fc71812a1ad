"""The recipe by which a project's challengers are made: numbered editions, the last one holds."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from labeling import audit
from labeling.models import Project
from training.models import TrainingRecipe
from training.trainers.recipes import BadRecipe, Recipe


class ChangedMeanwhile(Exception):
    """Another edition holds than the person saw. `edition` is it."""

    def __init__(self, edition: TrainingRecipe) -> None:
        by = edition.saved_by.username if edition.saved_by else "Somebody"
        super().__init__(
            f"{by} changed the recipe since you opened this page, to what its summary says now. "
            "What you chose stands below it: send it again to let it hold instead."
        )
        self.edition = edition


def edition_of(project: Project) -> TrainingRecipe:
    """Return the edition that holds; an unsaved one with what is usual where none was saved."""
    last = project.recipes.first()
    return last or TrainingRecipe(project=project, number=0, values=Recipe().as_json())


def recipe_of(project: Project) -> Recipe:
    """Return the recipe that holds.

    Raises:
        BadRecipe: what was saved is of another version of this code.
    """
    return Recipe.read(edition_of(project).values)


def usable(edition: TrainingRecipe) -> Recipe:
    """Return the recipe of *edition*, or what is usual where this code cannot read it."""
    try:
        return Recipe.read(edition.values)
    except BadRecipe:
        return Recipe()


@transaction.atomic
def save(
    project: Project,
    recipe: Recipe,
    *,
    train_after: int,
    actor: User | None,
    now: datetime,
    seen: int | None = None,
) -> TrainingRecipe:
    """Save *recipe* as the project's next edition; the same as before is saved once.

    Args:
        train_after: gold documents new since the last run that start one; 0 never.
        seen: number of the edition that *recipe* was made from; None for whichever holds.

    Raises:
        ChangedMeanwhile: another one holds by now, and it is another recipe.
    """
    Project.objects.select_for_update().get(pk=project.pk)  # one number at a time
    last = edition_of(project)
    if (last.values, last.train_after) == (recipe.as_json(), train_after) and last.pk:
        return last
    if seen is not None and seen != last.number:
        raise ChangedMeanwhile(last)
    audit.record("saved the recipe", actor=actor, now=now, project=project)
    return TrainingRecipe.objects.create(
        project=project,
        number=last.number + 1,
        values=recipe.as_json(),
        train_after=train_after,
        saved_by=actor,
        saved_at=now,
    )
