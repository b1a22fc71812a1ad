"""Publish a taxonomy from a file, making the project if it is not there yet."""

from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_slug
from django.db import transaction
from django.utils import timezone

from labeling import audit, publishing, taxonomy_files
from labeling.models import Project
from labeling.taxonomy_entries import BadTaxonomy


class Command(BaseCommand):
    help = "Publish the labels of a JSON or CSV file; what it does not name stays as it is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--project", required=True, help="Its slug; made when absent.")
        parser.add_argument("--name", default="", help="Name of a new project.")
        parser.add_argument("--kind", choices=Project.Kind.values, help="Of a new project.")

    def handle(self, **options: Any) -> None:
        try:
            entries = taxonomy_files.read(options["file"])
            with transaction.atomic():
                project = find_or_create(options, now=timezone.now())
                version = publishing.publish(
                    project,
                    entries,
                    actor=None,
                    now=timezone.now(),
                    note=f"Imported {options['file'].name}",
                )
        except OSError as error:
            raise CommandError(f"Cannot read {options['file']}: {error.strerror}.") from error
        except BadTaxonomy as error:
            raise CommandError(f"Nothing was changed.\n{error}") from error
        said = f"Published {version}." if version else "Nothing differs; nothing was published."
        self.stdout.write(f"{len(entries)} labels read. {said}")


def find_or_create(options: dict[str, Any], *, now: datetime) -> Project:
    """Return the project of that slug, made with the name and kind given when absent."""
    project = Project.objects.filter(slug=options["project"]).first()
    kind = options["kind"]
    if project is None:
        validate_slug_of(options["project"])
        project = Project.objects.create(
            slug=options["project"],
            name=options["name"] or options["project"].replace("-", " ").capitalize(),
            kind=kind or Project.Kind.SINGLE,
            created_at=now,
        )
        audit.record("created the project", project=project, actor=None, now=now)
    elif kind and kind != project.kind:
        raise CommandError(f"{project.slug} is {project.kind}; its kind cannot be changed.")
    return project


def validate_slug_of(slug: str) -> None:
    """Refuse a slug that no address can hold."""
    try:
        validate_slug(slug)
    except ValidationError as error:
        raise CommandError(f"“{slug}” is no slug: use letters, digits and hyphens.") from error
