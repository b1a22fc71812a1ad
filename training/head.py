"""Fit the label-tied head by MAP: from no gold to thousands without a seam."""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from inference.calibrate import sigmoid
from inference.head import Head

Kind = Literal["single", "multi"]
Flags = NDArray[np.bool_]
Array = NDArray[Any]  # float32 in a fit, float64 where gradients are checked

ITERATIONS: Final = 40
"""L-BFGS steps at most. BANKING77 with 1,000 gold: the same test top-1 as 200 steps give."""

PRECISION: Final = 1e-5
"""Relative change of the loss below which the fit is done; far below what moves a decision."""


class Objective:
    """The loss that a fit minimises, and its gradient.

    Cross-entropy (single) or binary cross-entropy (multi) summed over documents, plus
    ridge · scale · ‖delta‖² + ½ ‖bias‖²: a Gaussian prior on both, centred on what the label texts
    say. Overlapping labels of a right label are neither right nor wrong.

    Args:
        vectors: unit vectors, (documents, dim); their dtype is that of all arithmetic.
        targets: (documents, labels), true where right, or the share of each label. Single-label: a
            document without any is left out; with several, each counts equally.
        label_vectors: unit vectors, (labels, dim).
        overlaps: (labels, labels), symmetric; None where no labels overlap.
        weights: (documents,) trust in each document, gold 1; None for 1 each.
        offset: multi-label: subtracted from every logit; see inference.calibrate.Calibration.
    """

    def __init__(  # noqa: PLR0913 - data, prior and masks of one fit
        self,
        vectors: Array,
        targets: Flags | Array,
        label_vectors: Array,
        *,
        kind: Kind,
        overlaps: Flags | None = None,
        weights: Array | None = None,
        scale: float = 20.0,
        ridge: float = 0.3,
        offset: float = 0.0,
    ) -> None:
        kept = targets.any(axis=1) if kind == "single" else np.ones(len(targets), dtype=bool)
        self.vectors, shares = vectors[kept], targets[kept].astype(vectors.dtype)
        self.kind, self.scale, self.ridge = kind, scale, ridge
        dtype = vectors.dtype
        trust = np.ones(len(vectors), dtype) if weights is None else weights.astype(dtype)
        self.weights = trust[kept][:, None]  # (documents, 1)
        self.shape = label_vectors.shape
        self.masked = np.zeros(shares.shape, dtype=bool)
        if overlaps is not None:
            self.masked = (shares @ overlaps.astype(dtype) > 0) & (shares == 0)
        self.targets = shares / shares.sum(axis=1, keepdims=True) if kind == "single" else shares
        self.fixed = self.scale * (self.vectors @ label_vectors.T) - np.asarray(offset, dtype)

    def __call__(self, parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return the loss in nats and its gradient by delta and bias, flattened as given."""
        delta, bias = self.split(parameters)
        logits = self.fixed + self.scale * (self.vectors @ delta.T) + bias  # (documents, labels)
        loss, slope = self._softmax(logits) if self.kind == "single" else self._sigmoid(logits)
        slope *= self.weights
        total = float((loss * self.weights[:, 0]).sum(dtype=np.float64))
        total += self.ridge * self.scale * float((delta * delta).sum(dtype=np.float64))
        total += 0.5 * float((bias * bias).sum(dtype=np.float64))
        by_delta = self.scale * (slope.T @ self.vectors) + 2 * self.ridge * self.scale * delta
        by_bias = slope.sum(axis=0) + bias
        return total, np.concatenate([by_delta.ravel(), by_bias]).astype(np.float64)

    def split(self, parameters: NDArray[np.float64]) -> tuple[Array, Array]:
        """Return delta, (labels, dim), and bias, (labels,)."""
        labels, dim = self.shape
        typed = parameters.astype(self.vectors.dtype)
        return typed[: labels * dim].reshape(labels, dim), typed[labels * dim :]

    def _softmax(self, logits: Array) -> tuple[Array, Array]:
        logits[self.masked] = -np.inf
        top = logits.max(axis=1, keepdims=True)
        exponents = np.exp(logits - top)
        total = exponents.sum(axis=1, keepdims=True)
        right = np.where(self.targets > 0, logits, 0)  # never a masked label
        loss = (np.log(total) + top)[:, 0] - (self.targets * right).sum(axis=1)
        return loss, exponents / total - self.targets

    def _sigmoid(self, logits: Array) -> tuple[Array, Array]:
        cells = np.logaddexp(0, logits) - self.targets * logits
        cells[self.masked] = 0
        slope = sigmoid(logits).astype(logits.dtype) - self.targets
        slope[self.masked] = 0
        return cells.sum(axis=1), slope


def fit(  # noqa: PLR0913 - see Objective
    vectors: Array,
    targets: Flags | Array,
    label_vectors: Array,
    *,
    kind: Kind,
    overlaps: Flags | None = None,
    weights: Array | None = None,
    scale: float = 20.0,
    ridge: float = 0.3,
    offset: float = 0.0,
    iterations: int = ITERATIONS,
    start: Head | None = None,
) -> Head:
    """Return the most probable head given gold; with no gold, the head that has learnt nothing.

    The loss is convex, so the same gold gives the same head. A label without gold keeps delta
    near 0: it is only pushed away from documents of others. Arguments are those of Objective.

    Args:
        start: where to begin the descent, where something near is known.

    Raises:
        ValueError: the shapes do not match.
    """
    labels, dim = label_vectors.shape
    if targets.shape != (len(vectors), labels):
        raise ValueError(f"targets {targets.shape} for {len(vectors)} documents, {labels} labels")
    objective = Objective(
        vectors,
        targets,
        label_vectors,
        kind=kind,
        overlaps=overlaps,
        weights=weights,
        scale=scale,
        ridge=ridge,
        offset=offset,
    )
    if not len(objective.vectors):
        return Head.zero(labels, dim, scale)
    begin = Head.zero(labels, dim) if start is None else start
    found = minimize(
        objective,
        np.concatenate([begin.delta.ravel(), begin.bias]).astype(np.float64),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": iterations, "maxcor": 10, "ftol": PRECISION, "gtol": 1e-3},
    )
    delta, bias = objective.split(found.x)
    return Head(delta.astype(np.float32), bias.astype(np.float32), scale)


def folds(
    targets: Flags, count: int, seed: int, threads: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Return the fold of each document, (documents,), in [0, count).

    Each label's documents are spread over the folds, by their first label; documents without any
    label likewise.

    Args:
        threads: (documents,), a number that documents share which belong together: they fall into
            one fold, as those to come belong to other threads. None: each is alone.
    """
    alone = np.arange(len(targets)) if threads is None else threads
    _, firsts, thread = np.unique(alone, return_index=True, return_inverse=True)
    told = targets[firsts]
    shuffled = np.random.default_rng(seed).permutation(len(told))
    first = np.where(told.any(axis=1), told.argmax(axis=1), -1)
    ordered = shuffled[np.argsort(first[shuffled], kind="stable")]
    fold = np.empty(len(told), dtype=np.int64)
    fold[ordered] = np.arange(len(told)) % count
    return fold[thread]
