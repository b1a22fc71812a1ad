"""Run the instant loop once, now."""

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from labeling.models import Project
from training import instant
from training.sampling import STRATEGIES


class Command(BaseCommand):
    help = "Fit head, temperature and thresholds on all gold; deploy; choose the next batch."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", required=True, help="Slug of the project.")
        parser.add_argument("--strategy", choices=STRATEGIES, default=STRATEGIES[0])
        parser.add_argument("--json", action="store_true", help="Print the result as JSON.")

    def handle(self, **options: Any) -> None:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"No project {options['project']}.")
        started = time.perf_counter()
        version = instant.refit(project, now=timezone.now(), strategy=options["strategy"])
        if version is None:
            raise CommandError(f"{project} has no gold to learn from, or no published labels.")
        seconds = round(time.perf_counter() - started, 3)
        if options["json"]:
            result = {
                "version": version.number,
                "bundle": version.bundle,
                "gold": version.gold_count,
                "passed": version.passed,
                "gates": version.gates,
                "metrics": version.metrics,
                "seconds": seconds,
            }
            self.stdout.write(json.dumps(result))
            return
        self.stdout.write(f"{version}: learnt from {version.gold_count} gold in {seconds:.1f} s")
        for gate in version.gates:
            self.stdout.write(f"  {'open' if gate['passed'] else 'shut'}: {gate['reason']}")
