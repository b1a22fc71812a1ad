"""What one training run makes its contenders by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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
