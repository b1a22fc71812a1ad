"""Each stage on and off, on the same gold and the same test texts: what is every part worth?"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from inference import pipeline, serving
from inference.buckets import assigned
from inference.bundle import Bundle
from inference.pipeline import Scores
from training import metrics, second_look, stages
from training.backtest import Play, Tell, Test, scored
from training.contenders import Contender
from training.course import Course
from training.evaluation import Tally, difference, f1_tally, hit_tally, interval
from training.gates import Interval
from training.material import Material, gather
from training.progress import Unheard
from training.stages import Pulled
from training.teaching import figures_of
from training.trainers.recipes import ENCODER, STAGES, named

WORDS_OFF = "without words"


@dataclass(frozen=True, slots=True)
class Row:
    """One variant on the test texts; fractions.

    name: the stages it was made with; empty for the base alone.
    worth: top-1, or micro-F1 with several labels a document.
    change: of it, against the base, paired by text.
    seconds: to make it, encoding and training included.
    """

    name: str
    worth: Interval
    change: Interval
    hit_at_5: float
    sibling_confusion: float
    ece: float
    coverage: float
    precision: float
    seconds: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def variants(stages: Iterable[str] = STAGES) -> list[Pulled]:
    """Return the base, each stage alone (those that change fine-tuning on top of it), and all."""
    some = [stage for stage in STAGES if stage in set(stages)]
    alone = [Pulled({stage, "fine_tune"} if stage in ENCODER else {stage}) for stage in some]
    return [Pulled(), *alone, Pulled(some)]


def ablate(
    play: Play, test: Test, folder: Path, tell: Tell, pulls: Sequence[Pulled]
) -> Iterator[Row]:
    """Make each variant from the gold of *play* and measure it on the test texts.

    Validation gold chooses checkpoints, weights and thresholds; the test texts choose nothing.

    Args:
        pulls: the stages of each variant; the first is what others are put beside.
    """
    material = gather(play.project, seed=play.plan.seed)
    course = Course(material, named("full"), play.plan.seed, folder, 1, Unheard(tell))
    tried: set[Pulled] = set()
    base: Contender | None = None
    reference: Tally | None = None
    for wanted in pulls:
        pulled = Pulled(stage for stage in wanted if not stages.refusal(stage, material))
        if pulled in tried:
            continue
        tried.add(pulled)
        started = time.perf_counter()
        made = stages.contender(
            material,
            stages.encoder_of(course, pulled, base) if base else material.base,
            self_trains="silver" in pulled,
        )
        if "rerank" in pulled:
            made, _ = second_look.reranked(course, made)
        base = base or made
        bundle = stages.complete(made, material)
        tests = seen_by(bundle, test)
        scores = scored(bundle, tests)
        reference = reference or tally(bundle, scores, tests)
        took = time.perf_counter() - started
        name = " + ".join(stage for stage in STAGES if stage in pulled)
        yield measured(name, bundle, scores, tests, material, reference, took)
        if not pulled and bundle.lexical is not None:
            silent = replace(bundle, lexical=None)
            scores = scored(silent, tests)
            yield measured(WORDS_OFF, silent, scores, tests, material, reference, 0.0)


def seen_by(bundle: Bundle, test: Test) -> Test:
    """Return the test texts as the bundle's encoder sees them."""
    vectors = serving.encoder(bundle).encode(test.texts)
    return replace(test, features=replace(test.features, vectors=vectors))


def tally(bundle: Bundle, scores: Scores, test: Test) -> Tally:
    """Return what *bundle*, which scored the test texts so, gets right of each."""
    if bundle.multi:
        given = assigned(scores.probabilities, bundle.thresholds)
        return f1_tally(given, test.targets).by(test.threads)
    return hit_tally(scores.logits, test.targets, 1).by(test.threads)


def measured(
    name: str,
    bundle: Bundle,
    scores: Scores,
    test: Test,
    material: Material,
    base: Tally,
    seconds: float,
) -> Row:
    """Return *bundle*, which scored the test texts so, beside what the base gets right there."""
    seed = material.terms.seed
    alone = pipeline.accepts(bundle, scores)
    figures = figures_of(bundle, scores.logits, scores.probabilities, test.targets, alone)
    fits = test.targets.any(axis=1)
    siblings = material.terms.relations.distances == 1
    mine = tally(bundle, scores, test)
    return Row(
        name=name,
        worth=interval(mine, seed=seed),
        change=difference(base, mine, seed=seed),
        hit_at_5=figures["recall_at_5"],
        sibling_confusion=metrics.sibling_confusion(
            scores.logits[fits], test.targets[fits], siblings
        ),
        ece=figures["ece"],
        coverage=figures["coverage"],
        precision=figures["precision"],
        seconds=seconds,
    )


def table(rows: Sequence[Row], *, multi: bool) -> str:
    """Return *rows* as a table in Markdown; figures in per cent."""
    worth = "micro-F1" if multi else "top-1"
    lines = [
        f"| stages | {worth} (95 %) | against the base (95 %) | hit@5 | siblings confused | ECE "
        "| accepted, of these right | seconds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        accepted = (
            "0" if not row.coverage else f"{_percent(row.coverage)}, {_percent(row.precision)}"
        )
        cells = [
            row.name or "**base**: encoder as it is, head and words",
            _with_range(row.worth, ".1f"),
            _with_range(row.change, "+.1f"),
            _percent(row.hit_at_5),
            _percent(row.sibling_confusion),
            _percent(row.ece),
            accepted,
            f"{row.seconds:.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _with_range(found: Interval, how: str) -> str:
    value, low, high = (f"{100 * each:{how}}" for each in (found.value, found.low, found.high))
    return f"{value} ({low} to {high})"


def _percent(share: float) -> str:
    return "-" if np.isnan(share) else f"{100 * share:.1f}"
