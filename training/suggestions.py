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
from training.label_proposals import Lead, leads
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
    found = leads(
        lesson.gold.vectors,
        taught.opinions,
        lesson.targets,
        bundle.label_vectors,
        multi=bundle.multi,
    )
    made = [_proposal(bundle, lead, ids) for lead in found]
    proposals.keep(project, made, now=now)
    return made


def _proposal(bundle: Bundle, lead: Lead, ids: NDArray[np.int64]) -> Proposal:
    first, second = bundle.label_ids[lead.first], bundle.label_ids[lead.second]
    names = [label.name for label in bundle.labels]
    groups: tuple[Group, ...] = ()
    if lead.kind == "split":
        groups = _groups(names[lead.first], [ids[rows].tolist() for rows in lead.groups])
    return Proposal(lead.kind, first, second, _why(bundle, lead, names), lead.documents, groups)


def _why(bundle: Bundle, lead: Lead, names: Sequence[str]) -> str:
    if lead.kind == "merge":
        return (
            f"Models that had not seen them find {lead.documents} gold documents of either, "
            f"{_percent(lead.share)}, likelier to be the other's."
        )
    if lead.kind == "overlap":
        cosine = float(bundle.label_vectors[lead.first] @ bundle.label_vectors[lead.second])
        return (
            f"Their texts are near (cosine {cosine:.2f}), and of the gold documents nearest to "
            f"theirs {_percent(lead.share)} have the other one."
        )
    beside = zip(lead.groups, lead.near, strict=True)
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
