"""Adapt the encoder to the project's own language before it learns any label.

Masked language modelling on the project's documents and label texts (domain-adaptive pretraining:
Gururangan et al., 2020, https://aclanthology.org/2020.acl-main.740).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import torch
from datasets import Dataset
from transformers import (
    AutoModelForMaskedLM,
    DataCollatorForLanguageModeling,
    PrinterCallback,
    Trainer,
    TrainingArguments,
)

from inference.texts import bounded
from training.trainers.arguments import arguments
from training.trainers.fine_tune import Reporting, Watch, last_checkpoint

MASKED: Final = 0.15  # share of the tokens, as in BERT
RATE: Final = 2e-5
"""Small: the head that guesses words begins at random, and what it sends back disturbs at first."""

LONGEST: Final = 128  # tokens of a text; longer ones cost more than they teach


def adapt(  # noqa: PLR0913 - what a training needs
    model: Any,
    texts: Sequence[str],
    *,
    epochs: int,
    batch: int,
    engine: str,
    seed: int,
    folder: Path,
    watch: Watch,
) -> None:
    """Train the transformer of *model* in place to guess masked words of *texts*.

    Where *folder* holds a whole checkpoint, training goes on from it.

    Raises:
        ValueError: there are no texts.
    """
    if not texts:
        raise ValueError("there are no texts to adapt to")
    torch.manual_seed(seed)
    guesser = guesser_of(model[0].auto_model)
    tokens = model.tokenizer(
        [bounded(text) for text in texts], truncation=True, max_length=LONGEST
    )["input_ids"]
    trainer = Trainer(
        model=guesser,
        args=arguments(
            TrainingArguments,
            folder=folder,
            epochs=epochs,
            batch=batch,
            rate=RATE,
            engine=engine,
            seed=seed,
            save_strategy="epoch",
            save_total_limit=1,
        ),
        train_dataset=Dataset.from_dict({"input_ids": tokens}),
        data_collator=DataCollatorForLanguageModeling(model.tokenizer, mlm_probability=MASKED),
        callbacks=[Reporting(watch)],
    )
    trainer.remove_callback(PrinterCallback)
    checkpoint = last_checkpoint(folder)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    model.eval()


def guesser_of(transformer: Any) -> Any:
    """Return a model that guesses words and shares all weights of *transformer*."""
    guesser = AutoModelForMaskedLM.from_config(transformer.config)  # type: ignore[no-untyped-call]
    setattr(guesser, guesser.base_model_prefix, transformer)
    guesser.tie_weights()
    return guesser
