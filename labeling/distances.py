"""How far two answers are from each other, so that a near miss weighs less than a far one.

An answer is the set of labels one person gave to one document; the empty one: nothing fits. What
agreement weighs is δ², the square of a distance (Krippendorff, 2011). Each function here returns
one that tells the rows of the matrix asked for: of 5,000 answers the whole would take 200 MB.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

Answer = frozenset[int]
Floats = NDArray[np.float64]
Indices = NDArray[np.integer[Any]]
Rows = Callable[[Indices], Floats]
"""From places of answers, (chosen,), to their δ² to every answer, (chosen, answers)."""


def nominal(answers: Sequence[Answer]) -> Rows:
    """Return δ² of 0 for the same answer and 1 for any other."""
    places = np.arange(len(answers))

    def rows(chosen: Indices) -> Floats:
        return np.asarray(chosen[:, None] != places, dtype=np.float64)

    return rows


def tree(answers: Sequence[Answer], parents: Mapping[int, int | None]) -> Rows:
    """Return the square of the tree distance: sibling 1, cousin 4, second cousin 9.

    The distance of two labels is the edges up to their lowest common ancestor, of labels at
    different depths the longer way; all branches meet above the tree. "Nothing fits" stands beside
    the branches: it says that none is right, so it is as far from a label as that label's depth,
    which is how far a label of another branch at the same depth or above it is.

    Args:
        answers: of one label at most.
        parents: of every label of the tree, None at the top. Labels it does not know stand at the
            top.

    Raises:
        ValueError: an answer has several labels.
    """
    if any(len(answer) > 1 for answer in answers):
        raise ValueError("Tree distance is between single labels; use masi for sets.")
    paths = _numbered([_path(next(iter(answer), None), parents) for answer in answers])
    depths = (paths >= 0).sum(axis=1)  # (answers,)

    def rows(chosen: Indices) -> Floats:
        alike = np.ones((len(chosen), len(paths)), dtype=bool)
        shared = np.zeros(alike.shape)
        for level in paths.T:  # (answers,), from the top down
            alike &= (level[chosen, None] == level) & (level >= 0)
            shared += alike
        longer: Floats = np.maximum(depths[chosen, None], depths) - shared
        return longer**2

    return rows


def masi(answers: Sequence[Answer]) -> Rows:
    """Return the MASI distance of sets: 1 - Jaccard · monotonicity, in [0, 1], taken as δ².

    Monotonicity is 1 for equal sets, ⅔ where one holds the other, ⅓ where they only overlap
    (Passonneau, 2006, https://aclanthology.org/L06-1392/, who puts it in the place of δ² too).
    "Nothing fits" is 1 from every set of labels.
    """
    labels = {label: place for place, label in enumerate(sorted(frozenset().union(*answers)))}
    members = np.zeros((len(answers), len(labels)))
    for row, answer in enumerate(answers):
        members[row, [labels[label] for label in answer]] = 1
    sizes = members.sum(axis=1)  # (answers,)

    def rows(chosen: Indices) -> Floats:
        both = members[chosen] @ members.T  # (chosen, answers), labels in common
        either = sizes[chosen, None] + sizes - both
        is_nested = both == np.minimum(sizes[chosen, None], sizes)
        monotonicity = np.where(is_nested, 2 / 3, 1 / 3)
        apart: Floats = 1 - both / np.maximum(either, 1) * monotonicity
        return np.where(both == either, 0.0, apart)

    return rows


def top(label: int, parents: Mapping[int, int | None]) -> int:
    """Return the branch of *label*: the label above it that has none above."""
    while (above := parents.get(label)) is not None:
        label = above
    return label


def _path(label: int | None, parents: Mapping[int, int | None]) -> list[Hashable]:
    """Return the nodes from the top of the tree down to *label*."""
    path: list[Hashable] = [label]
    while label is not None and (label := parents.get(label)) is not None:
        path.append(label)
    return path[::-1]


def _numbered(paths: Sequence[Sequence[Hashable]]) -> Indices:
    """Return (paths, depth) numbers of nodes; -1 below the end of a path."""
    nodes = {node: number for number, node in enumerate(dict.fromkeys(chain.from_iterable(paths)))}
    padded = np.full((len(paths), max(map(len, paths), default=0)), -1)
    for row, path in enumerate(paths):
        padded[row, : len(path)] = [nodes[node] for node in path]
    return padded
