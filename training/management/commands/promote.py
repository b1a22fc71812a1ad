"""Make a model version the champion."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from training import registry
from training.management.commands.train import project_of


class Command(BaseCommand):
    help = "Promote a version whose gates are open."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", required=True, help="Its slug.")
        parser.add_argument("--number", type=int, required=True, help="Of the model version.")
        parser.add_argument("--json", action="store_true", help="Print one line of JSON.")

    def handle(self, **options: Any) -> None:
        project = project_of(options["project"])
        version = project.model_versions.filter(number=options["number"]).first()
        if version is None:
            raise CommandError(f"{project} has no version {options['number']}.")
        try:
            deployment = registry.promote(version, actor=None, now=timezone.now())
        except registry.GatesShut as shut:
            raise CommandError("Not promoted.\n" + "\n".join(shut.reasons)) from shut
        said = {"promoted": version.number, "bundle": deployment.bundle}
        self.stdout.write(json.dumps(said) if options["json"] else f"{version} serves now.")
