"""What all trainings have in common, in the words of transformers' trainer."""

from pathlib import Path
from typing import Any

import torch


def common(
    *, folder: Path, epochs: int, batch: int, rate: float, engine: str, seed: int
) -> dict[str, Any]:
    """Return arguments of a training that is watched by callbacks alone and goes on where it died.

    Args:
        folder: where checkpoints go.
        rate: peak learning rate of AdamW; it warms up over a tenth of the steps, then falls.
        engine: "fp32" or "bf16", what the transformer computes in; weights stay fp32.
    """
    return {
        "output_dir": str(folder),
        "num_train_epochs": epochs,
        "per_device_train_batch_size": batch,
        "learning_rate": rate,
        "warmup_steps": 0.1,  # below 1: a share of all steps
        "bf16": engine == "bf16",
        "use_cpu": not torch.cuda.is_available(),
        "logging_steps": 5,
        "disable_tqdm": True,
        "report_to": "none",
        "dataloader_num_workers": 0,
        "dataloader_pin_memory": False,
        "seed": seed,
    }
