"""Show what each stage is worth: all of them on and off, on data whose answers are known."""

import json
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import CommandError

from training.management.commands.backtest import REFIT_EVERY, Playing, start_of, versions
from training.trainers.recipes import STAGES


class Command(Playing):
    help = (
        "Make a challenger with each stage on and off from the same gold of DIR (taxonomy.json, "
        "train.jsonl, test.jsonl), and print a table in Markdown of what each is worth on the "
        "test texts."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--reviews", default="1000", help="One number, or all. Default: 1000.")
        parser.add_argument("--per-label", type=int, metavar="N", help="Instead of reviews.")
        parser.add_argument(
            "--stages",
            default=",".join(STAGES),
            help="Which to turn on and off, with commas between them. Default: all of them.",
        )

    def play(self, options: dict[str, Any]) -> None:
        from training import ablation, backtest  # loads models

        asked = options["stages"].split(",")
        if unknown := [stage for stage in asked if stage not in STAGES]:
            raise CommandError(f"--stages: {unknown[0]!r}; any of {', '.join(STAGES)}.")
        wanted = "0" if options["per_label"] else options["reviews"]
        reviews, given = start_of(wanted, options["per_label"])
        plan = backtest.Plan(
            options["directory"],
            options["kind"],
            reviews[-1:],
            REFIT_EVERY,
            options["seed"],
            given,
        )
        play = backtest.Play(plan, options["strategy"])
        play.encode(self.tell)
        test = backtest.read_test(plan, play.bundle(), self.tell)
        (step,) = play.steps(test, self.tell)
        with tempfile.TemporaryDirectory(prefix="ablation-") as folder:
            pulls = ablation.variants(asked)
            rows = []
            for row in ablation.ablate(play, test, Path(folder), self.tell, pulls):
                rows.append(row)
                worth = f"{row.worth.value:.1%} ({row.change.value:+.1%})"
                self.stderr.write(f"{row.name or 'base'}: {worth}, {row.seconds:.0f} s")
        name = plan.directory.resolve().name
        beside = _beside(step, multi=plan.kind == "multi")
        gold = f"{step.reviews:,} gold documents, seed {plan.seed}"
        self.stdout.write(f"### {name}, {gold}\n\n{beside}\n")
        self.stdout.write(ablation.table(rows, multi=plan.kind == "multi"))
        if options["json"]:
            about = {"data": name, "gold": step.reviews, "seed": plan.seed, "versions": versions()}
            self.stdout.write(json.dumps(about | {"rows": [row.as_json() for row in rows]}))


def _beside(step: Any, *, multi: bool) -> str:
    """Return what the instant loop and the baselines reach on the same gold."""
    figures = {
        "the instant loop": step.micro_f1 if multi else step.top1,
        "vectors and logistic regression": step.vectors_regression,
        "words and SVM": step.words_svm,
    }
    said = [f"{name} {value:.1%}" for name, value in figures.items() if value is not None]
    return f"On the same gold: {', '.join(said)}."
