"""What all trainings have in common, in the words of transformers' trainer."""

from pathlib import Path
from typing import Any, TypeVar

import torch
from transformers import TrainingArguments

Kind = TypeVar("Kind", bound=TrainingArguments)


def arguments(
    kind: type[Kind],
    *,
    folder: Path,
    epochs: int,
    batch: int,
    rate: float,
    engine: str,
    seed: int,
    **others: Any,
) -> Kind:
    """Return arguments of a training that is watched by callbacks alone and goes on where it died.

    It uses the processor, or the first GPU it sees: two trainings side by side are worth more than
    one spread over two GPUs, and the losses embed labels by the bare model. A worker is given its
    GPU by CUDA_VISIBLE_DEVICES.

    Args:
        kind: the trainer's.
        folder: where checkpoints go.
        rate: peak learning rate of AdamW; it warms up over a tenth of the steps, then falls.
        engine: "fp32" or "bf16", what the transformer computes in; weights stay fp32.
        others: of this kind alone.
    """
    made = kind(
        output_dir=str(folder),
        num_train_epochs=epochs,
        per_device_train_batch_size=batch,
        learning_rate=rate,
        warmup_steps=0.1,  # below 1: a share of all steps
        bf16=engine == "bf16",
        use_cpu=not torch.cuda.is_available(),
        logging_steps=5,
        disable_tqdm=True,
        report_to="none",
        dataloader_num_workers=0,
        dataloader_pin_memory=False,
        seed=seed,
        **others,
    )
    return on_one_device(made)


def on_one_device(arguments: Kind) -> Kind:
    """Keep the trainer from spreading batches over all GPUs in sight, which it does by itself."""
    arguments._n_gpu = min(arguments.n_gpu, 1)
    return arguments
