"""Fine-tune the encoder with sentence-transformers' trainer, resumably and under watch."""

import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import torch
from datasets import Dataset
from datasets.utils.logging import disable_progress_bar
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from transformers import (
    EarlyStoppingCallback,
    PrinterCallback,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from inference.retrieve import LabelVectorText
from training.examples import Examples, Opinions, Relations
from training.losses.hierarchical import HierarchicalMultiPositiveLoss
from training.trainers.arguments import arguments
from training.trainers.batches import LengthBatchSampler
from training.trainers.evaluator import CHOICE, HIT, MEASURED, HitEvaluator
from training.trainers.label_side import LabelSide
from training.trainers.ranking import LabelRanking
from training.trainers.recipes import Recipe

KEY = f"eval_{CHOICE}"

RENEWALS: Final = 40
"""Times that a label is embedded with gradient in a training, if steps are many."""


class Watch(Protocol):
    """Who follows the training. Any method may raise to stop it."""

    def stepped(self, step: int, steps: int) -> None: ...
    def logged(self, loss: float) -> None: ...
    def evaluated(self, step: int, epoch: float, metrics: dict[str, float]) -> None: ...


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """What the encoder is taught.

    labels: in the order of the examples' targets.
    training, validation: what it learns from, and what chooses the best checkpoint.
    hierarchy: push siblings harder.
    parents: rank the parents of labels, too.
    hard: (training, labels), true where a negative is pushed harder; None: none is.
    opinions: of the training documents; None: nobody has any.
    """

    labels: Sequence[LabelVectorText]
    training: Examples
    validation: Examples
    relations: Relations
    hierarchy: bool = False
    parents: bool = False
    hard: NDArray[np.bool_] | None = None
    opinions: Opinions | None = None


@dataclass(frozen=True, slots=True)
class Means:
    """By what it is taught, and on what.

    engine: "fp32" or "bf16", what the transformer computes in; weights stay fp32.
    folder: where checkpoints go.
    """

    recipe: Recipe
    engine: str
    seed: int
    folder: Path


class Unmeasurable(Exception):
    """The evaluator gives no Hit@5, so that nothing could choose the best checkpoint."""


class QuietTrainer(SentenceTransformerTrainer):
    """The trainer without its model card, which costs time and says nothing here.

    What the words of a step learn is kept apart until its end: a gradient of the whole vocabulary,
    made anew for each part that is embedded, took a quarter of the time.
    """

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        pass

    def training_step(self, *args: Any, **options: Any) -> Any:
        """Return the loss of a step; gradients are whole, as clipping and optimizer want them."""
        loss = super().training_step(*args, **options)
        make_whole(self.model.parameters())
        return loss


def make_whole(weights: Iterable[torch.nn.Parameter]) -> None:
    """Turn gradients of some rows into gradients of all, those of the other rows being 0."""
    for weight in weights:
        if weight.grad is not None and weight.grad.is_sparse:
            weight.grad = weight.grad.coalesce().to_dense()


def fine_tune(model: Any, course: Course, means: Means, watch: Watch) -> None:
    """Train *model* in place and leave it at its best checkpoint by Hit@5 on validation.

    Of checkpoints with the same Hit@5 the one with the better Hit@1 is the best. Where there is a
    whole checkpoint, training goes on from it.

    Raises:
        Unmeasurable: there is no validation document with a label.
        ValueError: there is no training document with a label.
    """
    disable_progress_bar()
    torch.manual_seed(means.seed)
    ranking = _ranking(model, course, means)
    words = model[0].auto_model.get_input_embeddings()
    words.sparse = True
    trainer = QuietTrainer(
        model=model,
        args=_arguments(means, len(ranking.targets)),
        train_dataset=Dataset.from_dict(
            {"text": list(ranking.texts), "label": list(range(len(ranking.targets)))}
        ),
        loss=ranking,
        evaluator=HitEvaluator(course.validation, course.labels, means.engine),
        callbacks=[EarlyStoppingCallback(means.recipe.patience), Reporting(watch)],
    )
    trainer.remove_callback(PrinterCallback)
    checkpoint = last_checkpoint(means.folder)
    if checkpoint is None:
        _measure_before(trainer)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    words.sparse = False
    model.eval()


def _ranking(model: Any, course: Course, means: Means) -> LabelRanking:
    """Return the loss over the training documents with a label, or with opinions of some."""
    said, opinions = course.training.fits, course.opinions
    if not said.any():
        raise ValueError("there is no training document with a label")
    if opinions is not None:
        said = said | (opinions.columns >= 0).any(axis=1)
    rows = said.nonzero()[0]
    return LabelRanking(
        model,
        LabelSide(course.labels),
        course.training.take(rows),
        course.relations,
        loss=HierarchicalMultiPositiveLoss(means.recipe.scale, means.recipe.evenness),
        renewed=renewed_in(means.recipe, documents=len(rows), labels=len(course.labels)),
        document_weight=means.recipe.document_weight,
        hierarchy=course.hierarchy,
        parents=course.parents,
        hard=None if course.hard is None else course.hard[rows],
        harder=means.recipe.harder,
        opinions=None if opinions is None else opinions.take(rows),
        heed=means.recipe.distil_weight,
        seed=means.seed,
    )


def renewed_in(recipe: Recipe, *, documents: int, labels: int) -> int:
    """Return how many labels are embedded with gradient in a step: as many as the recipe says.

    Fewer, but a tenth of them, where steps are so many that each label is embedded RENEWALS times
    all the same: texts of labels are most of a step. With half as many in a short training models
    are worse: 81.9 instead of 86.7 on validation gold (BANKING77, ten a label, fifty steps).
    """
    steps = recipe.epochs * steps_in(recipe, documents)
    enough = max(-(-labels * RENEWALS // steps), -(-labels // 10))
    return min(recipe.renewed, enough)


def steps_in(recipe: Recipe, documents: int) -> int:
    """Return the steps of an epoch."""
    return -(-documents // recipe.batch)


def _arguments(means: Means, documents: int) -> Any:
    recipe = means.recipe
    steps = steps_in(recipe, documents)
    every = max(1, steps // recipe.evaluations)
    return arguments(
        SentenceTransformerTrainingArguments,
        folder=means.folder,
        epochs=recipe.epochs,
        batch=recipe.batch,
        rate=recipe.rate,
        engine=means.engine,
        seed=means.seed,
        batch_sampler=LengthBatchSampler,
        eval_strategy="steps",
        save_strategy="steps",
        eval_steps=every,
        save_steps=every,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model=KEY,
        greater_is_better=True,
        logging_nan_inf_filter=False,
        restore_callback_states_from_checkpoint=True,
    )


def _measure_before(trainer: QuietTrainer) -> None:
    """Evaluate once before training: a missing metric shows now, not after an hour."""
    metrics = trainer.evaluate()
    if not metrics.get(KEY, -1) >= 0:  # absent or not a number
        raise Unmeasurable(f"the evaluator gave no {HIT}: no validation document has a label")


def last_checkpoint(folder: Path) -> Path | None:
    """Return the newest whole checkpoint, removing those that were cut short.

    The trainer writes its state last, so a checkpoint with a readable state is whole.
    """
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    for path in reversed(found):
        try:
            json.loads((path / "trainer_state.json").read_text())
        except (OSError, ValueError):
            shutil.rmtree(path, ignore_errors=True)
        else:
            return path
    return None


class Reporting(TrainerCallback):
    """Passes on what happens to the watch."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch

    def on_step_end(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        **_: Any,
    ) -> None:
        self.watch.stepped(state.global_step, state.max_steps)

    def on_log(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,  # noqa: ARG002
        control: TrainerControl,  # noqa: ARG002
        **known: Any,
    ) -> None:
        if "loss" in (logs := known.get("logs") or {}):
            self.watch.logged(float(logs["loss"]))

    def on_evaluate(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        **known: Any,
    ) -> None:
        if KEY in (metrics := known.get("metrics") or {}):
            named = {name: float(metrics[f"eval_{name}"]) for name in MEASURED}
            self.watch.evaluated(state.global_step, float(state.epoch or 0), named)
