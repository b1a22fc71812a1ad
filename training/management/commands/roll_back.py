"""Let the former champion serve again."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from inference import deployments
from training import registry
from training.management.commands.train import project_of


class Command(BaseCommand):
    help = "Roll back to the former champion."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", required=True, help="Its slug.")
        parser.add_argument("--json", action="store_true", help="Print one line of JSON.")

    def handle(self, **options: Any) -> None:
        project = project_of(options["project"])
        try:
            deployment = deployments.roll_back(project, actor=None, now=timezone.now())
        except deployments.CannotRollBack as error:
            raise CommandError(str(error)) from error
        version = registry.version_of(project, deployment.bundle)
        said = {"bundle": deployment.bundle, "version": version.number if version else None}
        name = version or f"Bundle {deployment.bundle[:8]}"
        self.stdout.write(json.dumps(said) if options["json"] else f"{name} serves again.")
