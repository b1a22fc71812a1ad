"""Levers that no longer change anything."""

from typing import Final

from labeling.models import Project
from training.trainers.recipes import LEVERS

PLATEAU: Final = 3
"""Trials of one lever in a row, all within noise, after which it is left alone."""


def plateaus(project: Project) -> list[str]:
    """Return the levers whose last PLATEAU trials all stayed within noise: stop moving them."""
    found = []
    last: dict[str, list[bool]] = {}
    for lever, is_flat, is_kept in project.trials.values_list("lever", "is_flat", "is_kept"):
        last.setdefault(lever, []).append(is_flat and not is_kept)
    for lever in LEVERS:
        flat = last.get(lever, [])[:PLATEAU]
        if len(flat) == PLATEAU and all(flat):
            found.append(lever)
    return found
