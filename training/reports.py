"""Write down what a run found, as plain JSON: what the page and the commands show."""

import platform
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from training import comparison, curves, diagnosis, gates, metrics
from training.comparison import Measured
from training.gates import Evidence, Interval, Outcome
from training.keeping import Trial
from training.material import Material
from training.models import TrainingRun
from training.splits import Split
from training.trainers.recipes import name_of

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
    tried: Sequence[Trial],
) -> dict[str, Any]:
    """Return the run's report as plain JSON, less its verdict: what the page and commands show."""
    run.refresh_from_db(fields=["curve"])
    examples, terms = material.examples, material.terms
    before, after = (comparison.intervals(each, seed=terms.seed) for each in measured)
    trains = examples.part(Split.TRAIN).targets.sum(axis=0).tolist()
    case = diagnosis.Case(
        evidence=evidence,
        curve=curves.last_stage(run.curve, [name_of(trial.stage) for trial in tried if trial.kept]),
        geometry=evidence.challenger,
        train_gold=dict(zip((label.name for label in terms.labels), trains, strict=True)),
        earlier=earlier_gains(run),
    )
    return {
        "stages": [trial.as_json() for trial in tried],
        "documents": {str(split): len(examples.rows(split)) for split in Split},
        "champion": comparison.as_json(evidence.champion),
        "challenger": comparison.as_json(evidence.challenger),
        "intervals": {
            "champion": comparison.intervals_as_json(before),
            "challenger": comparison.intervals_as_json(after),
        },
        "differences": comparison.intervals_as_json(evidence.differences),
        "confusions": _confusions(material, measured[1]),
        "labels": [change.as_json() for change in evidence.labels or ()],
        "diagnosis": [finding.as_json() for finding in diagnosis.diagnose(case)],
        "leaks": material.snapshot.leaks,
        "note": NOTE,
    }


def _confusions(material: Material, challenger: Measured) -> list[dict[str, Any]]:
    """Return which labels the challenger gave instead of which, the commonest first."""
    targets = material.examples.part(Split.TEST).targets
    names = [label.name for label in material.terms.labels]
    return [
        {"right": names[right], "given": names[given], "documents": documents}
        for right, given, documents in metrics.confusions(challenger.given, targets)
    ]


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
