"""What a model is worth on gold, each figure a plain function of arrays.

`scores` are logits or probabilities, (documents, labels); `targets`, (documents, labels), is true
where a label is right. Figures are fractions in [0, 1]. NaN: there was nothing to measure on.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from training.gates import Interval

Flags = NDArray[np.bool_]
Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.integer[Any]]

NOTHING: Final = float("nan")
BINS: Final = 15
"""Bins of equal width of the calibration error, as is usual (Guo et al., 2017)."""


def share(flags: Flags) -> float:
    """Return the share of true ones; NaN of none."""
    return float(flags.mean()) if flags.size else NOTHING


def first_right(scores: Floats, targets: Flags) -> Flags:
    """Return whether each document's highest score is a right label, (documents,)."""
    rows = np.arange(len(scores))
    right: Flags = targets[rows, scores.argmax(axis=1)]
    return right


def top1(scores: Floats, targets: Flags) -> float:
    """Return the share of documents whose highest score is a right label."""
    return share(first_right(scores, targets)) if len(scores) else NOTHING


def recall_at(k: int, scores: Floats, targets: Flags) -> float:
    """Return the share of documents with a right label among their *k* highest scores (Hit@k).

    With fewer than *k* labels, all count.
    """
    if not len(scores):
        return NOTHING
    return share(among(k, scores, targets))


def among(k: int, scores: Floats, targets: Flags) -> Flags:
    """Return whether each document has a right label among its *k* highest scores, (documents,)."""
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]  # (documents, k)
    return np.asarray(np.take_along_axis(targets, best, axis=1).any(axis=1), dtype=bool)


def mean_reciprocal_rank(scores: Floats, targets: Flags) -> float:
    """Return the mean of 1 / rank of the first right label; 0 for a document without one."""
    if not len(scores):
        return NOTHING
    best = np.argsort(-scores, axis=1, kind="stable")
    found = np.take_along_axis(targets, best, axis=1)  # (documents, labels), best first
    ranks = found.argmax(axis=1) + 1
    return float(np.where(found.any(axis=1), 1 / ranks, 0).mean())


def micro_f1(assigned: Flags, targets: Flags) -> float:
    """Return F1 over all pairs of document and label; both (documents, labels)."""
    return f1(assigned & targets, assigned, targets)


def f1(hits: Flags, assigned: Flags, targets: Flags) -> float:
    """Return 2 · hits / (assigned + right); NaN where there is neither."""
    total = int(assigned.sum()) + int(targets.sum())
    return 2 * int(hits.sum()) / total if total else NOTHING


def macro_f1(assigned: Flags, targets: Flags) -> float:
    """Return the mean F1 of labels that were assigned or right anywhere."""
    hits, made = (assigned & targets).sum(axis=0), assigned.sum(axis=0)
    total = made + targets.sum(axis=0)  # (labels,)
    judged = total > 0
    return float((2 * hits[judged] / total[judged]).mean()) if judged.any() else NOTHING


def calibration_error(certainties: Floats, correct: Flags, bins: int = BINS) -> float:
    """Return the expected calibration error: mean |probability - share right| over equal bins.

    Args:
        certainties: (documents,), probability of what was predicted.
        correct: (documents,), whether it was right.
    """
    if not len(certainties):
        return NOTHING
    binned = np.minimum((certainties * bins).astype(int), bins - 1)
    gaps = np.bincount(binned, weights=certainties.astype(np.float64) - correct, minlength=bins)
    return float(np.abs(gaps).sum() / len(certainties))


def calibration_by_chance(certainties: Floats, *, seed: int, draws: int = 200) -> float:
    """Return the calibration error that true probabilities would show on as many documents.

    The mean over *draws* in which each document is right with its own probability.
    """
    if not len(certainties):
        return NOTHING
    rng = np.random.default_rng(seed)
    errors = [
        calibration_error(certainties, rng.random(len(certainties)) < certainties)
        for _ in range(draws)
    ]
    return float(np.mean(errors))


def coverage(accepted: Flags) -> float:
    """Return the share of documents accepted without a person."""
    return share(accepted)


def precision(accepted: Flags, correct: Flags) -> float:
    """Return the share right of those accepted; NaN where none is."""
    return share(correct[accepted])


def out_of_scope_auroc(top_logits: Floats, fits: Flags) -> float:
    """Return the probability that a fitting document's highest logit beats a strange one's.

    Ties count half. NaN where either kind is missing.
    """
    usual, strange = int(fits.sum()), int((~fits).sum())
    if not usual or not strange:
        return NOTHING
    ranks = rankdata(top_logits)
    return float((ranks[fits].sum() - usual * (usual + 1) / 2) / (usual * strange))


def hierarchical_f1(assigned: Flags, targets: Flags, ancestors: Flags) -> float:
    """Return micro-F1 over labels with all their ancestors (Kiritchenko et al., 2005).

    Args:
        ancestors: (labels, nodes), true for each label's own node and all above it.
    """
    above = ancestors.astype(np.float32)
    made, right = (flags.astype(np.float32) @ above > 0 for flags in (assigned, targets))
    return micro_f1(np.asarray(made), np.asarray(right))


def confusions(assigned: Flags, targets: Flags, most: int = 20) -> list[tuple[int, int, int]]:
    """Return (right label, label given instead, documents), the commonest first.

    A document counts for each right label it lacks with each wrong label it was given.
    """
    lacks, wrong = (targets & ~assigned), (assigned & ~targets)
    counts = lacks.astype(np.float32).T @ wrong.astype(np.float32)  # (right, given)
    places = np.argsort(-counts, axis=None, kind="stable")[:most]
    found = (np.unravel_index(place, counts.shape) for place in places.tolist())
    return [
        (int(row), int(column), int(counts[row, column]))
        for row, column in found
        if counts[row, column]
    ]


def sibling_confusion(scores: Floats, targets: Flags, siblings: Flags) -> float:
    """Return the share of documents whose wrong first label is a sibling of a right one.

    Args:
        siblings: (labels, labels), true for labels with the same parent.
    """
    if not len(scores):
        return NOTHING
    beside = (siblings[scores.argmax(axis=1)] & targets).any(axis=1)
    return share(~first_right(scores, targets) & beside)


def paired_difference(before: Flags, after: Flags) -> Interval:
    """Return how much more often *after* is right than *before*, with its 95 % interval.

    Normal approximation of the difference of paired shares; the two that would change it least,
    one gained and one lost document, are added, so that a handful of documents proves nothing
    (Agresti & Min, 2005).

    Args:
        before, after: (documents,), right or not, of the same documents.
    """
    count = len(before)
    if not count:
        return Interval(NOTHING, NOTHING, NOTHING)
    gained = int((after & ~before).sum())
    lost = int((before & ~after).sum())
    size, change = count + 2, (gained - lost) / (count + 2)
    spread = np.sqrt(max((gained + lost + 1) / size - change**2, 0) / size)
    return Interval(
        (gained - lost) / count, float(change - 1.96 * spread), float(change + 1.96 * spread)
    )


def falls(
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    threads: NDArray[np.int64] | None = None,
) -> bool:
    """Whether the mean of paired losses falls by more than its standard error.

    Args:
        before, after: of the same documents, (documents,).
        threads: (documents,), a number that documents share which belong together; None: each is
            alone. What changes, changes for a thread.
    """
    changes = after - before  # (documents,)
    together = np.arange(len(changes)) if threads is None else threads
    _, thread = np.unique(together, return_inverse=True)
    sums = np.bincount(thread, weights=changes - changes.mean()) if len(changes) else changes
    if len(sums) < 2:
        return False
    spread = np.sqrt((sums**2).sum() * len(sums) / (len(sums) - 1))
    return bool(changes.mean() < -spread / len(changes))
