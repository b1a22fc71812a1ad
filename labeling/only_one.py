"""Labels of which a document is given only one: those below a label that says so.

A label may stand with those above and below it: who says the part says the whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise

from labeling.taxonomy_entries import Name


def lines(parents: Mapping[Name, Name | None], saying: Collection[Name]) -> dict[Name, list[Name]]:
    """Return each label's line: as Label.one_of, which is empty for most.

    Args:
        parents: each label to the one above it.
        saying: those that let only one below them be given.
    """
    found: dict[Name, list[Name]] = {}
    for label in parents:
        path: list[Name] = []
        here: Name | None = label
        while here is not None and here not in found:
            path.append(here)
            here = parents[here]
        for below in reversed(path):
            line = list(found[here]) if here is not None else []
            if here is not None and (line or here in saying):
                line.append(here)
            found[below] = line
            here = below
    return found


def clash(chosen: Mapping[Name, Sequence[Name]]) -> tuple[Name, Name, Name] | None:
    """Return two of these labels that cannot be given together, and the label that says so.

    Args:
        chosen: labels to their lines.
    """
    groups: dict[Name, list[Name]] = {}
    for label, line in chosen.items():
        if line:
            groups.setdefault(line[0], []).append(label)
    for group, labels in groups.items():
        for upper, lower in pairwise(sorted(labels, key=lambda label: len(chosen[label]))):
            if upper not in chosen[lower]:
                return upper, lower, group
    return None


def refusal(one: str, two: str, group: str) -> str:
    return f"Give either {one} or {two}: only one of the labels under {group}."


def likeliest(
    labels: Sequence[int], ranked: Iterable[int], known: Mapping[int, Sequence[int]]
) -> list[int]:
    """Return those of *labels* that can be given together, in their order.

    Of those that cannot, the one that comes first in *ranked*; those that are not in it come last.

    Args:
        known: labels to their lines.
    """
    kept: dict[int, Sequence[int]] = {}
    wanted = set(labels)
    for label in [each for each in dict.fromkeys([*ranked, *labels]) if each in wanted]:
        if clash({**kept, label: known.get(label, ())}) is None:
            kept[label] = known.get(label, ())
    return [label for label in labels if label in kept]
