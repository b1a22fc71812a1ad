"""Teach a cross-encoder to find the right label among the candidates a document really gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from datasets import Dataset
from datasets.utils.logging import disable_progress_bar
from numpy.typing import NDArray
from sentence_transformers.cross_encoder import CrossEncoderTrainer, CrossEncoderTrainingArguments
from sentence_transformers.cross_encoder.losses import BinaryCrossEntropyLoss, ListNetLoss
from transformers import PrinterCallback

from inference.texts import bounded
from training.trainers.arguments import arguments
from training.trainers.fine_tune import Reporting, Watch, last_checkpoint

PAIRS: Final = 32
"""Pairs of document and label in a step."""

RATE: Final = 5e-5

CHECKPOINTS: Final = 4
"""In an epoch."""

NOTHING: Final = 1e-9
"""Share of a label that is not right at all: its logarithm is finite."""


@dataclass(frozen=True, slots=True, eq=False)
class Lists:
    """Documents with their candidates.

    texts: prepared, (documents,).
    columns: of each document the places of its candidates in *cards*.
    shares: of each document how right each candidate is: in sum 1, or each of them 1 or 0.
    cards: what is read of each label.
    multi: whether each candidate is right or wrong on its own.
    """

    texts: Sequence[str]
    columns: Sequence[NDArray[np.int64]]
    shares: Sequence[NDArray[np.float32]]
    cards: Sequence[str]
    multi: bool = False

    def __len__(self) -> int:
        return len(self.texts)


class QuietTrainer(CrossEncoderTrainer):
    """The trainer without its model card: that costs time and says nothing here."""

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        pass


def teach(
    model: Any,
    lists: Lists,
    *,
    epochs: int,
    engine: str,
    seed: int,
    folder: Path,
    watch: Watch,
) -> None:
    """Train *model*, a cross-encoder of one output, in place.

    The loss of a document is the cross-entropy between its candidates' shares and the softmax of
    their logits (ListNet: Cao et al., 2007); with several labels a document that of each candidate
    is the binary one. Where *folder* holds a whole checkpoint, training goes on from it.

    Raises:
        ValueError: there are no documents.
    """
    if not len(lists):
        raise ValueError("there are no documents to learn from")
    disable_progress_bar()
    torch.manual_seed(seed)
    documents = max(1, PAIRS // max(map(len, lists.columns)))  # in a step
    batch = PAIRS if lists.multi else documents
    data = _pairs(lists) if lists.multi else _lists(lists)
    steps = -(-len(data) // batch)  # in an epoch
    trainer = QuietTrainer(
        model=model,
        args=arguments(
            CrossEncoderTrainingArguments,
            folder=folder,
            epochs=epochs,
            batch=batch,
            rate=RATE,
            engine=engine,
            seed=seed,
            save_strategy="steps",
            save_steps=max(1, steps // CHECKPOINTS),
            save_total_limit=1,
        ),
        train_dataset=data,
        loss=BinaryCrossEntropyLoss(model)
        if lists.multi
        else ListNetLoss(model, mini_batch_size=-1),
        callbacks=[Reporting(watch)],
    )
    trainer.remove_callback(PrinterCallback)
    checkpoint = last_checkpoint(folder)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    model.eval()


def _lists(lists: Lists) -> Dataset:
    """Return a row of each document, as ListNetLoss takes it."""
    cards = [bounded(card) for card in lists.cards]
    return Dataset.from_dict(
        {
            "document": [bounded(text) for text in lists.texts],
            "cards": [[cards[column] for column in row] for row in lists.columns],
            # The library's softmax of these is the shares again.
            "labels": [np.log(np.maximum(row, NOTHING)).tolist() for row in lists.shares],
        }
    )


def _pairs(lists: Lists) -> Dataset:
    """Return a row of each document with each of its candidates, right or wrong."""
    cards = [bounded(card) for card in lists.cards]
    rows = [
        (bounded(text), cards[column], float(right))
        for text, columns, shares in zip(lists.texts, lists.columns, lists.shares, strict=True)
        for column, right in zip(columns.tolist(), shares.tolist(), strict=True)
    ]
    names = ("document", "card", "label")
    return Dataset.from_dict(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
