"""The label-tied head: what people taught, added to what a label's texts say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A classifier tied to the label vectors e: logits = scale · z·(e + delta)ᵀ + bias.

    delta: what was learnt on top of each label's vector, (labels, dim); zero for a new label.
    bias: what was learnt of how common each label is, (labels,); zero for a new label.
    scale: the factor on cosines, 20 by learning.md §3.

    Raises:
        ValueError: delta and bias speak of different numbers of labels.
    """

    delta: Floats
    bias: Floats
    scale: float = 20.0

    def __post_init__(self) -> None:
        if self.delta.ndim != 2 or self.bias.shape != (len(self.delta),):
            raise ValueError(f"delta {self.delta.shape} and bias {self.bias.shape} do not match")

    @classmethod
    def zero(cls, labels: int, dim: int, scale: float = 20.0) -> Head:
        """Return the head that has learnt nothing: its logits are scaled cosines."""
        return cls(np.zeros((labels, dim), np.float32), np.zeros(labels, np.float32), scale)

    def logits(self, documents: Floats, label_vectors: Floats) -> Floats:
        """Return uncalibrated scores, shape (documents, labels), float32.

        Args:
            documents: unit vectors, shape (documents, dim).
            label_vectors: unit vectors, shape (labels, dim), rows as in delta.

        Raises:
            ValueError: the label vectors do not match delta.
        """
        if label_vectors.shape != self.delta.shape:
            raise ValueError(f"label vectors {label_vectors.shape}, delta {self.delta.shape}")
        weights = label_vectors + self.delta  # (labels, dim)
        scores: Floats = np.float32(self.scale) * (documents @ weights.T) + self.bias
        return scores
