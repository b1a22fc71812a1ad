"""How long the encoder takes to be fine-tuned on all texts of train.jsonl, evaluations included.

    python benchmarks/fine_tune.py DATA/banking77 [--epochs 3] [--documents 0] [--json]

As a run does it: 70 % of the gold, split by threads, the usual recipe, in the engine the probe
chose, with a checkpoint and an evaluation twice an epoch. Target: 12 minutes for three epochs over
BANKING77's ten thousand on two cores with bf16. Works in a database of its own; set
OMP_NUM_THREADS=1 for what one worker's process does.
"""

import argparse
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from scratch import play_all, report, set_up, tell

SEED = 0
TARGET_MINUTES = 12.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--documents", type=int, default=0, help="to learn from; 0 for all")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        set_up(Path(folder))
        figures = measure(options.directory, options.epochs, options.documents, Path(folder))
    report(figures, as_json=options.json)


def measure(directory: Path, epochs: int, documents: int, folder: Path) -> dict[str, Any]:
    """Fine-tune once; return minutes, and Hit@5 on validation before and after."""
    import numpy as np

    from inference import serving, weights
    from inference.encode import load_model
    from training.material import gather
    from training.splits import Split
    from training.trainers import fine_tune
    from training.trainers.recipes import Recipe

    material = gather(play_all(directory, SEED).project, seed=SEED)
    training = material.examples.part(Split.TRAIN)
    training = training.take(np.arange(min(documents or len(training), len(training))))
    engine = serving.engine_for(material.base.digest)
    model = load_model(weights.directory_of(material.base.source))
    course = fine_tune.Course(
        labels=material.terms.labels,
        training=training,
        validation=material.examples.part(Split.VALIDATION),
        relations=material.terms.relations,
    )
    watch = Watching()
    started = time.perf_counter()
    means = fine_tune.Means(replace(Recipe(), epochs=epochs), engine, SEED, folder / "run")
    fine_tune.fine_tune(model, course, means, watch)
    minutes = (time.perf_counter() - started) / 60
    return {
        "documents": len(training),
        "epochs": epochs,
        "steps": watch.steps,
        "minutes": round(minutes, 2),
        "target_minutes": TARGET_MINUTES,
        "hit_at_5": [round(watch.hits[0], 4), round(max(watch.hits), 4)],
        "engine": engine,
        "threads": os.environ.get("OMP_NUM_THREADS", "all"),
    }


class Watching:
    """Tells how far it is, and keeps what was measured."""

    def __init__(self) -> None:
        self.steps = 0
        self.hits: list[float] = []

    def stepped(self, step: int, steps: int) -> None:
        self.steps = step
        if step % 50 == 0:
            tell(f"step {step} of {steps}")

    def logged(self, loss: float) -> None:
        pass

    def evaluated(self, _: int, __: float, metrics: dict[str, float]) -> None:
        self.hits.append(metrics["hit_at_5"])


if __name__ == "__main__":
    main()
