"""Write down what a run found, as plain JSON: what the page and the commands show."""

import platform
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from training import comparison, diagnosis, gates
from training.comparison import Measured
from training.gates import Evidence, Interval, Outcome
from training.material import Material
from training.models import TrainingRun
from training.splits import Split

NOTE = (
    "The champion serves with a head fitted on all gold, the held-out part among it. For this "
    "comparison its head was fitted again without that part, as the challenger's was; after the "
    "decision the head that serves is fitted on all gold."
)


def write(
    run: TrainingRun,
    material: Material,
    measured: tuple[Measured, Measured],
    evidence: Evidence,
) -> dict[str, Any]:
    """Return the run's report as plain JSON, less its verdict: what the page and commands show."""
    run.refresh_from_db(fields=["curve"])
    examples, terms = material.examples, material.terms
    before, after = (comparison.intervals(each, seed=terms.seed) for each in measured)
    trains = examples.part(Split.TRAIN).targets.sum(axis=0).tolist()
    case = diagnosis.Case(
        evidence=evidence,
        curve=run.curve,
        geometry=evidence.challenger,
        train_gold=dict(zip((label.name for label in terms.labels), trains, strict=True)),
        earlier=earlier_gains(run),
    )
    return {
        "documents": {str(split): len(examples.rows(split)) for split in Split},
        "champion": comparison.as_json(evidence.champion),
        "challenger": comparison.as_json(evidence.challenger),
        "intervals": {
            "champion": comparison.intervals_as_json(before),
            "challenger": comparison.intervals_as_json(after),
        },
        "differences": comparison.intervals_as_json(evidence.differences),
        "labels": [change.as_json() for change in evidence.labels or ()],
        "diagnosis": [finding.as_json() for finding in diagnosis.diagnose(case)],
        "leaks": material.snapshot.leaks,
        "note": NOTE,
    }


def verdict(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return what the gates said, and what came of it, as plain JSON."""
    passed = gates.all_open(outcomes)
    return {
        "gates": [outcome.as_json() for outcome in outcomes],
        "passed": passed,
        "promoted": passed,
    }


def earlier_gains(run: TrainingRun) -> list[Interval]:
    """Return the differences in top-1 that earlier runs of the project found, newest first."""
    earlier = run.project.runs.filter(status=TrainingRun.Status.DONE).exclude(pk=run.pk)
    reports = earlier.values_list("report", flat=True)[: diagnosis.PLATEAU]
    found = (each.get("differences", {}).get("top1") for each in reports)
    return [Interval(**each) for each in found if each and None not in each.values()]


def environment() -> dict[str, str]:
    """Return what the result depends on besides data, parameters and seed."""
    packages = ("torch", "transformers", "sentence-transformers", "numpy", "scipy")
    return {
        "python": platform.python_version(),
        "machine": f"{platform.node()} {platform.machine()}",
        **{name: version(name) for name in packages},
    }
