"""What the gold of somebody who is often wrong costs, by what it weighs.

    python benchmarks/weighing.py DATA/banking77 [--seeds 3] [--json]

One of two people gave a share of the gold and is right so often; the other is right 97 % of the
time. Errors are among the five labels nearest by their texts. Top-1 on 3,000 other texts of
train.jsonl, the mean over seeds; `weighed` is what labeling.trust makes of 100 judgements of each.
Works in a database of its own.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

from scratch import play_all, report, set_up, tell

CAREFUL = 0.97
HELD_OUT = 3_000
WEIGHTS = (1.0, 0.6, 0.25, 0.1, 0.0)
GOLD = (500, 1_000, 2_000)
PEOPLE = ((0.5, 0.4), (0.7, 0.4), (0.85, 0.5), (CAREFUL, 0.5))
"""How often the one is right, and their share of the gold."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        set_up(Path(folder))
        figures = measure(options.directory, options.seeds)
    report(figures, as_json=options.json)


def measure(directory: Path, seeds: int) -> dict[str, Any]:
    import numpy as np

    from labeling.reliability import Reliability
    from labeling.trust import beside

    study = Study(directory)
    figures: dict[str, Any] = {}
    for gold in GOLD:
        for accuracy, share in PEOPLE:
            weighed = beside(CAREFUL, Reliability(0, accuracy, 100))
            weights = dict.fromkeys(map(str, WEIGHTS)) | {"weighed": None}
            for name in weights:
                weight = weighed if name == "weighed" else float(name)
                runs = [study.top1(gold, accuracy, share, weight, seed) for seed in range(seeds)]
                weights[name] = round(100 * float(np.mean(runs)), 2)
            figures[f"{gold} gold, {share:.0%} by one right {accuracy:.0%}"] = weights
            tell(f"{gold}, {accuracy}, {share}: {weights}, weighed at {weighed:.2f}")
    return figures


class Study:
    """The texts of a set as the frozen encoder sees them, and their right labels."""

    def __init__(self, directory: Path) -> None:
        import numpy as np

        from inference import serving
        from inference.document_features import document_features
        from labeling import taxonomies
        from training.curation import gold_of, relations_of

        play = play_all(directory, 0)
        self.bundle = play.bundle()
        gold = gold_of(play.project)
        ids, self.features = document_features(gold.ids, serving.encoder(self.bundle), words=True)
        said = dict(zip(gold.ids, gold.labels, strict=True))
        column = {label: place for place, label in enumerate(self.bundle.label_ids)}
        self.right = np.array([column[said[pk][0]] for pk in ids.tolist()])
        texts = {label.id: label for label in taxonomies.label_texts(play.project)}
        labels = [texts[pk] for pk in self.bundle.label_ids]
        self.overlaps = relations_of(play.project, labels).overlaps
        self.near = np.argsort(-self.bundle.logits(self.features), axis=1)[:, :6]
        shuffled = np.random.default_rng(0).permutation(len(ids))
        self.test, self.rest = shuffled[:HELD_OUT], shuffled[HELD_OUT:]

    def top1(self, gold: int, accuracy: float, share: float, weight: float, seed: int) -> float:
        """Return the share of the held-out texts of which the likeliest label is right."""
        import numpy as np

        from training import metrics
        from training.teaching import Lesson, teach

        rng = np.random.default_rng(seed)
        mixed = rng.permutation(self.rest)
        rows, others = mixed[:gold], mixed[gold:]
        careless = rng.random(gold) < share
        is_wrong = rng.random(gold) >= np.where(careless, accuracy, CAREFUL)
        said = self.right[rows]
        for at in np.flatnonzero(is_wrong):
            near = self.near[rows[at]]
            said[at] = rng.choice(near[near != said[at]][:5])
        kept = ~careless | (weight > 0)
        lesson = Lesson(
            self.features.take(rows[kept]),
            self._targets(said[kept]),
            self.overlaps,
            pool=self.features.take(others[:1_000]),
            around=self.features.take(others[1_000:3_000]),
            promise=0.98,
            trust=np.where(careless, weight, 1)[kept].astype(np.float32),
        )
        bundle = teach(self.bundle, lesson).bundle
        logits = bundle.logits(self.features.take(self.test))
        return float(metrics.top1(logits, self._targets(self.right[self.test])))

    def _targets(self, columns: Any) -> Any:
        import numpy as np

        return np.eye(len(self.bundle.label_ids), dtype=bool)[columns]


if __name__ == "__main__":
    main()
