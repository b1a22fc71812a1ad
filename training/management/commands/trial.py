"""Move one lever of the recipe in a small training."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from inference.encode import EncoderUnavailable
from labeling.models import TaxonomyVersion
from training import recipes
from training.curation import TooLittleGold
from training.management.commands.train import project_of
from training.models import LeverTrial
from training.plateaus import plateaus
from training.trainers.recipes import LEVERS, BadRecipe


class Command(BaseCommand):
    help = (
        "Try a lever of the recipe at other values: one epoch each on a tenth of the training "
        "gold, measured on validation gold. Nothing is promoted; the Models page shows all trials."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", required=True, help="Its slug.")
        parser.add_argument("--lever", required=True, choices=LEVERS)
        parser.add_argument(
            "--values", type=numbers_of, help="With commas between them; some usual ones if absent."
        )
        parser.add_argument("--share", type=float, default=0.1, help="Of the training documents.")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--json", action="store_true", help="Print the trials as one line.")

    def handle(self, **options: Any) -> None:
        from training import trials  # loads models
        from training.progress import Unheard

        project, lever = project_of(options["project"]), options["lever"]
        if not 0 < options["share"] <= 1:
            raise CommandError(f"--share {options['share']}: above 0 and at most 1.")
        values = options["values"] or list(LEVERS[lever].values)
        done = []
        try:
            recipe = recipes.recipe_of(project)
            for trial in trials.run(
                project,
                lever,
                values,
                recipe,
                share=options["share"],
                seed=options["seed"],
                watch=Unheard(self.stderr.write),
            ):
                done.append(trial)
                if not options["json"]:
                    self.stdout.write(in_words(trial))
        except TaxonomyVersion.DoesNotExist:
            raise CommandError(f"{project} has no published taxonomy.") from None
        except (ValueError, BadRecipe, TooLittleGold, EncoderUnavailable) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps([as_json(trial) for trial in done]))
        elif lever in plateaus(project):
            self.stdout.write(f"Plateau: {lever} no longer changes anything. Move another lever.")


def numbers_of(text: str) -> list[float]:
    """Return the numbers of "10,20"; whole ones as such.

    Raises:
        ArgumentTypeError: they are not numbers.
    """
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r}: numbers with commas between them") from error
    return [int(value) if value.is_integer() else value for value in found]


def in_words(trial: LeverTrial) -> str:
    said = "kept" if trial.is_kept else "within noise" if trial.is_flat else "dropped"
    return (
        f"{trial}: Hit@5 {trial.hit_at_5:.2%} ({100 * trial.change_at_5:+.2f}), "
        f"Hit@10 {trial.hit_at_10:.2%} ({100 * trial.change_at_10:+.2f}): {said}"
    )


def as_json(trial: LeverTrial) -> dict[str, Any]:
    names = ("lever", "usual", "value", "documents", "hit_at_5", "hit_at_10", "change_at_5")
    return {name: getattr(trial, name) for name in (*names, "change_at_10", "is_kept", "is_flat")}
