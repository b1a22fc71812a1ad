"""Whether a label that was described and never given finds its own documents at once.

    python benchmarks/new_label.py DATA/banking77 [--labels 10] [--json]

A model learns 26 documents of each label but one; then that label is published with its texts
alone. Of its test texts: how many have it among the first 20 candidates, the first 5, and first.
The mean over labels chosen by chance. Target: 95 % among the first 20. Works in a database of its
own.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from scratch import report, set_up, tell

GIVEN = 26
TARGET = 0.95


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--labels", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        set_up(Path(folder))
        figures = measure(options.directory, options.labels)
    report(figures, as_json=options.json)


def measure(directory: Path, count: int) -> dict[str, Any]:
    import numpy as np

    from inference import rebuild, serving
    from labeling import taxonomies
    from training import backtest, curation, instant, metrics
    from training.teaching import teach

    plan = backtest.Plan(directory, "single", (0,), 50, 0, GIVEN)
    play = backtest.Play(plan, "random")
    play.encode(tell)
    project, bundle = play.project, play.bundle()
    labels = taxonomies.label_texts(project)
    test = backtest.read_test(plan, bundle, tell)
    found = instant.lesson_of(project, bundle, curation.gold_of(project))
    if found is None:
        raise ValueError("the taxonomy changed meanwhile")
    _, lesson = found
    rows = []
    for column in np.random.default_rng(0).permutation(len(labels))[:count].tolist():
        kept = np.delete(np.arange(len(labels)), column)
        others = rebuild.zero_shot(
            "single",
            [labels[place] for place in kept],
            serving.encoder(bundle),
            reference=bundle.encoder,
            taxonomy_number=1,
        )
        mine = lesson.targets[:, column]
        part = replace(
            lesson,
            gold=lesson.gold.take(~mine),
            targets=lesson.targets[~mine][:, kept],
            overlaps=lesson.overlaps[np.ix_(kept, kept)],
            threads=lesson.threads[~mine],
        )
        learnt = teach(others, part).bundle
        now = rebuild.for_taxonomy(learnt, labels, serving.encoder(bundle), taxonomy_number=2)
        own = test.targets[:, column]
        logits = now.logits(test.features)[own]
        right = test.targets[own]
        rows.append([metrics.recall_at(k, logits, right) for k in (20, 5, 1)])
        tell(f"{labels[column].name}: {rows[-1]}")
    among = np.array(rows)
    return {
        "labels": count,
        "recall_at_20": round(float(among[:, 0].mean()), 4),
        "recall_at_5": round(float(among[:, 1].mean()), 4),
        "top1": round(float(among[:, 2].mean()), 4),
        "worst_recall_at_20": round(float(among[:, 0].min()), 4),
        "target": TARGET,
    }


if __name__ == "__main__":
    main()
