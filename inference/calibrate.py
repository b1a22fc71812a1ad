"""Logits to probabilities that may meet a threshold."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float32]
Curve = tuple[float, float, float]

TINY = 1e-300  # of what is impossible the logarithm is finite, too


@dataclass(frozen=True, slots=True)
class Calibration:
    """How logits become probabilities.

    temperature: divides the logits, above 0; higher is more cautious.
    offset: subtracted from the logits of multi-label projects before the sigmoid: the logit at
        which a label about which nothing was learnt is as likely right as wrong. Without it a new
        label, at 20 · cosine, would fit every document. Unused for single-label projects.
    curve: what is left to mend of the likeliest label's probability (single-label), see `bent`;
        None for nothing.

    Raises:
        ValueError: the temperature is not a positive number.
    """

    temperature: float = 1.0
    offset: float = 0.0
    curve: Curve | None = None

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
        found = softmax(logits / self.temperature)
        return found if self.curve is None else bent(found, self.curve)


def bent(probabilities: Floats, curve: Curve) -> Floats:
    """Return *probabilities* with that of each document's likeliest label on *curve*.

    From p to sigmoid(a · ln p - b · ln(1 - p) + c): beta calibration (Kull et al., 2017,
    https://proceedings.mlr.press/v54/kull17a.html). The other labels share what is left as before,
    and none of them comes to be likelier: a curve that says so is not followed so far.

    Args:
        probabilities: rows of sum 1, (documents, labels).
        curve: (a, b, c).
    """
    if probabilities.shape[1] < 2:
        return probabilities
    changed = probabilities.astype(np.float64)
    rows, first = np.arange(len(changed)), changed.argmax(axis=1)
    top = changed[rows, first]
    changed[rows, first] = 0
    rest, second = changed.sum(axis=1), changed.max(axis=1)
    level = np.log(
        np.maximum(second, TINY) / np.maximum(rest, TINY)
    )  # where the second draws level
    odds = np.maximum(log_odds_on_curve(top, rest, curve), level + 1e-6)
    told = rest > 0
    changed *= np.divide(expit(-odds), rest, out=np.ones_like(rest), where=told)[:, None]
    changed[rows, first] = np.where(told, expit(odds), top)
    return changed.astype(np.float32)


def log_odds_on_curve(chances: Any, doubts: Any, curve: Curve) -> NDArray[np.float64]:
    """Return the log odds that *chances* in [0, 1] have on *curve*; see `bent`.

    Args:
        doubts: 1 - chances, exact however small.
    """
    a, b, c = curve
    known, doubt = (np.log(np.maximum(np.asarray(x, np.float64), TINY)) for x in (chances, doubts))
    odds: NDArray[np.float64] = a * known - b * doubt + c
    return odds


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
