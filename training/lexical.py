"""Fit the lexical channel: which words speak for which label."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from inference.lexical import Vocabulary
from inference.terms import Counts, frequencies

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]
Sparse = Any  # csr_matrix, (documents, terms)

MOST_TERMS: Final = 100_000
MOST_WEIGHTS: Final = 8_000_000
"""Terms times labels: 16 MB in a bundle."""

LEAST_DOCUMENTS: Final = 2
"""Documents a term stands in before it is read: one that stands in a single one tells nothing of
others."""

SMOOTHING: Final = 0.03
"""Added to each count. Of 0.01, 0.03, 0.1 and 0.3 the first two give the best top-1 on held-out
training texts of BANKING77 and newsgroups20, at every size within 0.4 points of each other."""

SHRINKAGE: Final = 0.3
"""Ridge of `regression`: better than 1 on nlupp's held-out training texts at every size."""

LOUDNESS: Final = 10.0
"""Regression scores run from 0 to 1, the head's logits over some ten: a weight of 1 makes both
speak alike."""


def vocabulary(counts: Counts, labels: int) -> Vocabulary:
    """Return the terms of *counts* that stand in enough documents, the commonest if too many.

    The inverse document frequency is ln((1 + documents) / (1 + documents with it)) + 1.

    Args:
        counts: (documents, terms.SPACE), of all documents there are, labelled or not.
    """
    terms, documents = frequencies(counts)
    kept = documents >= LEAST_DOCUMENTS
    terms, documents = terms[kept], documents[kept]
    most = min(MOST_TERMS, MOST_WEIGHTS // max(1, labels))
    if len(terms) > most:
        commonest = np.sort(np.argsort(-documents, kind="stable")[:most])
        terms, documents = terms[commonest], documents[commonest]
    idf = np.log((1 + counts.shape[0]) / (1 + documents)) + 1
    return Vocabulary(terms.astype(np.int32), idf.astype(np.float32))


def log_count_ratio(
    features: Sparse, targets: Floats, weights: Floats, overlaps: Flags | None = None
) -> Floats:
    """Return how much more often each term stands under a label than under the others.

    Naive Bayes' ln p(term | label) - ln p(term | other labels) over TF-IDF mass (Rennie et al.,
    2003; Wang and Manning, 2012, https://aclanthology.org/P12-2018), centred on 0 over the labels.
    Documents of overlapping labels count for neither side. One matrix product, and better beside
    the dense head than a linear model fitted by descent: docs/decisions/0012.

    Args:
        features: TF-IDF, (documents, terms).
        targets: (documents, labels), shares of each document's label; rows sum to 1 or 0.
        weights: (documents,), trust in each document.
        overlaps: (labels, labels), symmetric.

    Returns:
        (terms, labels), float32. A label that has less than a document's trust behind it is
        shrunk towards 0: of the labels' words alone nothing is known.
    """
    trusted = targets * weights[:, None]  # (documents, labels)
    under = np.asarray(features.T @ trusted)  # (terms, labels)
    others = under.sum(axis=1, keepdims=True) - under
    if overlaps is not None and overlaps.any():
        others -= under @ overlaps.astype(np.float32)
    ratio = _log_shares(under) - _log_shares(np.maximum(others, 0))
    ratio -= ratio.mean(axis=1, keepdims=True)
    support = trusted.sum(axis=0)  # (labels,)
    scores: Floats = (ratio * np.minimum(1, support)).astype(np.float32)
    return scores


def _log_shares(mass: Floats) -> Floats:
    smoothed = mass + np.float32(SMOOTHING)
    shares: Floats = np.log(smoothed) - np.log(smoothed.sum(axis=0, keepdims=True))
    return shares


def regression(
    features: Sparse,
    targets: Flags,
    overlaps: Flags | None = None,
    weights: Floats | None = None,
    *,
    iterations: int = 40,
    precision: float = 1e-4,
) -> Floats:
    """Return the ridge regression of each label's targets, minus their mean, on the terms.

    By conjugate gradients, all labels at once. For multi-label projects, where a document's other
    labels are not evidence against a label, as `log_count_ratio` would have it. Labels that overlap
    a right one are neither right nor wrong.

    Args:
        features: TF-IDF, (documents, terms).
        targets: (documents, labels).
        weights: (documents,), of each document's squared error; None: 1 of all.

    Returns:
        (terms, labels), float32, times LOUDNESS.
    """
    right = targets.astype(np.float32)
    wanted = right - np.average(right, axis=0, weights=weights)
    if overlaps is not None and overlaps.any():
        wanted[(right @ overlaps.astype(np.float32) > 0) & ~targets] = 0
    transposed = features.T.tocsr()
    if weights is not None:
        transposed = transposed.multiply(weights[None, :].astype(np.float32)).tocsr()
    residual = np.asarray(transposed @ wanted)  # (terms, labels)
    found, step = np.zeros_like(residual), residual.copy()
    size = start = (residual**2).sum(axis=0)  # (labels,)
    for _ in range(iterations):
        if (size <= precision * start).all():
            break
        moved = transposed @ (features @ step) + SHRINKAGE * step
        length = size / np.maximum((step * moved).sum(axis=0), 1e-20)
        found += length * step
        residual -= length * moved
        after = (residual**2).sum(axis=0)
        step = residual + after / np.maximum(size, 1e-20) * step
        size = after
    scores: Floats = (LOUDNESS * found).astype(np.float32)
    return scores
