"""Play reviewing on data whose answers are known: how many reviews does a taxonomy need?

A simulated reviewer answers from train.jsonl by the desk's own acts: lease, annotate, instant loop.
After each step the champion's bundle is scored on test.jsonl, whose texts are encoded and scored,
never stored.
"""

import math
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from django.contrib.auth.models import User
from django.utils import timezone
from numpy.typing import NDArray

from inference import deployments, pipeline, rebuild, serving, texts, vectors
from inference.bundle import Bundle
from inference.document_features import cached_features
from inference.document_texts import grouped
from inference.features import Features
from inference.terms import count_terms
from labeling import annotations, documents, memberships, publishing, queues, taxonomy_files
from labeling.document_files import DocumentFile
from labeling.documents import BadRow, Row
from labeling.models import Label, Membership, Project
from training import baselines, curation, executor, instant, metrics, schedule
from training.examples import targets_of
from training.progress import Progress
from training.teaching import figures_of
from training.trainers.recipes import Recipe

Tell = Callable[[str], None]
ENCODED_AT_ONCE = 2_000  # test texts, between two words of progress


@dataclass(frozen=True, slots=True)
class Plan:
    """What to play.

    directory: holds taxonomy.json, train.jsonl and test.jsonl.
    reviews: numbers of reviews after which to score, ascending.
    given: examples of each label that are gold from the start; math.inf for all there are.
    refit_every: reviews between two refits, as in a project's settings.
    """

    directory: Path
    kind: str
    reviews: tuple[int, ...]
    refit_every: int
    seed: int
    given: float = 0


@dataclass(frozen=True, slots=True)
class Step:
    """The champion on the test texts after so many reviews; fractions, None: does not apply.

    reviews: documents reviewed, and those that were gold from the start.
    micro_f1_at_half: several labels a document: micro-F1 without thresholds of their own, each
        label given from a probability of one half.
    coverage: share of texts accepted at the promised precision; precision: what those really had.
    vectors_regression, words_svm: the baselines on the same gold, see `baselines.measure`.
    seconds: wall time of the reviews and refits since the step before.
    """

    reviews: int
    top1: float | None
    recall_at_5: float | None
    micro_f1: float | None
    micro_f1_at_half: float | None
    macro_f1: float | None
    ece: float | None
    coverage: float | None
    precision: float | None
    out_of_scope_auroc: float | None
    vectors_regression: float | None
    words_svm: float | None
    seconds: float

    def as_json(self) -> dict[str, float | None]:
        return asdict(self)


@dataclass(frozen=True, slots=True, eq=False)
class Test:
    """Texts to score on, what models see of them, and right labels, (documents, labels).

    threads: (documents,), a number that texts of a thread share.
    """

    texts: tuple[str, ...]
    features: Features
    targets: NDArray[np.bool_]
    threads: NDArray[np.int64]


class Play:
    """One project with its documents, its simulated reviewer and the answers they know."""

    def __init__(self, plan: Plan, strategy: str) -> None:
        self.plan, self.strategy = plan, strategy
        self.answers: dict[str, tuple[str, ...]] = {}
        self.reviewer = User.objects.create(username=f"simulated-{strategy}")
        self.project = memberships.create_project(
            name=f"Backtest, {strategy}",
            slug=f"backtest-{strategy}",
            kind=plan.kind,
            admin=User.objects.get_or_create(username="backtest")[0],
            actor=None,
            now=timezone.now(),
        )
        Membership.objects.create(project=self.project, user=self.reviewer)
        Project.objects.filter(pk=self.project.pk).update(refit_every=plan.refit_every)
        self.project.refresh_from_db()
        self._import()
        labels = Label.objects.assignable().filter(project=self.project)
        self.labels = {label.key: label for label in labels}
        self.reviews = 0

    def _import(self) -> None:
        now = timezone.now()
        entries = taxonomy_files.read(self.plan.directory / "taxonomy.json")
        publishing.publish(self.project, entries, actor=None, now=now)
        path = self.plan.directory / "train.jsonl"
        self.answers = {row.external_id: row.labels or () for row in rows_of(path)}
        given = chosen_each(self.answers, self.plan.given, seed=self.plan.seed)
        rows = (row if row.external_id in given else unlabelled(row) for row in rows_of(path))
        documents.import_documents(self.project, rows, actor=None, now=now, gold=True)

    def bundle(self) -> Bundle:
        """Return the champion's bundle: the label texts alone at first."""
        champion = deployments.champion(self.project)
        if champion is not None:
            return serving.load(champion.bundle)
        made = rebuild.champion_bundle(self.project, now=timezone.now())
        if made is None:
            raise ValueError("the taxonomy has no label a document may be given")
        return made

    def encode(self, tell: Tell) -> None:
        """Encode all documents once."""
        total = self.project.documents.count()
        vectors.document_vectors(
            self.project.documents.all(),
            serving.encoder(self.bundle()),
            progress=lambda done: tell(f"encoded {done:,} of {total:,} documents"),
        )

    def encode_as(self, other: "Play") -> None:
        """Take over the vectors of *other*, which has the same documents."""
        encoder = self.bundle().encoder.digest
        ids, rows = vectors.cached_vectors(other.project.documents.all(), encoder)
        names = dict(other.project.documents.values_list("pk", "external_id"))
        mine = dict(self.project.documents.values_list("external_id", "pk"))
        vectors.store([mine[names[id_]] for id_ in ids.tolist()], rows, encoder)

    def steps(self, test: Test, tell: Tell) -> Iterator[Step]:
        """Review and score, step by step."""
        begin = instant.refit if self.plan.given else instant.choose_next
        begin(self.project, now=timezone.now(), strategy=self.strategy, seed=self.plan.seed)
        for reviews in self.plan.reviews:
            started = time.perf_counter()
            self._review_until(reviews)
            tell(f"{self.strategy}: {self.reviews:,} reviews")
            taken = time.perf_counter() - started
            yield score(self.bundle(), test, self.gold(), taken, self._baselines(test))

    def gold(self) -> int:
        """Return how many documents have gold."""
        return self.project.documents.exclude(gold_at=None).count()

    def _baselines(self, test: Test) -> dict[str, float]:
        """Return what a user would have tried first, on the same gold."""
        gold, bundle = curation.gold_of(self.project), self.bundle()
        if not len(gold):
            return {}
        ids, features = cached_features(gold.ids, bundle.encoder.digest, words=True)
        labelled = dict(zip(gold.ids, gold.labels, strict=True))
        targets = targets_of([labelled[id_] for id_ in ids.tolist()], bundle.label_ids)
        return baselines.measure(features, targets, test.features, test.targets, multi=bundle.multi)

    def _review_until(self, reviews: int) -> None:
        while self.reviews < reviews:
            wanted = min(self.plan.refit_every, reviews - self.reviews)
            if not (done := sum(self._review_one() for _ in range(wanted))):
                return  # nothing is left to review
            self.reviews += done
            instant.refit(
                self.project,
                now=timezone.now(),
                strategy=self.strategy,
                seed=self.plan.seed + self.reviews,
            )

    def _review_one(self) -> bool:
        """Lease the most valuable task and answer it; False where none is left."""
        now = timezone.now()
        task = queues.lease_next(self.project, self.reviewer, now=now)
        if task is None:
            return False
        keys = self.answers[task.document.external_id]
        annotations.annotate(
            task,
            reviewer=self.reviewer,
            labels=[self.labels[key] for key in keys],
            key=uuid.uuid4(),
            now=now,
        )
        return True


def unlabelled(row: Row) -> Row:
    """Return *row* without its labels, which only the reviewer knows."""
    return replace(row, labels=None)


def chosen_each(answers: Mapping[str, Sequence[str]], count: float, *, seed: int) -> set[str]:
    """Return ids of *count* documents of each label, by chance; math.inf for all there are.

    A document with several labels counts for each of them.
    """
    if count == math.inf:
        return set(answers)
    have: Counter[str] = Counter()
    chosen = set()
    ids = sorted(answers)
    for place in np.random.default_rng(seed).permutation(len(ids)).tolist():
        labels = answers[ids[place]]
        if any(have[label] < count for label in labels):
            chosen.add(ids[place])
            have.update(labels)
    return chosen


def rows_of(path: Path) -> Iterator[Row]:
    """Yield the rows of a file.

    Raises:
        ValueError: one cannot be read.
    """
    for row in DocumentFile(path):
        if isinstance(row, BadRow):
            raise ValueError(f"{path.name}, line {row.line}: {row.reason}")  # noqa: TRY004
        yield row


def read_test(plan: Plan, bundle: Bundle, tell: Tell) -> Test:
    """Encode the test texts; a text without labels is out of scope."""
    rows = list(rows_of(plan.directory / "test.jsonl"))
    prepared = [texts.prepare(row.subject, row.text) for row in rows]
    worded = [texts.with_history(row.subject, row.text) for row in rows]
    encoder = serving.encoder(bundle)
    parts = []
    for start in range(0, len(prepared), ENCODED_AT_ONCE):
        parts.append(encoder.encode(prepared[start : start + ENCODED_AT_ONCE]))
        tell(f"encoded {start + len(parts[-1]):,} of {len(rows):,} test texts")
    ids = dict(zip(bundle.label_keys, bundle.label_ids, strict=True))
    labelled = [[ids[key] for key in row.labels or ()] for row in rows]
    targets = targets_of(labelled, bundle.label_ids)
    features = Features(np.concatenate(parts), count_terms(worded))
    together = grouped(range(len(rows)), [texts.thread_of(row.subject) for row in rows])
    return Test(tuple(prepared), features, targets, np.array(together, dtype=np.int64))


def train(play: Play, test: Test, recipe: Recipe, progress: type[Progress]) -> dict[str, Any]:
    """Train a challenger on the gold of *play*; say how it ended and score it, promoted or not."""
    started = time.perf_counter()
    run = schedule.request(
        play.project,
        actor=None,
        now=timezone.now(),
        parameters=recipe.as_json(),
        seed=play.plan.seed,
    )
    ended = executor.carry_out(run.pk, progress) or run
    version = executor.version_of(ended)
    result: dict[str, Any] = {"status": ended.status, "error": ended.error, "step": None}
    if version is not None:
        bundle = serving.load(version.bundle)
        vectors_now = serving.encoder(bundle).encode(test.texts)
        encoded = replace(test, features=replace(test.features, vectors=vectors_now))
        step = score(bundle, encoded, play.gold(), time.perf_counter() - started)
        result |= {"step": step.as_json(), "passed": version.passed, "gates": version.gates}
        result |= {name: ended.report[name] for name in ("stages", "diagnosis", "documents")}
    return result


def score(
    bundle: Bundle,
    test: Test,
    reviews: int,
    seconds: float,
    beside: Mapping[str, float] | None = None,
) -> Step:
    """Score *bundle* on the test texts.

    Args:
        beside: what the baselines reach.
    """
    scores = scored(bundle, test)
    alone = pipeline.accepts(bundle, scores)
    figures = figures_of(bundle, scores.logits, scores.probabilities, test.targets, alone)
    figures["micro_f1_at_half"] = (
        metrics.micro_f1(scores.probabilities >= 0.5, test.targets) if bundle.multi else np.nan
    )
    figures |= dict.fromkeys(baselines.NAMES, np.nan) | dict(beside or {})
    known = {name: None if np.isnan(value) else value for name, value in figures.items()}
    return Step(
        reviews=reviews,
        **{name: known[name] for name in FIGURES},
        seconds=seconds,
    )


def scored(bundle: Bundle, test: Test) -> pipeline.Scores:
    """Return the bundle's scores of the test texts, after the second look if it takes one."""
    scores = pipeline.score(bundle, test.features)
    reader = serving.cross_encoder(bundle)
    return pipeline.look_again(bundle, scores, pipeline.chosen_from(test.texts), reader)


FIGURES: Sequence[str] = [
    name for name in Step.__dataclass_fields__ if name not in {"reviews", "seconds"}
]
