"""Trials: a lever is moved in a small training, and kept only where that clearly helps."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from django.conf import settings
from django.utils import timezone
from numpy.typing import NDArray

from inference import serving, weights
from inference.encode import Encoder, load_model
from inference.retrieve import label_vectors
from labeling.models import Project
from training import evaluation, stages
from training.course import Course
from training.evaluation import Tally
from training.gates import Interval
from training.material import gather
from training.models import LeverTrial
from training.progress import Progress
from training.splits import Split
from training.trainers.evaluator import autocast
from training.trainers.recipes import LEVERS, Recipe

LEAST_DOCUMENTS: Final = 128
"""Documents a probe learns from at least, where there are as many."""

RISE_AT_5: Final = 0.005
RISE_AT_10: Final = 0.015
"""What Hit@5 and Hit@10 have to rise by for a lever to be kept (learning.md §9)."""

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """What one small training reached on validation gold."""

    hit_at_5: Tally
    hit_at_10: Tally
    seconds: float


def run(
    project: Project,
    lever: str,
    values: Sequence[float],
    recipe: Recipe,
    *,
    share: float,
    seed: int,
    watch: Progress,
) -> Iterator[LeverTrial]:
    """Try *lever* at each of *values* beside where it stands in *recipe*; yield each trial, saved.

    A probe fine-tunes the project's encoder for one epoch on *share* of the training documents,
    always the same ones.

    Raises:
        ValueError: there is no such lever, or it cannot move here.
        BadRecipe: a value is out of its range.
        TooLittleGold: there is too little gold.
    """
    if lever not in LEVERS:
        raise ValueError(f"There is no lever {lever}; there are {', '.join(LEVERS)}.")
    moved = [Recipe.read(recipe.as_json() | {lever: value}) for value in values]
    material = gather(project, seed=seed)
    if why_not := LEVERS[lever].needs and stages.refusal(LEVERS[lever].needs, material):
        raise ValueError(f"{LEVERS[lever].title}: {why_not}")
    with tempfile.TemporaryDirectory(prefix="trial-") as folder:
        course = Course(material, recipe, seed, Path(folder), 1, watch)
        rows = some_of(material.examples.rows(Split.TRAIN), share, seed)
        hard = _hard(course, rows) if LEVERS[lever].needs == "hard_negatives" else None
        watch.stage(f"{lever} as it is")
        before = probe(replace(course, folder=course.folder / "usual"), rows, lever, hard)
        for number, changed in enumerate(moved):
            watch.stage(f"{lever} {values[number]:g}")
            there = replace(course, recipe=changed, folder=course.folder / str(number))
            after = probe(there, rows, lever, hard)
            yield save(course, changed, lever, before, after, documents=len(rows))


def some_of(rows: Rows, share: float, seed: int) -> Rows:
    """Return *share* of *rows*, LEAST_DOCUMENTS at least, by chance, ascending."""
    count = min(len(rows), max(LEAST_DOCUMENTS, round(share * len(rows))))
    return np.sort(np.random.default_rng(seed).permutation(rows)[:count])


def _hard(course: Course, rows: Rows) -> NDArray[np.bool_]:
    """Return the hard negatives of the documents at *rows*, (documents, labels)."""
    material = course.material
    best = stages.contender(material, material.base)
    training = material.examples.rows(Split.TRAIN)
    return stages.hard_negatives(course, best)[np.isin(training, rows)]


def probe(course: Course, rows: Rows, lever: str, hard: NDArray[np.bool_] | None) -> Probe:
    """Fine-tune the base encoder for one epoch on *rows* and measure it on validation gold."""
    from training.trainers import fine_tune

    started = time.perf_counter()
    material = course.material
    model = load_model(weights.directory_of(material.base.source, settings.BUNDLE_DIR))
    engine = serving.engine_for(material.base.digest)
    validation = material.examples.part(Split.VALIDATION)
    fine_tune.fine_tune(
        model,
        fine_tune.Course(
            labels=material.terms.labels,
            training=material.examples.take(rows),
            validation=validation,
            relations=material.terms.relations,
            hierarchy=LEVERS[lever].needs == "hierarchy",
            hard=hard,
        ),
        fine_tune.Means(
            replace(course.recipe, epochs=1, evaluations=1), engine, course.seed, course.folder
        ),
        course.progress,
    )
    encoder = Encoder(model, digest="")
    with autocast(engine, model.device.type):
        documents = encoder.encode(validation.texts)
        labels = label_vectors(material.terms.labels, encoder.encode)
    cosines = documents @ labels.T  # (documents, labels)
    return Probe(
        evaluation.hit_tally(cosines, validation.targets, 5).by(validation.threads),
        evaluation.hit_tally(cosines, validation.targets, 10).by(validation.threads),
        time.perf_counter() - started,
    )


def save(
    course: Course, moved: Recipe, lever: str, before: Probe, after: Probe, *, documents: int
) -> LeverTrial:
    """Judge a trial by the keep rule and write it down."""
    at_5, at_10 = (
        evaluation.difference(old, new, seed=course.seed)
        for old, new in (
            (before.hit_at_5, after.hit_at_5),
            (before.hit_at_10, after.hit_at_10),
        )
    )
    return LeverTrial.objects.create(
        project=course.material.project,
        lever=lever,
        usual=float(getattr(course.recipe, lever)),
        value=float(getattr(moved, lever)),
        documents=documents,
        hit_at_5=after.hit_at_5.value,
        hit_at_10=after.hit_at_10.value,
        change_at_5=at_5.value,
        change_at_10=at_10.value,
        is_kept=kept(at_5, at_10),
        is_flat=at_5.low <= 0 <= at_5.high and at_10.low <= 0 <= at_10.high,
        seconds=round(after.seconds, 1),
        seed=course.seed,
        tried_at=timezone.now(),
    )


def kept(at_5: Interval, at_10: Interval) -> bool:
    """Whether a lever stays where it was moved to: both hits rose by enough."""
    return at_5.value >= RISE_AT_5 and at_10.value >= RISE_AT_10
