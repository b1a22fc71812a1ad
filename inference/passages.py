"""Cut a text into passages, and find the one that a prediction rests on, by leaving each out."""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

MOST: Final = 24
"""Passages that are left out one by one: what an encoder of 256 tokens reads has hardly more."""

SHORT: Final = 25  # characters; a shorter passage, as "Hello,", goes with the one before it

LEAST: Final = 0.02
"""Probability that leaving a passage out has to cost; below, no passage stands out."""

_ENDS: Final = re.compile(
    r"(?<=[.!?\u2026])\s+|(?<=[\u3002\uff01\uff1f])\s*|\s*\n\s*"  # the latter of Chinese, Japanese
)


def cut(text: str) -> list[str]:
    """Return the passages of *text*, each as it stands there, in order; at most MOST.

    A passage is a sentence or a line. What is shorter than SHORT is joined to the one before it,
    with whatever stands between them, or at the beginning to the one behind it.
    """
    bounds, start = [], 0
    for end in (*(each.start() for each in _ENDS.finditer(text)), len(text)):
        begins = start + len(text[start:end]) - len(text[start:end].lstrip())
        if begins < end:
            bounds.append((begins, end))
        start = end
    joined: list[tuple[int, int]] = []
    for begins, end in bounds:
        is_short = end - begins < SHORT or (joined and joined[-1][1] - joined[-1][0] < SHORT)
        if joined and is_short:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((begins, end))
    return [text[begins:end] for begins, end in joined[:MOST]]


def left_out(text: str, passages: Sequence[str]) -> list[str]:
    """Return *text* without each of its *passages*, in turn."""
    found, at = [], 0
    for passage in passages:
        place = text.index(passage, at)
        at = place + len(passage)
        found.append(f"{text[:place].rstrip()} {text[at:].lstrip()}".strip())
    return found


def most_moving(before: float, without: NDArray[np.floating]) -> int | None:
    """Return the place of the passage without which the probability is lowest.

    None where there is but one passage, for that it rests on it goes without saying, or where
    leaving it out costs less than LEAST.

    Args:
        before: probability with all passages, in [0, 1].
        without: without each, (passages,).
    """
    if len(without) < 2:
        return None
    place = int(without.argmin())
    return place if before - float(without[place]) >= LEAST else None
