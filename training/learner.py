"""Fit a bundle's channels, the head and the words, on any part of the gold."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from inference.bundle import Bundle
from inference.calibrate import softmax
from inference.features import Features, joined
from inference.head import Head
from inference.lexical import Lexical
from training import calibration, lexical, propagation
from training.head import ITERATIONS, fit, folds

Flags = NDArray[np.bool_]
Floats = NDArray[np.float32]

MOST_CELLS: Final = 4_000_000
"""Documents times labels that silver is propagated over: 16 MB an array, a few hundred
milliseconds. With more labels fewer documents are silver."""

STEPS_ON: Final = 10
"""Steps of descent from the head of the gold to that of gold and silver; twenty are no better."""

WEIGHTS: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.3, 1.6)
"""What the words may weigh beside the head."""

CAUTION: Final = 0.25
"""Width of the normal prior on the weight, centred on 0: words have to show that they help."""


class Channels(NamedTuple):
    """What both channels say of some documents, each (documents, labels), uncalibrated."""

    dense: Floats
    words: Floats

    def sum(self, weight: float) -> Floats:
        """Return the logits with words of this weight."""
        total: Floats = self.dense + np.float32(weight) * self.words
        return total

    def take(self, rows: Flags) -> Channels:
        """Return what they say of the documents at *rows*."""
        return Channels(self.dense[rows], self.words[rows])


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
        self_trains: whether the head, too, learns silver. It is then too sure of the very documents
            that were silver: docs/decisions/0013.
    """

    def __init__(
        self,
        bundle: Bundle,
        gold: Features,
        targets: Flags,
        overlaps: Flags,
        around: Features,
        weights: Floats | None = None,
        *,
        self_trains: bool = False,
    ) -> None:
        self.self_trains = self_trains
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
        if self.spreads:
            self.near = propagation.graph(self.all.vectors)

    def learn(self, rows: Flags | None = None) -> tuple[Head, Floats | None]:
        """Return head and word weights, (terms, labels), learnt from the gold at *rows*.

        None where words are not counted.
        """
        mine = np.ones(len(self.gold), dtype=bool) if rows is None else rows
        head = self._fit(self.targets, self.weights * mine)
        if not self.spreads or not self.targets[mine].any():
            return head, self._words(*self._gold_alone(mine)) if self.reads else None
        labels, trust = self._silver(head, mine)
        if self.self_trains:
            head = self._fit(labels, trust, head, STEPS_ON)
        return head, self._words(labels, trust) if self.reads else None

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

    def _words(self, targets: Floats, trust: Floats) -> Floats:
        if self.bundle.multi:
            known = np.flatnonzero(trust)
            return lexical.regression(self.tfidf[known], self.targets[known], self.overlaps)
        return lexical.log_count_ratio(self.tfidf[: len(targets)], targets, trust, self.overlaps)

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
        """Return what each gold document is told by channels that never saw it."""
        fold = folds(self.targets, max(1, min(count, len(self.gold))), seed)
        dense = np.zeros(self.targets.shape, dtype=np.float32)
        words = np.zeros_like(dense)
        for held in np.unique(fold):
            mine = fold == held
            head, weights = self.learn(~mine)
            dense[mine] = head.logits(self.gold.vectors[mine], self.bundle.label_vectors)
            if weights is not None:
                words[mine] = self.tfidf[np.flatnonzero(mine)] @ weights
        return Channels(dense, words)

    def lexical(self, weights: Floats | None, weight: float) -> Lexical | None:
        """Return the channel with all it says times *weight*; None where it says nothing."""
        if weights is None or not weight:
            return None
        kept = (np.float32(weight) * weights).astype(np.float16)  # as a bundle keeps it
        return Lexical(self.vocabulary, kept.astype(np.float32))


def shares(targets: Flags) -> Floats:
    """Return the share of each right label; a document that fits nothing has none."""
    right = targets.astype(np.float32)
    divided: Floats = right / np.maximum(right.sum(axis=1, keepdims=True), 1)
    return divided


def choose_weight(held_out: Channels, targets: Flags, *, multi: bool, offset: float) -> float:
    """Return the weight of words under which gold is likeliest, each at its best temperature.

    MAP over WEIGHTS with the prior CAUTION; 0 until words help.

    Args:
        held_out: of gold that taught neither channel.
    """
    if not held_out.words.any() or not targets.any():
        return 0.0
    costs = [
        calibration.least_loss(held_out.sum(weight) - offset, targets, multi=multi)
        + 0.5 * (weight / CAUTION) ** 2
        for weight in WEIGHTS
    ]
    return WEIGHTS[int(np.argmin(costs))]
