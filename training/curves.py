"""Turn a run's curve into the points of a small chart."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 640, 180  # user units of the chart's viewBox
PAD = 8  # keeps dots inside


@dataclass(frozen=True, slots=True)
class Line:
    """One measure over steps. points: "x,y x,y …"; dots: the same as pairs; both in user units."""

    name: str
    points: str
    dots: tuple[tuple[float, float], ...]
    low: float
    high: float


def last_stage(
    curve: Sequence[Mapping[str, Any]], among: Collection[str] | None = None
) -> list[Mapping[str, Any]]:
    """Return the points of the stage that was trained last, of those named *among* if given."""
    points = [point for point in curve if among is None or point.get("stage") in among]
    return [point for point in points if point.get("stage") == points[-1].get("stage")]


def line(name: str, curve: Sequence[Mapping[str, float | None]], key: str) -> Line | None:
    """Return the line of *key*, scaled to the chart; None with fewer than two measured points.

    Args:
        curve: points with "step" and measures, oldest first; None where not measured.
    """
    found = [
        (float(point["step"] or 0), value)
        for point in curve
        if (value := point.get(key)) is not None
    ]
    if len(found) < 2:
        return None
    steps, values = zip(*found, strict=True)
    low, high = min(values), max(values)
    floor, spread = (low, high - low) if high > low else (low - 0.5, 1.0)  # flat: in the middle
    length = (steps[-1] - steps[0]) or 1.0
    dots = tuple(
        (
            round(PAD + (step - steps[0]) / length * (WIDTH - 2 * PAD), 1),
            round(HEIGHT - PAD - (value - floor) / spread * (HEIGHT - 2 * PAD), 1),
        )
        for step, value in found
    )
    return Line(name, " ".join(f"{x},{y}" for x, y in dots), dots, low, high)
