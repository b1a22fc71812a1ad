"""Import documents from JSONL and CSV files."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from labeling.document_files import DocumentFile
from labeling.documents import ImportReport, ImportStopped, import_documents
from labeling.models import Project

ERRORS_SHOWN = 20


class Command(BaseCommand):
    help = "Import JSONL, JSONL.gz or CSV files; running it again adds nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--project", required=True, help="Slug of the project.")
        parser.add_argument("--gold", action="store_true", help="Take the labels as gold.")
        parser.add_argument(
            "--strict", action="store_true", help="Stop at the first bad row; store nothing."
        )

    def handle(self, **options: Any) -> None:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(
                f"No project {options['project']}. Make it with import_taxonomy, or in the browser."
            )
        for path in options["files"]:
            try:
                file = DocumentFile(path)
                report = self._import(project, file, gold=options["gold"], strict=options["strict"])
            except OSError as error:
                raise CommandError(f"Cannot read {path}: {error.strerror}.") from error
            except ImportStopped as error:
                raise CommandError(f"{path}, {error}. Nothing of it was stored.") from error
            self._tell(file, report)

    def _import(
        self, project: Project, file: DocumentFile, *, gold: bool, strict: bool
    ) -> ImportReport:
        silent = not sys.stderr.isatty()
        with tqdm(
            total=file.size, unit="B", unit_scale=True, desc=file.name, disable=silent
        ) as bar:
            return import_documents(
                project,
                file,
                actor=None,
                now=timezone.now(),
                gold=gold,
                strict=strict,
                progress=lambda _: bar.update(file.position - bar.n),
            )

    def _tell(self, file: DocumentFile, report: ImportReport) -> None:
        self.stdout.write(
            f"{file.name}: {report.added} added, {report.unchanged} stood already, "
            f"{report.duplicates} duplicates, {report.gold} gold, {report.error_count} bad rows"
        )
        if report.labels_ignored:
            self.stdout.write(f"  labels of {report.labels_ignored} rows left aside: no --gold")
        for treatment, count in sorted(file.treatments.items()):
            self.stdout.write(f"  {treatment}: {count}")
        for line, reason in report.errors[:ERRORS_SHOWN]:
            self.stderr.write(f"  line {line}: {reason}")
        if report.error_count > ERRORS_SHOWN:
            self.stderr.write(f"  … and {report.error_count - ERRORS_SHOWN} more")
