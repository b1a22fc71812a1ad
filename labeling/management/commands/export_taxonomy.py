"""Write the taxonomy of a project to a file or to standard output."""

import sys
from argparse import ArgumentParser
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from labeling import exports
from labeling.models import Project


class Command(BaseCommand):
    help = "Write the taxonomy of a project, one row at a time."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, nargs="?", help="Standard output by default.")
        parser.add_argument("--project", required=True, help="Slug of the project.")
        parser.add_argument("--format", choices=["json", "csv", "ttl"], default="json")

    def handle(self, **options: Any) -> None:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"No project {options['project']}.")
        path: Path | None = options["file"]
        opened = path.open("w", encoding="utf-8", newline="") if path else nullcontext(sys.stdout)
        with opened as file:
            file.writelines(exports.taxonomy(project, format_=options["format"]))
