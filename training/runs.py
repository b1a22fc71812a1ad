"""One training run, from the gold to the gates."""

import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from inference import pipeline, vectors
from inference.bundle import Bundle
from inference.serving import WarmEncoder
from labeling.models import Project
from training import (
    comparison,
    gate_limits,
    gates,
    metrics,
    registry,
    reports,
    schedule,
    stages,
)
from training.comparison import Measured
from training.contenders import Contender
from training.course import Course
from training.material import Material, champion_bundle, gather
from training.models import ModelVersion, TrainingRun
from training.progress import Cancelled, HoldLost, Progress
from training.splits import Split
from training.teaching import accepted
from training.trainers.recipes import Recipe

TIMED = 60  # held-out documents whose latency is measured


def execute(run: TrainingRun, progress: Progress) -> ModelVersion:
    """Train a challenger by the run's recipe and let the gates decide; promote it if they open.

    It may be run again after it died: the snapshot is frozen once, and training goes on from its
    last checkpoint.

    Raises:
        BadRecipe: the run's parameters are no recipe.
        TooLittleGold: there is too little gold to train on.
        Cancelled, HoldLost: see Progress.
    """
    material = gather(run.project, seed=run.seed, progress=progress, frozen=run.snapshot)
    _note(run, snapshot=material.snapshot, environment=reports.environment())
    progress.stage("Fitting the head of the champion")
    champion = stages.champion(material)
    challenger, tried = stages.climb(course_of(run, material, progress))
    challenger = stages.kept(challenger)

    progress.stage("Comparing both on held-out gold")
    measured = measure_both(material, champion, challenger)
    leaks = int(material.snapshot.leaks["total"])
    bundle = stages.complete(challenger, material)
    evidence = comparison.compare(
        *measured,
        material.examples,
        material.terms,
        leaks=leaks,
        accepted=(share_accepted(material.serving, champion), share_accepted(bundle, challenger)),
    )
    limits = gate_limits.of(run.project)
    outcomes = gates.judge(
        gates.slow_loop(multi=material.project.is_multi, limits=limits), evidence
    )

    found = reports.write(run, material, measured, evidence, tried)
    progress.stage("Registering")
    bundle = bundle.write(settings.BUNDLE_DIR)
    if gates.all_open(outcomes):  # the predictions that follow need not encode the gold again
        ids = material.examples.ids.tolist()
        vectors.store(ids, challenger.features.vectors, challenger.bundle.encoder.digest)
    registered = _conclude(run, material, bundle, evidence, outcomes, found)
    shutil.rmtree(folder(run), ignore_errors=True)
    return registered


@transaction.atomic
def _conclude(
    run: TrainingRun,
    material: Material,
    bundle: Bundle,
    evidence: gates.Evidence,
    outcomes: Sequence[gates.Outcome],
    found: dict[str, Any],
) -> ModelVersion:
    """End the run and register its bundle, which serves if the gates open: all of it or nothing.

    Raises:
        Cancelled, HoldLost: this process may not end the run any more; nothing changes.
    """
    now = timezone.now()
    if not schedule.finish(run, TrainingRun.Status.DONE, now=now, unless_cancelled=True):
        raise Cancelled(run) if schedule.is_held(run) else HoldLost(run)
    project = Project.objects.select_for_update().get(pk=material.project.pk)
    serving_now = champion_bundle(project)
    encoder = serving_now.encoder if serving_now else material.base
    twice = serving_now.reranker.digest if serving_now and serving_now.reranker else ""
    if (encoder.digest, twice) != (material.champion.digest, material.reranker):
        outcomes = [*outcomes, gates.ANOTHER_SERVES]
    registered = registry.register(
        project,
        bundle.digest,
        origin=ModelVersion.Origin.RUN,
        metrics=comparison.as_json(evidence.challenger),
        gates=outcomes,
        gold_count=len(material.examples),
        run=run,
        snapshot=material.snapshot,
        parent=material.parent,
        now=now,
    )
    if registered.passed:
        registry.promote(registered, actor=run.requested_by, now=now)
    _note(run, report=found | reports.verdict(outcomes))
    return registered


def folder(run: TrainingRun) -> Path:
    """Return where the run keeps its checkpoints."""
    return Path(settings.RUN_DIR) / str(run.pk)


def share_accepted(bundle: Bundle | None, contender: Contender) -> float:
    """Return the share of the contender's open documents that *bundle* accepts; 0 of none.

    Args:
        bundle: as it serves or would serve, by the contender's encoder; None: nothing serves.
    """
    if bundle is None or not len(contender.pool):
        return 0.0
    return metrics.coverage(accepted(bundle, contender.pool))


def course_of(run: TrainingRun, material: Material, progress: Progress) -> Course:
    """Return what the run's contenders are made by.

    Raises:
        BadRecipe: the run's parameters are no recipe.
    """
    recipe = Recipe.read(run.parameters)
    kept = folder(run) / material.snapshot.digest[:16]  # another snapshot is another training
    return Course(material, recipe, run.seed, kept, run.attempts, progress)


def measure_both(
    material: Material, champion: Contender, challenger: Contender
) -> tuple[Measured, Measured]:
    """Measure both on the test documents."""
    before, after = latencies(material, [champion, challenger])
    return (
        comparison.measure(champion, material.examples, material.terms, before),
        comparison.measure(challenger, material.examples, material.terms, after),
    )


def latencies(material: Material, both: Sequence[Contender]) -> list[dict[str, float]]:
    """Return P50 and P95 of the milliseconds for one document, for each contender.

    They take turns, and of three turns the fastest counts: what else the machine does meets all
    of them alike and is mostly left out.
    """
    texts = material.examples.part(Split.TEST).texts[:TIMED]
    for each in both if texts else ():
        _time(each, texts[0])  # loads models and sets up kernels
    took = np.array([[[_time(each, text) for each in both] for text in texts] for _ in range(3)])
    best = 1000 * took.min(axis=0)  # (texts, contenders)
    return [
        {"latency_p50": float(np.median(row)), "latency_p95": float(np.percentile(row, 95))}
        for row in best.T
    ]


def _time(contender: Contender, text: str) -> float:
    started = time.perf_counter()
    bundle = contender.bundle
    pipeline.classify(bundle, WarmEncoder(bundle.encoder), [text], contender.reader)
    return time.perf_counter() - started


def _note(run: TrainingRun, **values: Any) -> None:
    """Write *values* into the run's row."""
    for name, value in values.items():
        setattr(run, name, value)
    run.save(update_fields=list(values))
