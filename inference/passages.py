"""Cut a text into passages, and find the one that a prediction rests on, by leaving each out."""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

MOST: Final = 24
"""Passages that are left out one by one: what an encoder of 256 tokens reads has hardly more."""

SHORT: Final = 25  # characters; a shorter sentence, as "Why?", goes with another of its line

LEAST: Final = 0.02
"""Probability that leaving a passage out has to cost; below, no passage stands out."""

_ENDS: Final = re.compile(
    r"(?<=[.!?\u2026])\s+|(?<=[\u3002\uff01\uff1f])\s*"  # the latter of Chinese and Japanese
)


def cut(text: str) -> list[str]:
    """Return the passages of *text*, each as it stands there, in order; at most MOST.

    A passage is a sentence; none goes beyond its line. A sentence shorter than SHORT is joined to
    the one before it in its line, or as the first to the one behind it.
    """
    found: list[str] = []
    for line in text.split("\n"):
        found += _sentences(line.strip())
        if len(found) >= MOST:
            break
    return found[:MOST]


def _sentences(line: str) -> list[str]:
    bounds: list[tuple[int, int]] = []
    start = 0
    for mark in (*_ENDS.finditer(line), None):
        end = mark.start() if mark else len(line)
        if bounds and min(end - start, bounds[-1][1] - bounds[-1][0]) < SHORT:
            bounds[-1] = (bounds[-1][0], end)
        elif start < end:
            bounds.append((start, end))
        start = mark.end() if mark else end
    return [line[begins:end] for begins, end in bounds]


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
