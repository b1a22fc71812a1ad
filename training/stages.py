"""Try the stages of a recipe one after the other, and keep those that earn their place."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from inference import serving, vectors, weights
from inference.bundle import Bundle, EncoderReference
from inference.counts import document_counts
from inference.features import Features
from inference.pipeline import Scores
from inference.retrieve import label_vectors
from inference.serving import WarmEncoder
from training import contenders, distillation, gate_limits, keeping, mining, second_look
from training.contenders import Contender
from training.course import Course
from training.examples import Examples
from training.keeping import Standing, Trial
from training.material import Material
from training.splits import Split
from training.trainers.recipes import ENCODER, STAGES, name_of

Pulled = frozenset[str]  # names of stages

OF_OPEN = frozenset({"silver", "self_train"})
OF_A_TREE = frozenset({"hierarchy", "parents"})
OF_PAIRS = frozenset({"distil", "rerank"})

COSTLY = frozenset({"rerank"})
"""Stages paid for with every document: top-1, or micro-F1, has to rise by them."""

TWICE = 2.0
"""Times the champion's latency below which no second look can stay."""

SURE = 0.5
"""Share of the surest label from which silver is one: below, its neighbourhood is of two minds."""


def climb(course: Course) -> tuple[Contender, list[Trial]]:
    """Pull each stage on top of what was kept so far; return the best and what became of each.

    It begins with the project's own encoder as it is. An encoder that was trained before the
    process died is not trained again.
    """
    material, pulled = course.material, Pulled()
    if course.recipe.cross_encoder:  # missing, it shows now, not after an hour
        weights.directory_of(course.recipe.cross_encoder, settings.BUNDLE_DIR)
    course.progress.stage("Fitting the head of the challenger")
    best = contender(material, material.base)
    standing = stand(best, material)
    tried = []
    for stage in course.recipe.stages:
        started = time.perf_counter()
        made, after, trial = attempt(course, stage, pulled, best, standing)
        tried.append(replace(trial, seconds=round(time.perf_counter() - started, 1)))
        if trial.kept:
            best, standing, pulled = made, after, pulled | {stage}
    return best, tried


def attempt(
    course: Course, stage: str, pulled: Pulled, best: Contender, standing: Standing
) -> tuple[Contender, Standing, Trial]:
    """Return what comes of *stage* on top of those *pulled*, where it then stands, and a verdict.

    Args:
        best, standing: what was kept so far; they come back where the stage is not worth a try.
    """
    material = course.material
    if why_not := refusal(stage, material) or too_slow(stage, material):
        return best, standing, Trial(stage, kept=False, reason=why_not)
    course.progress.stage(name_of(stage))
    if stage == "distil" and (why_not := distillation.knows_less(course, best)):
        return best, standing, Trial(stage, kept=False, reason=why_not)
    made, scores = make(course, stage, pulled, best)
    after = stand(made, material, scores)
    trial = keeping.judge(
        stage,
        standing,
        after,
        multi=material.project.is_multi,
        seed=course.seed,
        must_rise=stage in COSTLY,
    )
    return made, after, trial


def too_slow(stage: str, material: Material) -> str:
    """Return why what *stage* makes could not pass the gate on latency; empty if it may."""
    limit = gate_limits.of(material.project)["latency"]
    if stage != "rerank" or material.reranker or limit >= TWICE:
        return ""
    return (
        "Not tried: a second look takes several times as long, and the gate on P95 latency opens "
        f"up to {limit:g} times the champion's. Raise it where accuracy is worth that."
    )


def make(
    course: Course, stage: str, pulled: Pulled, best: Contender
) -> tuple[Contender, Scores | None]:
    """Return what comes of *stage* on top of those *pulled*, and what it says of validation gold.

    None: what its own bundle says, since nothing of that was fitted on validation gold but for
    temperature, curve, thresholds and the weight of words.
    """
    if stage == "rerank":
        return second_look.reranked(course, best)
    encoder = encoder_of(course, pulled | {stage}, best)
    self_trains = "silver" in pulled | {stage}
    return contender(course.material, encoder, self_trains=self_trains), None


def refusal(stage: str, material: Material) -> str:
    """Return why *stage* is not worth a try; empty if it is."""
    if material.project.is_multi and stage in OF_OPEN:
        return "Not tried: what lies near says little of a document with several labels."
    if material.project.is_multi and stage == "distil":
        return "Not tried: the encoder learns a ranking of labels of which one is right."
    single = not material.project.is_multi
    if single and stage in OF_PAIRS and len(material.terms.labels) < 2:
        return "Not tried: there is one label, and nothing to mistake it for."
    if single and stage in OF_PAIRS and not (material.examples.targets.sum(axis=1) == 1).any():
        return "Not tried: no document has one right label."
    if stage in OF_OPEN and not material.pool:
        return "Not tried: there are no open documents."
    distances = material.terms.relations.distances
    if stage in OF_A_TREE and not (distances > 1).any():
        return "Not tried: the taxonomy is flat, all labels are siblings."
    return ""


def stand(contender: Contender, material: Material, scores: Scores | None = None) -> Standing:
    """Return what *contender* is worth on the validation documents.

    Args:
        scores: of those documents; None for what its bundle says.
    """
    rows = material.examples.rows(Split.VALIDATION)
    siblings = material.terms.relations.distances == 1
    scores = scores or contender.scores(rows)
    examples = material.examples
    return keeping.measure(
        contender.bundle, scores, examples.targets[rows], siblings, examples.threads[rows]
    )


def champion(material: Material) -> Contender:
    """Return the champion as it serves, but with its head fitted without the held-out gold."""
    found = contender(material, material.champion, self_trains=material.self_trains)
    return second_look.as_served(found, material.serving)


def contender(
    material: Material, encoder: EncoderReference, *, self_trains: bool = False
) -> Contender:
    """Return the contender with this encoder: its head fitted without the held-out gold."""
    warm = WarmEncoder(encoder)
    return contenders.contend(
        encoder,
        label_vectors(material.terms.labels, warm.encode),
        Features(_vectors(material, warm), document_counts(material.examples.ids)),
        Features(_pool(material, warm), document_counts(material.pool_ids)),
        material.examples,
        material.terms,
        self_trains=self_trains,
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


def encoder_of(course: Course, pulled: Pulled, best: Contender) -> EncoderReference:
    """Return the encoder that the stages *pulled* make; the project's own where none trains it.

    Args:
        best: what was kept so far; it says what is silver, and what is easily mistaken.
    """
    of_encoder = [name for name in STAGES if name in pulled & ENCODER]
    if not of_encoder:
        return course.material.base
    folder = course.folder / "-".join(of_encoder)
    trained = folder / "encoder"
    if not trained.is_dir():
        course.put_model(trained, _train(course, pulled, best, folder))
    return EncoderReference(str(trained), weights.digest_of(str(trained), settings.BUNDLE_DIR))


def complete(contender: Contender, material: Material) -> Bundle:
    """Return the bundle to serve, unwritten: it knows all gold."""
    bundle = contenders.complete(contender, material.examples, material.terms)
    return second_look.accepting(bundle, contender, material)


def kept(contender: Contender) -> Contender:
    """Return *contender* with its models, if they are of this run, kept beside the bundles."""
    reranker = second_look.kept(contender.bundle.reranker)
    contender = replace(contender, bundle=replace(contender.bundle, reranker=reranker))
    encoder = contender.bundle.encoder
    if Path(settings.RUN_DIR) not in Path(encoder.source).parents:
        return contender
    source = weights.keep(Path(encoder.source), settings.BUNDLE_DIR)
    reference = EncoderReference(source, encoder.digest)
    return replace(contender, bundle=replace(contender.bundle, encoder=reference))


def _train(course: Course, pulled: Pulled, best: Contender, folder: Path) -> Any:
    """Return the base encoder, fine-tuned as the stages *pulled* say."""
    from inference.encode import load_model
    from training.trainers import fine_tune

    material = course.material
    training = material.examples.part(Split.TRAIN)
    hard = hard_negatives(course, best) if "hard_negatives" in pulled else None
    if "self_train" in pulled:
        training = training.and_(silver(material, best))
    opinions = None
    if "distil" in pulled and (found := distillation.heard(course, best)):
        opinions = found[1].below(len(training))
        training = training.and_(found[0])
    if hard is not None:  # of what was added nobody knows any
        hard = np.pad(hard, ((0, len(training) - len(hard)), (0, 0)))
    start = weights.directory_of(material.base.source, settings.BUNDLE_DIR)
    engine = serving.engine_for(material.base.digest)
    model = load_model(adapted(course, start) if "adapt" in pulled else start)
    fine_tune.fine_tune(
        model,
        fine_tune.Course(
            labels=material.terms.labels,
            training=training,
            validation=material.examples.part(Split.VALIDATION),
            relations=material.terms.relations,
            hierarchy="hierarchy" in pulled,
            parents="parents" in pulled,
            hard=hard,
            opinions=opinions,
        ),
        fine_tune.Means(course.recipe, engine, course.seed, folder / "checkpoints"),
        course.progress,
    )
    return model


def adapted(course: Course, start: Path) -> Path:
    """Return where the base encoder stands, adapted to the project's language; once in a run.

    It reads open documents, training documents and label texts, and no gold that is held out.
    """
    from inference.encode import load_model
    from training.trainers.adapt import adapt

    material, folder = course.material, course.folder / "adapted"
    if not (folder / "encoder").is_dir():
        model = load_model(start)
        labels = [text for label in material.terms.labels for text in label.texts]
        adapt(
            model,
            [*material.pool, *material.examples.part(Split.TRAIN).texts, *labels],
            epochs=1,
            batch=course.recipe.batch,
            engine=serving.engine_for(material.base.digest),
            seed=course.seed,
            folder=folder / "checkpoints",
            watch=course.progress,
        )
        course.put_model(folder / "encoder", model)
    return folder / "encoder"


def hard_negatives(course: Course, best: Contender) -> NDArray[np.bool_]:
    """Return the hard negatives of the training documents, (documents, labels)."""
    examples, terms = course.material.examples, course.material.terms
    rows = examples.rows(Split.TRAIN)
    told = contenders.learner_of(best, examples, terms, rows).out_of_fold(seed=course.seed)
    sources = mining.mine(
        examples.targets[rows],
        told.sum(best.weights),
        best.features.vectors[rows],
        terms.relations,
        course.material.ruled_out[rows],
    )
    return sources > 0


def silver(material: Material, best: Contender) -> Examples:
    """Return open documents with the label their neighbourhood gives them, trusted less than gold.

    Learnt from the training documents alone.
    """
    rows = material.examples.rows(Split.TRAIN)
    learner = contenders.learner_of(best, material.examples, material.terms, rows)
    labels, trust = learner.silver()
    sure = np.flatnonzero(labels.max(axis=1, initial=0) >= SURE)
    targets = np.zeros((len(sure), labels.shape[1]), dtype=bool)
    targets[np.arange(len(sure)), labels[sure].argmax(axis=1)] = True
    texts = [material.around[row] for row in sure]
    return Examples.open_ones(texts, targets, trust[sure].astype(np.float32))
