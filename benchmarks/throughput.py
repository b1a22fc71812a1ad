"""How many documents a second the cascade decides, beside one that reads twenty pairs of each.

    python benchmarks/throughput.py DATA/banking77 [--texts 300] [--json]

One model is made from all of train.jsonl: the built-in encoder, a head, words, and a cross-encoder
that learnt from the closest calls. Then the same test texts are decided twice, taking turns:

- naive: the encoder in fp32; the cross-encoder reads each text with its twenty likeliest labels;
- cascade: as Tiebreak serves it. What the head is sure of is accepted; the cross-encoder reads the
  rest with their conformal candidates; the engine is what the probe chose.

Target: 15 times as many, at a top-1 within 0.3 points. On a machine without bf16 both compute in
fp32. Works in a database of its own.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from scratch import play_all, report, set_up, tell

SEED = 0
TARGET_RATIO = 15.0
TAKEN = 20  # candidates that are always read
PIECES = 5  # turns that both take: what else the machine does meets them alike


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--texts", type=int, default=300, help="of the test texts, by chance")
    parser.add_argument("--learn-from", type=int, default=400, help="closest calls")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        set_up(Path(folder))
        figures = measure(options.directory, options.texts, options.learn_from, Path(folder))
    report(figures, as_json=options.json)


def measure(directory: Path, count: int, learn_from: int, folder: Path) -> dict[str, Any]:
    """Make the model, then decide *count* test texts both ways."""
    import numpy as np

    from inference import serving
    from inference.buckets import Bucket
    from training import backtest

    play = play_all(directory, SEED)
    bundle = make(play, learn_from, folder)
    test = backtest.read_test(play.plan, bundle, tell)
    some = np.random.default_rng(SEED).permutation(len(test.texts))[:count]
    texts = [test.texts[at] for at in some]
    targets = test.targets[some]

    ways = both_ways(bundle)
    for way in ways.values():
        way(texts[:2])  # loads models and sets up kernels
    took, said = dict.fromkeys(ways, 0.0), {name: [] for name in ways}
    for piece in np.array_split(np.arange(len(texts)), PIECES):
        part = [texts[at] for at in piece]
        for name, way in ways.items():
            started = time.perf_counter()
            said[name] += way(part)
            took[name] += time.perf_counter() - started
        tell(f"decided {piece[-1] + 1:,} of {len(texts):,} test texts")
    pace = {name: len(texts) / seconds for name, seconds in took.items()}
    columns = {label: column for column, label in enumerate(bundle.label_ids)}
    top1 = {
        name: float(
            np.mean(
                [
                    targets[row, columns[verdict.candidates[0].label_id]]
                    for row, verdict in enumerate(verdicts)
                ]
            )
        )
        for name, verdicts in said.items()
    }
    accepted = [verdict.bucket == Bucket.AUTO for verdict in said["cascade"]]
    twice = [verdict.reranked for verdict in said["cascade"]]
    return {
        "naive_per_second": round(pace["naive"], 2),
        "cascade_per_second": round(pace["cascade"], 2),
        "ratio": round(pace["cascade"] / pace["naive"], 2),
        "target_ratio": TARGET_RATIO,
        "top1_naive": round(top1["naive"], 4),
        "top1_cascade": round(top1["cascade"], 4),
        "pairs_per_document": round(pairs(bundle, test, some) / len(texts), 3),
        "accepted_at_first_sight": round(float(np.mean(accepted)), 4),
        "looked_at_twice": round(float(np.mean(twice)), 4),
        "a_day": int(86_400 * pace["cascade"]),
        "engine": serving.engine_for(bundle.encoder.digest),
        "texts": len(texts),
    }


def both_ways(bundle: Any) -> dict[str, Callable[[list[str]], list[Any]]]:
    """Return how texts are decided naively, and by the cascade."""
    from inference import pipeline, serving
    from inference.buckets import NEVER
    from inference.cross_encode import CrossEncoder, load_model
    from inference.encode import load_encoder
    from inference.weights import directory_of

    plain = load_encoder(bundle.encoder.source, "fp32")
    model = load_model(directory_of(bundle.reranker.source))
    reader = CrossEncoder(model, bundle.reranker.digest)
    always = replace(
        bundle,
        reranker=replace(bundle.reranker, candidate=0.0),
        thresholds=replace(bundle.thresholds, accept=NEVER, floor=None),
    )
    return {
        "naive": lambda part: pipeline.classify(always, plain, part, reader),
        "cascade": lambda part: pipeline.classify(
            bundle, serving.encoder(bundle), part, serving.cross_encoder(bundle)
        ),
    }


def pairs(bundle: Any, test: Any, some: Any) -> int:
    """Return how many pairs the cascade reads of these test texts."""
    from inference import pipeline
    from inference.rerank import candidates

    scores = pipeline.score(bundle, test.features.take(some))
    found = pipeline.buckets_of(bundle, scores)
    return candidates(bundle.reranker, scores.probabilities, found, multi=bundle.multi).pairs


def make(play: Any, learn_from: int, folder: Path) -> Any:
    """Return a bundle that knows all gold and looks twice, whether or not that helps."""
    from training import second_look, stages
    from training.course import Course
    from training.material import gather
    from training.progress import Unheard
    from training.trainers.recipes import Recipe

    recipe = Recipe(stages=("rerank",), rerank_documents=learn_from, rerank_epochs=1)
    material = gather(play.project, seed=SEED)
    course = Course(material, recipe, SEED, folder / "run", 1, Unheard(tell))
    tell("fitting head and words")
    base = stages.contender(material, material.base)
    tell(f"teaching the cross-encoder from the {learn_from:,} closest calls")
    contender, _ = second_look.reranked(course, base)
    return stages.complete(contender, material)


if __name__ == "__main__":
    main()
