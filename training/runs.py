"""One training run, from the gold to the gates."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from numpy.typing import NDArray

from inference import folders, serving, vectors, weights
from inference.bundle import Bundle, EncoderReference
from inference.features import Features
from inference.retrieve import label_vectors
from inference.serving import WarmEncoder
from inference.terms import count_terms
from labeling.models import Project
from training import comparison, contenders, gates, registry, reports, schedule
from training.comparison import Measured
from training.contenders import Contender
from training.material import Material, champion_encoder, gather
from training.models import ModelVersion, TrainingRun
from training.progress import Cancelled, HoldLost, Progress
from training.splits import Split
from training.trainers.recipes import Recipe

TIMED = 60  # held-out documents whose latency is measured


def execute(run: TrainingRun, progress: Progress) -> ModelVersion:
    """Train a challenger and let the gates decide; promote it if they open.

    It may be run again after it died: the snapshot is frozen once, and training goes on from its
    last checkpoint.

    Raises:
        TooLittleGold: there is too little gold to train on.
        Cancelled, HoldLost: see Progress.
    """
    material = gather(run.project, seed=run.seed, progress=progress, frozen=run.snapshot)
    _note(run, snapshot=material.snapshot, environment=reports.environment())
    encoder = fine_tuned(run, material, progress)

    progress.stage("Fitting the head of the champion")
    champion = contender(material, material.champion)
    progress.stage("Fitting the head of the challenger")
    challenger = contender(material, encoder)

    progress.stage("Comparing both on held-out gold")
    measured = measure_both(material, champion, challenger)
    leaks = int(material.snapshot.leaks["total"])
    evidence = comparison.compare(*measured, material.examples, material.terms, leaks=leaks)
    outcomes = gates.judge(gates.slow_loop(multi=material.project.is_multi), evidence)

    found = reports.write(run, material, measured, evidence)
    progress.stage("Registering")
    bundle = contenders.complete(challenger, material.examples, material.terms)
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
    serving_now = champion_encoder(project) or material.base
    if serving_now.digest != material.champion.digest:
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


def fine_tuned(run: TrainingRun, material: Material, progress: Progress) -> EncoderReference:
    """Fine-tune the base encoder on the training documents, keep it, and return its name."""
    from inference.encode import load_model
    from training.trainers.fine_tune import fine_tune

    trained = folder(run) / "encoder"
    if not trained.is_dir():
        progress.stage("Fine-tuning the encoder")
        model = load_model(weights.directory_of(material.base.source, settings.BUNDLE_DIR))
        fine_tune(
            model,
            material.terms.labels,
            material.examples.part(Split.TRAIN),
            material.examples.part(Split.VALIDATION),
            material.terms.relations,
            recipe=recipe_of(run, material.base),
            folder=folder(run) / "checkpoints",
            watch=progress,
        )
        scratch = folder(run) / f"saving-{run.attempts}"
        model.save_pretrained(str(scratch), create_model_card=False)
        folders.put(scratch, trained)
    source = weights.keep(trained, settings.BUNDLE_DIR)
    return EncoderReference(source, weights.digest_of(source, settings.BUNDLE_DIR))


def recipe_of(run: TrainingRun, base: EncoderReference) -> Recipe:
    """Return the recipe: the run's parameters over the defaults, the engine the probe chose."""
    engine = settings.ENCODER_ENGINE
    if engine == "auto":
        engine = serving.kept_probe(base.digest).get("engine", "fp32")
    return replace(Recipe(engine=engine, seed=run.seed), **run.parameters)


def contender(material: Material, encoder: EncoderReference) -> Contender:
    """Return the contender with this encoder: its head fitted without the held-out gold."""
    warm = WarmEncoder(encoder)
    return contenders.contend(
        encoder,
        label_vectors(material.terms.labels, warm.encode),
        Features(_vectors(material, warm), count_terms(material.examples.texts)),
        Features(_pool(material, warm), count_terms(material.pool)),
        material.examples,
        material.terms,
    )


def _vectors(material: Material, encoder: WarmEncoder) -> NDArray[np.float32]:
    """Return the examples' vectors: cached ones where the encoder serves, else encoded here.

    A challenger that is rejected leaves no vectors behind.
    """
    if encoder.digest in {material.champion.digest, material.base.digest}:
        _, found = vectors.document_vectors(material.examples.ids.tolist(), encoder)
        if len(found) == len(material.examples):
            return found
    return encoder.encode(material.examples.texts)


def _pool(material: Material, encoder: WarmEncoder) -> NDArray[np.float32]:
    if not material.pool:
        return encoder.encode([""])[:0]
    return encoder.encode(material.pool)


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
    warm = [(WarmEncoder(each.bundle.encoder), each.bundle) for each in both]
    for encoder, _ in warm:
        encoder.encode(texts[:1])
    took = np.array([[[_time(*each, text) for each in warm] for text in texts] for _ in range(3)])
    best = 1000 * took.min(axis=0)  # (texts, contenders)
    return [
        {"latency_p50": float(np.median(row)), "latency_p95": float(np.percentile(row, 95))}
        for row in best.T
    ]


def _time(encoder: WarmEncoder, bundle: Bundle, text: str) -> float:
    started = time.perf_counter()
    counts = count_terms([text]) if bundle.lexical else None
    bundle.logits(Features(encoder.encode([text]), counts))
    return time.perf_counter() - started


def _note(run: TrainingRun, **values: Any) -> None:
    """Write *values* into the run's row."""
    for name, value in values.items():
        setattr(run, name, value)
    run.save(update_fields=list(values))
