"""Logits to probabilities that may meet a threshold."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Calibration:
    """How logits become probabilities.

    temperature: divides the logits, above 0; higher is more cautious.
    offset: subtracted from the logits of multi-label projects before the sigmoid: the logit at
        which a label about which nothing was learnt is as likely right as wrong. Without it a new
        label, at 20 · cosine, would fit every document. Unused for single-label projects.

    Raises:
        ValueError: the temperature is not a positive number.
    """

    temperature: float = 1.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.temperature) and self.temperature > 0):
            raise ValueError(f"temperature {self.temperature} is not a positive number")

    def probabilities(self, logits: Floats, *, multi: bool) -> Floats:
        """Return calibrated probabilities in [0, 1], shape (documents, labels), float32.

        Args:
            logits: shape (documents, labels).
            multi: each label on its own by a sigmoid; else one label each, by a softmax.
        """
        if multi:
            return sigmoid((logits - self.offset) / self.temperature)
        return softmax(logits / self.temperature)


def softmax(logits: NDArray[np.floating]) -> Floats:
    """Return exp(logits) scaled to rows of sum 1, shape (documents, labels), float32."""
    shifted = logits - logits.max(axis=1, keepdims=True)  # no overflow
    exponents = np.exp(shifted)
    shares: Floats = (exponents / exponents.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares


def sigmoid(logits: NDArray[np.floating]) -> Floats:
    """Return 1 / (1 + exp(-logits)), float32, without overflow at either end."""
    small = np.exp(-np.abs(logits))
    values: Floats = np.where(logits >= 0, 1 / (1 + small), small / (1 + small)).astype(np.float32)
    return values
