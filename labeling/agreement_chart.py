"""The chart of agreement over time: a dot for each period, and what was published meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from labeling.agreement_over_time import Period

WIDTH, HEIGHT = 640, 200  # user units of the chart's viewBox
LEFT, RIGHT, TOP, BOTTOM = 34, 24, 20, 10  # around the field: figures left, versions above
LINES: Final = (0.0, 0.67, 0.8, 1.0)
"""Across the chart: chance, the bounds Krippendorff gives, and all agree."""
APART: Final = 44
"""User units between marks whose names do not run into each other."""


@dataclass(frozen=True, slots=True)
class Dot:
    """Alpha of a period, in user units. ends: of its interval, high and low; None without one."""

    x: float
    y: float
    ends: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Mark:
    """What was published about then. name: of the first and the last of several."""

    x: float
    name: str


@dataclass(frozen=True, slots=True)
class Chart:
    """points: "x,y x,y …" of the line. lines: (y, alpha) of those across. The rest: its field."""

    dots: Sequence[Dot]
    points: str
    marks: Sequence[Mark]
    lines: Sequence[tuple[float, float]]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def draw(periods: Sequence[Period], published: Sequence[tuple[datetime, str]]) -> Chart | None:
    """Return the chart of the periods that have an alpha; None with fewer than two of them.

    Args:
        published: when, in the time zone of the periods, and what, oldest first.
    """
    known = [(each, each.figure.value) for each in periods if each.figure.value is not None]
    if len(known) < 2:
        return None
    first, end = known[0][0].start, known[-1][0].end
    lowest = min(LINES[0], *(alpha for _, alpha in known))

    def across(days: float) -> float:
        return round(LEFT + days / (end - first).days * (WIDTH - LEFT - RIGHT), 1)

    def down(alpha: float) -> float:
        share = (1 - max(alpha, lowest)) / (1 - lowest)
        return round(TOP + share * (HEIGHT - TOP - BOTTOM), 1)

    def dot(period: Period, alpha: float) -> Dot:
        middle = (period.start - first).days + (period.end - period.start).days / 2
        interval = period.figure.interval
        ends = (down(interval.high), down(interval.low)) if interval else None
        return Dot(across(middle), down(alpha), ends)

    dots = [dot(period, alpha) for period, alpha in known]
    places = [
        (across((at.date() - first).days + at.hour / 24), name)
        for at, name in published
        if first <= at.date() < end
    ]
    return Chart(
        dots,
        " ".join(f"{each.x},{each.y}" for each in dots),
        [_mark(group) for group in _together(places)],
        [(down(alpha), alpha) for alpha in LINES],
    )


def _together(places: Sequence[tuple[float, str]]) -> list[list[tuple[float, str]]]:
    """Group what stands too close to be named one by one."""
    groups: list[list[tuple[float, str]]] = []
    for place in places:
        if groups and place[0] - groups[-1][0][0] < APART:
            groups[-1].append(place)
        else:
            groups.append([place])
    return groups


def _mark(group: Sequence[tuple[float, str]]) -> Mark:
    (x, first), (_, last) = group[0], group[-1]
    return Mark(x, first if len(group) == 1 else f"{first}\N{EN DASH}{last}")
