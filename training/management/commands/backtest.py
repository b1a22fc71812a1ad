"""Show how many reviews a taxonomy needs, by playing them on data whose answers are known."""

import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from argparse import ArgumentParser
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from training.management.commands.train import Spoken
from training.sampling import STRATEGIES
from training.trainers.recipes import RECIPES, named

REVIEWS = "0,100,200,300,500,1000"
# Test top-1 on BANKING77 after 300 / 500 / 1,000 reviews with a refit every 20: 84.7 / 87.2 / 89.7;
# every 50: 85.5 / 87.7 / 90.2, in less than half the time (two seeds). Every 100 is as good from
# 300 on, but at 100 reviews has nothing yet from which it could choose: 76.5 against 79.3.
REFIT_EVERY = 50
SECONDS_BETWEEN_WORDS = 2
COLUMNS = {
    "reviews": "reviews",
    "top1": "top-1",
    "recall_at_5": "recall@5",
    "micro_f1": "micro-F1",
    "micro_f1_at_half": "at 0.5",
    "macro_f1": "macro-F1",
    "ece": "ECE",
    "coverage": "coverage",
    "precision": "precision",
    "out_of_scope_auroc": "AUROC",
    "vectors_regression": "vectors+LR",
    "words_svm": "words+SVM",
    "seconds": "seconds",
}


class Playing(BaseCommand, ABC):
    """A command that plays on a folder of known answers, in a database that is thrown away."""

    told = 0.0  # when progress was last spoken of

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("directory", type=Path, metavar="DIR")
        parser.add_argument("--kind", choices=["single", "multi"], default="single")
        parser.add_argument("--strategy", choices=STRATEGIES, default=STRATEGIES[0])
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--json", action="store_true", help="End with one line of JSON.")
        parser.add_argument("--inside", action="store_true", help="Play in this very database.")

    def handle(self, **options: Any) -> None:
        for name in ("taxonomy.json", "train.jsonl", "test.jsonl"):
            if not (options["directory"] / name).is_file():
                raise CommandError(f"{options['directory']} holds no {name}.")
        if options["inside"]:
            call_command("migrate", verbosity=0)
            self.play(options)
        else:
            play_elsewhere(sys.argv[1:])

    @abstractmethod
    def play(self, options: dict[str, Any]) -> None: ...

    def tell(self, words: str) -> None:
        """Say how far it is, at most every other second."""
        if time.monotonic() - self.told >= SECONDS_BETWEEN_WORDS:
            self.told = time.monotonic()
            self.stderr.write(words)


class Command(Playing):
    help = (
        "Simulate reviewing on DIR (taxonomy.json, train.jsonl, test.jsonl) in a database of its "
        "own, and score each step on the test texts."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--reviews", default=REVIEWS, help=f"Or all. Default: {REVIEWS}.")
        parser.add_argument(
            "--per-label", type=int, metavar="N", help="Begin with N examples of each label."
        )
        parser.add_argument(
            "--refit-every", type=int, default=REFIT_EVERY, help=f"Default: {REFIT_EVERY} reviews."
        )
        parser.add_argument(
            "--recipe", choices=RECIPES, help="Train by this recipe after the last step."
        )

    def play(self, options: dict[str, Any]) -> None:
        from training import backtest  # loads models

        started = time.perf_counter()
        reviews, given = start_of(options["reviews"], options["per_label"])
        plan = backtest.Plan(
            options["directory"],
            options["kind"],
            reviews,
            options["refit_every"],
            options["seed"],
            given,
        )
        play = backtest.Play(plan, options["strategy"])
        before = time.perf_counter()
        play.encode(self.tell)
        test = backtest.read_test(plan, play.bundle(), self.tell)
        encoding = time.perf_counter() - before
        result = {"steps": self._table(play, test), "random": None, **self._about(play, test)}
        if options["strategy"] != "random" and any(plan.reviews):
            other = backtest.Play(plan, "random")
            other.encode_as(play)
            result["random"] = self._table(other, test)
        if options["recipe"]:
            recipe = named(options["recipe"])
            result["trained"] = self._trained(backtest.train(play, test, recipe, Spoken))
        result["encoding_seconds"] = round(encoding, 1)
        result["seconds"] = round(time.perf_counter() - started, 1)
        self.stdout.write(f"\nencoding {encoding:.0f} s, in all {result['seconds']:.0f} s")
        if options["json"]:
            self.stdout.write(json.dumps(result))

    def _about(self, play: Any, test: Any) -> dict[str, Any]:
        """Return what was played, and with what."""
        return {
            "data": play.plan.directory.resolve().name,
            "kind": play.plan.kind,
            "strategy": play.strategy,
            "seed": play.plan.seed,
            "refit_every": play.plan.refit_every,
            "per_label": play.plan.given if 0 < play.plan.given < math.inf else None,
            "labels": len(play.labels),
            "documents": play.project.documents.count(),
            "test_documents": len(test.targets),
            "out_of_scope": int((~test.targets.any(axis=1)).sum()),
            "promised_precision": play.project.promised_precision,
            "encoder": play.bundle().encoder.source,
            "versions": versions(),
        }

    def _trained(self, result: dict[str, Any]) -> dict[str, Any]:
        """Print how training on the chosen gold ended, and return it."""
        self.stdout.write(f"\ntrained: {result['status']} {result['error']}".rstrip())
        if result["step"]:
            result["step"] = {name: rounded(value) for name, value in result["step"].items()}
            self.stdout.write("  ".join(f"{cell(n, result['step'][n]):>9}" for n in COLUMNS))
        for trial in result.get("stages", ()):
            self.stdout.write(f"  {trial['stage']}: {trial['reason']} ({trial['seconds']:.0f} s)")
        for gate in result.get("gates", ()):
            self.stdout.write(f"  {'open' if gate['passed'] else 'shut'}: {gate['reason']}")
        return result

    def _table(self, play: Any, test: Any) -> list[dict[str, float | None]]:
        """Play, print each step as a row, and return the steps."""
        self.stdout.write(f"\n{play.strategy}")
        self.stdout.write("  ".join(f"{title:>9}" for title in COLUMNS.values()))
        rows = []
        for step in play.steps(test, self.tell):
            rows.append({name: rounded(value) for name, value in step.as_json().items()})
            self.stdout.write("  ".join(f"{cell(name, rows[-1][name]):>9}" for name in COLUMNS))
        return rows


def play_elsewhere(arguments: Sequence[str]) -> None:
    """Run the same command in a process whose database, files and broker are thrown away after.

    Raises:
        CommandError: it failed; it said why itself.
    """
    with tempfile.TemporaryDirectory(prefix="backtest-") as scratch:
        environment = {
            **os.environ,
            "STATE_DIR": scratch,
            "BUNDLE_DIR": f"{scratch}/bundles",
            "RUN_DIR": f"{scratch}/runs",
            "DATABASE_URL": f"sqlite:///{scratch}/db.sqlite3",
            "REDIS_URL": "memory://localhost",  # what is sent to workers stays unheard
            # L-BFGS on vectors this short waits for its threads more than it computes.
            "OPENBLAS_NUM_THREADS": "1",
            # Threads that wait for each other sleep: on a busy machine spinning costs most of it.
            "OMP_WAIT_POLICY": "PASSIVE",
        }
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments, "--inside"]
        if code := subprocess.run(command, env=environment, check=False).returncode:
            raise CommandError("The backtest failed.", returncode=code)


def start_of(reviews: str, per_label: int | None) -> tuple[tuple[int, ...], float]:
    """Return the steps to play and how many examples of each label are gold from the start.

    Raises:
        CommandError: they cannot be read, or do not go together.
    """
    if per_label is not None and per_label < 1:
        raise CommandError(f"--per-label {per_label}: at least 1.")
    if reviews == "all":
        if per_label:
            raise CommandError("--reviews all makes every text gold; leave out --per-label.")
        return (0,), math.inf
    if per_label and reviews == REVIEWS:
        return (0,), per_label
    return steps_of(reviews), per_label or 0


def steps_of(text: str) -> tuple[int, ...]:
    """Return ascending numbers of reviews from "0,100,300".

    Raises:
        CommandError: it is not such a list.
    """
    try:
        steps = tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError as error:
        raise CommandError(
            f"--reviews {text}: whole numbers with commas between, or all."
        ) from error
    if steps[0] < 0:
        raise CommandError(f"--reviews {text}: not below 0.")
    return steps


def rounded(value: float | None) -> float | None:
    return round(value, 4) if isinstance(value, float) else value


def cell(name: str, value: float | None) -> str:
    """Return a figure as people read it: a percentage, a count, or seconds."""
    if value is None:
        return "-"
    if name == "reviews":
        return f"{value:,}"
    return f"{value:.1f}" if name == "seconds" else f"{value:.1%}"


def versions() -> dict[str, str]:
    """Return what the figures depend on."""
    packages = ("torch", "sentence-transformers", "scikit-learn", "scipy", "numpy")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}
