"""Fit a bundle's channels, the head and the words, on any part of the gold."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from inference.bundle import Bundle
from inference.calibrate import softmax
from inference.features import Features, joined
from inference.head import Head
from inference.lexical import Lexical
from training import calibration, lexical, propagation
from training.head import ITERATIONS, fit, folds
from training.neighbours import Neighbours

Flags = NDArray[np.bool_]
Floats = NDArray[np.float32]

MOST_CELLS: Final = 4_000_000
"""Documents times labels that silver is propagated over: 16 MB an array, a few hundred
milliseconds. With more labels fewer documents are silver."""

STEPS_ON: Final = 10
"""Steps of descent from the head of the gold to that of gold and silver; twenty are no better."""

PLENTY: Final = 3_000
"""Gold documents from which words are learnt from gold alone, too, by ridge regression. On
newsgroups20 top-1 rises by 0.7 points with 3,000 and by 1.2 with 8,600; with fewer it rises less,
and a refit would take twice as long."""

FEW_STEPS: Final = 8
"""Of that regression's descent: forty are no better."""

BESIDE: Final = (0.5, 1.0, 2.0, 3.0)
"""What such words may weigh beside the others."""

WEIGHTS: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.3, 1.6)
"""What the words may weigh beside the head."""

CAUTION: Final = 0.25
"""Width of the normal prior on the weight, centred on 0: words have to show that they help."""


Weights = tuple[float, ...]
"""What each kind of words weighs beside the head; empty where no words are read."""

WordWeights = tuple[Floats, ...]
"""For each kind of words what a term adds to a label's logit, (terms, labels)."""


class Channels(NamedTuple):
    """What head and words say of some documents, each (documents, labels), uncalibrated.

    words: of each kind: the log-count ratio of naive Bayes, then ridge regression where there is
        plenty of gold; with several labels a document the regression alone.
    """

    dense: Floats
    words: tuple[Floats, ...]

    def sum(self, weights: Weights) -> Floats:
        """Return the logits with words of these weights."""
        total: Floats = self.dense + np.float32(0)
        for weight, said in zip(weights, self.words, strict=True):
            total += np.float32(weight) * said
        return total

    def take(self, rows: Flags) -> Channels:
        """Return what they say of the documents at *rows*."""
        return Channels(self.dense[rows], tuple(said[rows] for said in self.words))


class Learner:
    """Fits channels on parts of the gold, with all that need be made only once.

    In single-label projects words are learnt from gold and from the silver that gold gives to the
    open documents around it: without silver few words are known while gold is scarce.

    Args:
        bundle: whose kind, label vectors, scale and offset hold; its head says nothing here.
        gold: features of the gold documents; without counts there is no lexical channel.
        targets: (documents, labels).
        around: features of open documents.
        weights: (documents,), trust in each gold document; None for 1 each.
        threads: (documents,), a number that documents of a thread share; None: each is alone.
        neighbours: that remember who was near whom; None: nobody does.
        self_trains: whether the head, too, learns silver. It is then too sure of the very documents
            that were silver: docs/decisions/0013.
    """

    def __init__(  # noqa: PLR0913 - all there is to learn from
        self,
        bundle: Bundle,
        gold: Features,
        targets: Flags,
        overlaps: Flags,
        around: Features,
        weights: Floats | None = None,
        *,
        threads: NDArray[np.int64] | None = None,
        neighbours: Neighbours | None = None,
        self_trains: bool = False,
    ) -> None:
        self.neighbours = neighbours or Neighbours(propagation.NEIGHBOURS + 1)
        self.self_trains, self.threads = self_trains, threads
        self.bundle, self.gold, self.targets, self.overlaps = bundle, gold, targets, overlaps
        self.weights = np.ones(len(gold), np.float32) if weights is None else weights
        room = max(0, MOST_CELLS // max(1, targets.shape[1]) - len(gold))
        around = around.take(np.arange(min(len(around), room)))
        self.spreads = not bundle.multi and len(around) > 0
        self.all = joined([gold, around]) if self.spreads else gold
        self.reads = False
        if self.all.counts is not None and len(gold):
            self.vocabulary = lexical.vocabulary(self.all.counts, targets.shape[1])
            self.reads = len(self.vocabulary) > 0
        if self.reads:
            self.tfidf = self.vocabulary.tfidf(self.all.counts)  # (documents, terms)

    @cached_property
    def near(self) -> Any:
        """The graph that labels spread over, made when it is first needed."""
        return propagation.graph(self.neighbours.of(self.all.vectors))

    def learn(self, rows: Flags | None = None) -> tuple[Head, WordWeights]:
        """Return head and words learnt from the gold at *rows*; no words where none are counted."""
        mine = np.ones(len(self.gold), dtype=bool) if rows is None else rows
        head = self._fit(self.targets, self.weights * mine)
        labels, trust = self._gold_alone(mine)
        wanted = self.reads or self.self_trains
        if wanted and self.spreads and self.targets[mine].any():
            labels, trust = self._silver(head, mine)
            if self.self_trains:
                head = self._fit(labels, trust, head, STEPS_ON)
        return head, self._words(labels, trust, mine) if self.reads else ()

    def _fit(
        self,
        targets: Flags | Floats,
        trust: Floats,
        start: Head | None = None,
        iterations: int = ITERATIONS,
    ) -> Head:
        """Return the head of the first documents, as many as *targets* speaks of."""
        known = np.flatnonzero(trust)
        return fit(
            self.all.vectors[known],
            targets[known],
            self.bundle.label_vectors,
            kind=self.bundle.kind,
            overlaps=self.overlaps,
            weights=trust[known],
            scale=self.bundle.head.scale,
            offset=self.bundle.calibration.offset,
            start=start,
            iterations=iterations,
        )

    def _words(self, labels: Floats, trust: Floats, mine: Flags) -> WordWeights:
        """Return the words of gold and silver, and those of gold alone, at *mine*."""
        known = np.flatnonzero(self.weights * mine)
        features, targets = self.tfidf[known], self.targets[known]
        weights = None if (self.weights[known] == 1).all() else self.weights[known]
        if self.bundle.multi:
            return (lexical.regression(features, targets, self.overlaps, weights),)
        ratio = lexical.log_count_ratio(self.tfidf[: len(labels)], labels, trust, self.overlaps)
        if len(self.gold) < PLENTY:
            return (ratio,)
        few = lexical.regression(features, targets, self.overlaps, weights, iterations=FEW_STEPS)
        return ratio, few

    def _gold_alone(self, mine: Flags) -> tuple[Floats, Floats]:
        """Return labels of the gold and the trust in each; none in what is not learnt from."""
        trust = self.weights * mine
        return shares(self.targets), trust if self.bundle.multi else trust * self.targets.any(
            axis=1
        )

    def silver(self) -> tuple[Floats, Floats]:
        """Return what all gold says of the documents around it: labels, and the trust in each.

        (documents, labels), rows of sum 1, and (documents,), of as many of them as there is room
        for; in multi-label projects of none.
        """
        if not self.spreads:
            return np.zeros((0, self.targets.shape[1]), np.float32), np.zeros(0, np.float32)
        mine = np.ones(len(self.gold), dtype=bool)
        head = self._fit(self.targets, self.weights)
        labels, trust = self._silver(head, mine)
        return labels[len(mine) :], trust[len(mine) :]

    def _silver(self, head: Head, mine: Flags) -> tuple[Floats, Floats]:
        """Return labels of all documents and the trust in each.

        Gold outside *mine* is passed through like any open document, but teaches nothing.
        """
        labels, trust = self._gold_alone(mine)
        known = np.flatnonzero(trust)
        logits = head.logits(self.all.vectors, self.bundle.label_vectors)
        sharp = self.self_trains
        chances = softmax(logits / np.float32(propagation.SHARP_TEMPERATURE if sharp else 1))
        spread = propagation.propagate(self.near, chances, known, labels[known])
        made, belief = propagation.silver(
            spread, propagation.SHARP_TRUST if sharp else propagation.TRUST
        )
        made[known] = labels[known]
        belief[: len(trust)] = trust
        return made, belief

    def out_of_fold(self, *, seed: int, count: int = 4) -> Channels:
        """Return what each gold document is told by channels that never saw it or its thread."""
        fold = folds(self.targets, max(1, min(count, len(self.gold))), seed, self.threads)
        dense = np.zeros(self.targets.shape, dtype=np.float32)
        words: tuple[Floats, ...] = ()
        for held in np.unique(fold):
            mine = fold == held
            head, weights = self.learn(~mine)
            dense[mine] = head.logits(self.gold.vectors[mine], self.bundle.label_vectors)
            words = words or tuple(np.zeros_like(dense) for _ in weights)
            for said, learnt in zip(words, weights, strict=True):
                said[mine] = self.tfidf[np.flatnonzero(mine)] @ learnt
        return Channels(dense, words)

    def lexical(self, words: WordWeights, weights: Weights) -> Lexical | None:
        """Return the channel of *words* by their *weights*; None where it says nothing.

        More gold than the weights were chosen on may have learnt a kind more: it weighs nothing.
        """
        if not any(weights):
            return None
        known = zip(weights, words[: len(weights)], strict=True)
        total = sum(np.float32(weight) * each for weight, each in known)
        kept = np.asarray(total).astype(np.float16)  # as a bundle keeps it
        return Lexical(self.vocabulary, kept.astype(np.float32))


def shares(targets: Flags) -> Floats:
    """Return the share of each right label; a document that fits nothing has none."""
    right = targets.astype(np.float32)
    divided: Floats = right / np.maximum(right.sum(axis=1, keepdims=True), 1)
    return divided


def choose_weights(held_out: Channels, targets: Flags, *, multi: bool, offset: float) -> Weights:
    """Return the weights of words under which gold is likeliest, each at its best temperature.

    MAP with the prior CAUTION; 0 until words help. First that of the first kind; then what the
    second weighs beside it, or beside half of it, for both say much of the same.

    Args:
        held_out: of gold that taught no channel.
    """
    nothing = (0.0,) * len(held_out.words)
    if not any(said.any() for said in held_out.words) or not targets.any():
        return nothing

    def cost(weights: Weights) -> float:
        doubt = 0.5 * sum((weight / CAUTION) ** 2 for weight in weights)
        return doubt + calibration.least_loss(held_out.sum(weights) - offset, targets, multi=multi)

    best = min(((weight, *nothing[1:]) for weight in WEIGHTS), key=cost)
    if len(nothing) > 1:
        first = {best[0], best[0] / 2}
        best = min([best, *((each, beside) for each in first for beside in BESIDE)], key=cost)
    return best
