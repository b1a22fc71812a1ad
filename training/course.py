"""What one training run makes its contenders by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference import folders
from training.material import Material
from training.progress import Progress
from training.trainers.recipes import Recipe


@dataclass(frozen=True, slots=True)
class Course:
    """All that makes contenders in one run, but for the stages.

    folder: where the run keeps what it need not make twice.
    attempt: how often the run was taken up.
    """

    material: Material
    recipe: Recipe
    seed: int
    folder: Path
    attempt: int
    progress: Progress

    def put(self, target: Path, write: Callable[[Path], object]) -> None:
        """Have *write* fill a folder, and let it stand at *target*, whole or not at all."""
        scratch = target.with_name(f"saving-{self.attempt}")
        write(scratch)
        folders.put(scratch, target)

    def put_model(self, target: Path, model: Any) -> None:
        """Save a sentence-transformers model at *target*, whole or not at all."""
        self.put(target, lambda at: model.save_pretrained(str(at), create_model_card=False))
