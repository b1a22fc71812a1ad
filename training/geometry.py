"""Measure how an encoder's space lies: where right labels stand, and how it spreads."""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
PAIRS = 20_000  # random pairs a mean is taken over: its standard error is below 0.002


@dataclass(frozen=True, slots=True)
class Geometry:
    """Measures of one space; all from unit vectors, all cosines in [-1, 1].

    right_label_train, right_label_held_out: mean cosine of documents to their right labels.
    drop: the first minus the second; large when the encoder has memorised.
    anisotropy: mean cosine of random pairs of documents; 0 when they fill the sphere.
    alignment: mean squared distance of documents that share a label; lower is tighter.
    uniformity: log of the mean Gaussian potential of random pairs; lower is more even.
        Both after Wang and Isola (2020), https://arxiv.org/abs/2005.10242.
    """

    right_label_train: float
    right_label_held_out: float
    drop: float
    anisotropy: float
    alignment: float
    uniformity: float

    def as_json(self) -> dict[str, float]:
        return asdict(self)


def right_label_cosine(documents: Vectors, labels: Vectors, targets: NDArray[np.bool_]) -> float:
    """Return the mean cosine of each document to each of its right labels; NaN if there are none.

    Args:
        documents: (documents, dim) unit vectors.
        labels: (labels, dim) unit vectors.
        targets: (documents, labels), true where the label is right.
    """
    rows, columns = np.nonzero(targets)
    if not len(rows):
        return float("nan")
    return float(np.einsum("pd,pd->p", documents[rows], labels[columns]).mean())


def random_pairs(count: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return positions of up to 20,000 random pairs of different documents."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, count, PAIRS)
    return first, (first + rng.integers(1, count, PAIRS)) % count


def anisotropy(documents: Vectors, *, seed: int) -> float:
    """Return the mean cosine of random pairs; NaN with fewer than two documents."""
    if len(documents) < 2:
        return float("nan")
    first, second = random_pairs(len(documents), seed)
    return float(np.einsum("pd,pd->p", documents[first], documents[second]).mean())


def uniformity(documents: Vectors, *, seed: int) -> float:
    """Return log mean exp(-2·distance²) of random pairs; 0 when all fall on one point."""
    if len(documents) < 2:
        return float("nan")
    first, second = random_pairs(len(documents), seed)
    squared = ((documents[first] - documents[second]) ** 2).sum(axis=1)  # (pairs,)
    return float(np.log(np.exp(-2 * squared).mean()))


def alignment(documents: Vectors, targets: NDArray[np.bool_], *, seed: int) -> float:
    """Return the mean squared distance of random pairs that share a label; NaN without any."""
    rng = np.random.default_rng(seed)
    squared = []
    for column in np.flatnonzero(targets.sum(axis=0) >= 2):
        members = rng.permutation(np.flatnonzero(targets[:, column]))
        pairs = documents[members[:-1]] - documents[members[1:]]  # (members - 1, dim)
        squared.append((pairs**2).sum(axis=1))
    return float(np.concatenate(squared).mean()) if squared else float("nan")


def measure(
    train: tuple[Vectors, NDArray[np.bool_]],
    held_out: tuple[Vectors, NDArray[np.bool_]],
    labels: Vectors,
    *,
    seed: int,
) -> Geometry:
    """Measure one space from (documents, targets) of training and of held-out gold."""
    on_train = right_label_cosine(train[0], labels, train[1])
    on_held_out = right_label_cosine(held_out[0], labels, held_out[1])
    return Geometry(
        right_label_train=on_train,
        right_label_held_out=on_held_out,
        drop=on_train - on_held_out,
        anisotropy=anisotropy(held_out[0], seed=seed),
        alignment=alignment(*held_out, seed=seed),
        uniformity=uniformity(held_out[0], seed=seed),
    )
