"""What training learns from: prepared texts with their right labels, and how labels relate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from training.splits import Split

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Documents with what people said of them, ordered by document id.

    ids: (documents,) document ids.
    texts: (documents,) prepared texts, as the encoder reads them.
    targets: (documents, labels), true where the label is right; a row without any fits none.
    splits: (documents,) the split of each document.
    weights: (documents,) float32, trust in each document's labels: gold 1, silver less.
    threads: (documents,) a number that the documents of a thread share.

    Raises:
        ValueError: its parts speak of different numbers of documents.
    """

    ids: NDArray[np.int64]
    texts: tuple[str, ...]
    targets: Flags
    splits: NDArray[np.str_]
    weights: NDArray[np.float32]
    threads: NDArray[np.int64]

    def __post_init__(self) -> None:
        lengths = {len(getattr(self, field.name)) for field in fields(self)}
        if len(lengths) > 1:
            raise ValueError(f"examples of different lengths: {sorted(lengths)}")

    @classmethod
    def open_ones(
        cls, texts: Sequence[str], targets: Flags, weights: NDArray[np.float32]
    ) -> "Examples":
        """Return documents to learn from that nobody reviewed, each a thread of its own."""
        nobody = np.zeros(len(texts), dtype=np.int64)
        return cls(
            ids=nobody,
            texts=tuple(texts),
            targets=targets,
            splits=np.full(len(texts), str(Split.TRAIN)),
            weights=weights,
            threads=-1 - np.arange(len(texts)),
        )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def fits(self) -> Flags:
        """(documents,) whether any label is right."""
        return np.asarray(self.targets.any(axis=1))

    def rows(self, *splits: Split) -> NDArray[np.int64]:
        """Return the positions of the documents of *splits*, in order."""
        return np.flatnonzero(np.isin(self.splits, [str(split) for split in splits]))

    def part(self, *splits: Split) -> "Examples":
        """Return the documents of *splits*."""
        return self.take(self.rows(*splits))

    def and_(self, others: "Examples") -> "Examples":
        """Return these documents and the *others* after them."""
        return Examples(
            ids=np.concatenate([self.ids, others.ids]),
            texts=self.texts + others.texts,
            targets=np.concatenate([self.targets, others.targets]),
            splits=np.concatenate([self.splits, others.splits]),
            weights=np.concatenate([self.weights, others.weights]),
            threads=np.concatenate([self.threads, others.threads]),
        )

    def take(self, rows: NDArray[np.int64]) -> "Examples":
        """Return the documents at *rows*."""
        return Examples(
            ids=self.ids[rows],
            texts=tuple(self.texts[row] for row in rows),
            targets=self.targets[rows],
            splits=self.splits[rows],
            weights=self.weights[rows],
            threads=self.threads[rows],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Opinions:
    """What a cross-encoder thinks of some labels of each document.

    columns: (documents, candidates), places of the labels; -1 where there is none.
    logits: (documents, candidates) float32.
    """

    columns: NDArray[np.int64]
    logits: NDArray[np.float32]

    def take(self, rows: NDArray[np.int64]) -> "Opinions":
        """Return those of the documents at *rows*."""
        return Opinions(self.columns[rows], self.logits[rows])

    def below(self, documents: int) -> "Opinions":
        """Return them for as many *documents* before these, about which nothing is thought."""
        empty = ((documents, 0), (0, 0))
        return Opinions(np.pad(self.columns, empty, constant_values=-1), np.pad(self.logits, empty))


@dataclass(frozen=True, slots=True, eq=False)
class Relations:
    """How the labels stand to each other, rows and columns in the order of `Examples.targets`.

    overlaps: (labels, labels) symmetric; both may be right, so neither is the other's negative.
    distances: (labels, labels) float32, edges to the lowest common ancestor: self 0, sibling 1,
        cousin 2, …
    ancestors: (labels, nodes), true for each label's own node and every one above it.
    """

    overlaps: Flags
    distances: NDArray[np.float32]
    ancestors: Flags


def targets_of(labelled: Sequence[Sequence[int]], label_ids: Sequence[int]) -> Flags:
    """Return (documents, labels), true where the document has the label; others are ignored."""
    column = {label: place for place, label in enumerate(label_ids)}
    targets = np.zeros((len(labelled), len(label_ids)), dtype=bool)
    for row, labels in enumerate(labelled):
        for label in labels:
            if label in column:
                targets[row, column[label]] = True
    return targets


def relations(
    label_ids: Sequence[int],
    parents: Mapping[int, int | None],
    overlaps: Mapping[int, frozenset[int]],
) -> Relations:
    """Return how labels relate.

    Args:
        label_ids: in the order wanted.
        parents: parent of every label of the tree, grouping labels too; None at the top.
        overlaps: ids each label overlaps.
    """
    return Relations(
        overlaps_of(label_ids, overlaps),
        tree_distances(label_ids, parents),
        ancestors_of(label_ids, parents),
    )


def overlaps_of(label_ids: Sequence[int], overlaps: Mapping[int, frozenset[int]]) -> Flags:
    """Return which labels may both be right, (labels, labels), symmetric.

    Args:
        label_ids: in the order wanted.
        overlaps: ids each label overlaps; those of other labels are passed over.
    """
    places = {label: place for place, label in enumerate(label_ids)}
    both = np.zeros((len(label_ids), len(label_ids)), dtype=bool)
    for label, others in overlaps.items():
        for other in others:
            if label in places and other in places:
                both[places[label], places[other]] = both[places[other], places[label]] = True
    return both


def ancestors_of(label_ids: Sequence[int], parents: Mapping[int, int | None]) -> Flags:
    """Return (labels, nodes), true for each label's own node and every one above it."""
    paths = [_path(label, parents) for label in label_ids]
    nodes = {node: place for place, node in enumerate(dict.fromkeys(chain.from_iterable(paths)))}
    above = np.zeros((len(paths), len(nodes)), dtype=bool)
    for row, path in enumerate(paths):
        above[row, [nodes[node] for node in path]] = True
    return above


def tree_distances(
    label_ids: Sequence[int], parents: Mapping[int, int | None]
) -> NDArray[np.float32]:
    """Return (labels, labels) edges from each label up to the lowest ancestor it shares.

    Labels that share none meet in a common root above the tree. The distance of labels at
    different depths is the longer way up.
    """
    paths = [_path(label, parents) for label in label_ids]
    width = max((len(path) for path in paths), default=0)
    padded = np.full((len(paths), width), -1, dtype=np.int64)  # (labels, depth), root first
    for row, path in enumerate(paths):
        padded[row, : len(path)] = path
    depths = np.array([len(path) for path in paths])  # (labels,)
    shared = np.zeros((len(paths), len(paths)), dtype=np.int64)
    alike = np.ones((len(paths), len(paths)), dtype=bool)
    for level in range(width):
        column = padded[:, level]
        alike &= (column[:, None] == column[None, :]) & (column[:, None] >= 0)
        shared += alike
    distances: NDArray[np.float32] = (np.maximum(depths[:, None], depths) - shared).astype(
        np.float32
    )
    return distances


def _path(label: int, parents: Mapping[int, int | None]) -> list[int]:
    """Return the ids from the top of the tree down to *label*."""
    path = [label]
    while (above := parents.get(path[-1])) is not None:
        path.append(above)
    return path[::-1]
