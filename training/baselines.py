"""What a user would try first: the figures every result is put beside."""

from __future__ import annotations

import warnings
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from inference.features import Features, joined
from training import lexical, metrics

Flags = NDArray[np.bool_]

STRENGTH: Final = 10.0
"""Inverse regularisation of the logistic regression on unit vectors; 1 is far too cautious."""

NAMES: Final = ("vectors_regression", "words_svm")


def measure(
    gold: Features, targets: Flags, test: Features, right: Flags, *, multi: bool
) -> dict[str, float]:
    """Return top-1 (multi-label: micro-F1) of both baselines, trained on *gold*, on *test*.

    vectors_regression: logistic regression on the frozen encoder's vectors.
    words_svm: a linear support vector machine on TF-IDF of words and pairs of words.

    Args:
        gold, test: with counts.
        targets, right: (documents, labels).

    Returns:
        Fractions; NaN where the gold holds fewer than two labels. Documents of the test without
        any right label count in micro-F1 alone.
    """
    words = lexical.vocabulary(joined([gold, test]).counts, 1)
    views = (
        (LogisticRegression(C=STRENGTH, max_iter=300), gold.vectors, test.vectors),
        (LinearSVC(), words.tfidf(gold.counts), words.tfidf(test.counts)),
    )
    score = _micro_f1 if multi else _top1
    with warnings.catch_warnings():  # of many labels among few documents: that is the task
        warnings.filterwarnings("ignore", message="The number of unique classes", module="sklearn")
        return {name: score(*view, targets, right) for name, view in zip(NAMES, views, strict=True)}


def _top1(model: Any, known: Any, unknown: Any, targets: Flags, right: Flags) -> float:
    fits = np.flatnonzero(targets.any(axis=1))
    labels = targets[fits].argmax(axis=1)
    asked = np.flatnonzero(right.any(axis=1))
    if len(np.unique(labels)) < 2 or not len(asked):
        return metrics.NOTHING
    said = model.fit(known[fits], labels).predict(unknown[asked])
    return metrics.share(right[asked, said])


def _micro_f1(model: Any, known: Any, unknown: Any, targets: Flags, right: Flags) -> float:
    """One model a label; a label that all gold has or none has is always or never given."""
    given = np.zeros(right.shape, dtype=bool)
    if not len(targets):
        return metrics.NOTHING
    for label in range(targets.shape[1]):
        has = targets[:, label]
        given[:, label] = has.all() or (has.any() and model.fit(known, has).predict(unknown))
    return metrics.micro_f1(given, right)
