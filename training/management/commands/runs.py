"""List the training runs of a project."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from training import schedule
from training.management.commands.train import project_of
from training.models import TrainingRun


class Command(BaseCommand):
    help = "List training runs, newest first; cancel one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", required=True, help="Its slug.")
        parser.add_argument("--cancel", type=int, metavar="RUN", help="Cancel this run.")
        parser.add_argument("--json", action="store_true", help="Print one line of JSON.")

    def handle(self, **options: Any) -> None:
        project = project_of(options["project"])
        if options["cancel"] is not None:
            cancel(project.runs.filter(pk=options["cancel"]).first(), options["cancel"])
        found = [row_of(run) for run in project.runs.prefetch_related("model_versions")]
        if options["json"]:
            self.stdout.write(json.dumps({"runs": found}))
            return
        for row in found:
            self.stdout.write(in_words(row))
        if not found:
            self.stdout.write("No runs yet.")


def cancel(run: TrainingRun | None, pk: int) -> None:
    if run is None:
        raise CommandError(f"There is no run {pk} in this project.")
    if not schedule.cancel(run, actor=None, now=timezone.now()):
        raise CommandError(f"{run}: it is over already, or being cancelled.")


def row_of(run: TrainingRun) -> dict[str, Any]:
    """Return one run as plain JSON."""
    version = next(iter(run.model_versions.all()), None)
    return {
        "run": run.pk,
        "status": run.status,
        "stage": run.stage,
        "step": run.step,
        "steps": run.steps,
        "loss": run.loss,
        "hit_at_5": run.hit_at_5,
        "seconds_left": run.seconds_left,
        "attempts": run.attempts,
        "version": version.number if version else None,
        "promoted": run.report.get("promoted"),
        "error": run.error,
        "created_at": run.created_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
    }


def in_words(row: dict[str, Any]) -> str:
    parts = [f"Run {row['run']}", row["status"]]
    if row["status"] == TrainingRun.Status.RUNNING:
        parts.append(f"{row['stage']} {row['step']}/{row['steps']}")
    if row["version"]:
        verdict = "promoted" if row["promoted"] else "not promoted"
        parts.append(f"version {row['version']}, {verdict}")
    if row["error"]:
        parts.append(row["error"])
    return "  ".join(parts)
