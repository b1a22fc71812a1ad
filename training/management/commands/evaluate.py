"""Measure a model on the held-out part of the gold as it stands now."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from inference import serving
from inference.encode import EncoderUnavailable
from labeling.models import Project, TaxonomyVersion
from training import comparison, runs, second_look, stages
from training.curation import TooLittleGold
from training.management.commands.train import project_of
from training.material import Material, gather
from training.splits import Split


class Command(BaseCommand):
    help = (
        "Measure the champion, or a version, on held-out gold: its encoder with a head fitted "
        "without that part."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", required=True, help="Its slug.")
        parser.add_argument(
            "--number", type=int, help="Of a model version; the champion if absent."
        )
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--json", action="store_true", help="Print one line of JSON.")

    def handle(self, **options: Any) -> None:
        project = project_of(options["project"])
        try:
            material = gather(project, seed=options["seed"])
            found = measure(project, material, options["number"])
        except TaxonomyVersion.DoesNotExist:
            raise CommandError(f"{project} has no published taxonomy.") from None
        except (TooLittleGold, EncoderUnavailable) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(found))
            return
        held_out = found["documents"][Split.TEST]
        self.stdout.write(f"On {held_out} held-out gold documents:")
        for name, value in found["metrics"].items():
            self.stdout.write(f"  {name:22} {'not measured' if value is None else f'{value:.4f}'}")


def measure(project: Project, material: Material, number: int | None) -> dict[str, Any]:
    """Return metrics with intervals of the champion, or of version *number*."""
    contender = stages.champion(material)
    if number is not None:
        version = project.model_versions.filter(number=number).first()
        if version is None:
            raise CommandError(f"{project} has no version {number}.")
        if version.removed:
            raise CommandError(f"The files of {version} were removed: it cannot be measured again.")
        bundle = serving.load(version.bundle)
        fitted = stages.contender(material, bundle.encoder, self_trains=bundle.self_trains)
        contender = second_look.as_served(fitted, bundle)
    (latency,) = runs.latencies(material, [contender])
    found = comparison.measure(contender, material.examples, material.terms, latency)
    return {
        "version": number,
        "encoder": contender.bundle.encoder.digest,
        "documents": {str(split): len(material.examples.rows(split)) for split in Split},
        "metrics": comparison.as_json(found.metrics),
        "intervals": comparison.intervals_as_json(
            comparison.intervals(found, seed=material.terms.seed)
        ),
        "leaks": material.snapshot.leaks["total"],
    }
