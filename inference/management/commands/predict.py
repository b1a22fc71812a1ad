import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Count
from tqdm import tqdm

from inference import backlog, deployments
from inference.encode import EncoderUnavailable
from labeling.models import Project


class Command(BaseCommand):
    help = "Predict the open documents of a project that the champion has not predicted yet."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--json", action="store_true", help="one line of JSON, no progress bar")

    def handle(self, *, project: str, json: bool, **_: Any) -> None:
        found = Project.objects.filter(slug=project).first()
        if found is None:
            raise CommandError(f"There is no project {project!r}.")
        started = time.perf_counter()
        with tqdm(unit=" documents", disable=json or None) as bar:
            try:
                predicted = backlog.predict_all(found, progress=_Bar(bar))
            except EncoderUnavailable as error:
                raise CommandError(str(error)) from error
        self.stdout.write(_report(found, predicted, time.perf_counter() - started, as_json=json))


class _Bar:
    """Moves a progress bar to where the work is."""

    def __init__(self, bar: Any) -> None:
        self.bar = bar

    def __call__(self, done: int, total: int) -> None:
        self.bar.total = total
        self.bar.update(done - self.bar.n)


def _report(project: Project, predicted: int, seconds: float, *, as_json: bool) -> str:
    current = project.predictions.current().order_by("bucket")
    buckets = dict(current.values_list("bucket").annotate(Count("pk")))
    champion = deployments.champion(project)
    report = {
        "project": project.slug,
        "predicted": predicted,
        "seconds": round(seconds, 2),
        "bundle": champion.bundle if champion else None,
        "buckets": buckets,
    }
    if as_json:
        return json.dumps(report)
    if champion is None:
        return f"{project.slug} has no published labels; nothing was predicted."
    counts = ", ".join(f"{bucket}: {count}" for bucket, count in buckets.items())
    return f"Predicted {predicted} documents in {seconds:.1f} s by {champion}. Now {counts}."
