"""Print a model version's card."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from training import model_cards, registry
from training.management.commands.train import project_of


class Command(BaseCommand):
    help = "Print the model card of a version, in Markdown: what it is, learnt from and is worth."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", required=True, help="Its slug.")
        parser.add_argument("--number", type=int, help="Of the version; the champion if absent.")

    def handle(self, **options: Any) -> None:
        project, number = project_of(options["project"]), options["number"]
        if number is None:
            version = registry.champion_version(project)
        else:
            version = project.model_versions.filter(number=number).first()
        if version is None:
            what = "champion" if number is None else f"version {number}"
            raise CommandError(f"{project} has no {what}.")
        self.stdout.write(model_cards.card(version))
