"""Keep what gold says about the taxonomy where its owners find it: beside the confusions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from inference.bundle import Bundle
from inference.document_texts import prepared_texts
from labeling import proposals
from labeling.models import Project
from labeling.proposals import Group, Proposal
from labeling.taxonomy_entries import NAME_LENGTH
from training.label_proposals import Hint, hints
from training.teaching import Lesson, Taught
from training.telling_words import telling_words

EXAMPLES: Final = 5  # documents shown of a group
READ: Final = 100  # documents of a group whose words are counted


def propose(
    project: Project, ids: NDArray[np.int64], lesson: Lesson, taught: Taught, *, now: datetime
) -> list[Proposal]:
    """Keep what the gold of *lesson* speaks for, in place of what it did before, and return it.

    Args:
        ids: of the documents of the lesson.
    """
    bundle = taught.bundle
    found = hints(
        lesson.gold.vectors,
        taught.opinions,
        lesson.targets,
        bundle.label_vectors,
        multi=bundle.multi,
    )
    made = [_proposal(bundle, hint, ids) for hint in found]
    proposals.keep(project, made, now=now)
    return made


def _proposal(bundle: Bundle, hint: Hint, ids: NDArray[np.int64]) -> Proposal:
    first, second = bundle.label_ids[hint.first], bundle.label_ids[hint.second]
    names = [label.name for label in bundle.labels]
    groups: tuple[Group, ...] = ()
    if hint.kind == "split":
        groups = _groups(names[hint.first], [ids[rows].tolist() for rows in hint.groups])
    return Proposal(hint.kind, first, second, _why(bundle, hint, names), hint.documents, groups)


def _why(bundle: Bundle, hint: Hint, names: Sequence[str]) -> str:
    if hint.kind == "merge":
        return (
            f"Models that had not seen them find {hint.documents} gold documents of either, "
            f"{_percent(hint.share)}, likelier to be the other's."
        )
    if hint.kind == "overlap":
        cosine = float(bundle.label_vectors[hint.first] @ bundle.label_vectors[hint.second])
        return (
            f"Their texts are near (cosine {cosine:.2f}), and of the gold documents nearest to "
            f"theirs {_percent(hint.share)} have the other one."
        )
    beside = zip(hint.groups, hint.near, strict=True)
    one, two = (f"{len(rows)} like “{names[near]}”" for rows, near in beside)
    return f"Its gold is two groups, each nearer to another label than to the other: {one}, {two}."


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", "\N{NO-BREAK SPACE}%")


def _groups(name: str, members: Sequence[Sequence[int]]) -> tuple[Group, ...]:
    """Return both groups, each named by the words that tell it from the other."""
    texts: Mapping[int, str] = prepared_texts([pk for group in members for pk in group[:READ]])
    read = [[texts[pk] for pk in group[:READ] if pk in texts] for group in members]
    words = [telling_words(read[0], read[1]), telling_words(read[1], read[0])]
    return tuple(
        Group(
            ": ".join(filter(None, (name, ", ".join(said))))[:NAME_LENGTH],
            len(group),
            tuple(group[:EXAMPLES]),
        )
        for group, said in zip(members, words, strict=True)
    )
