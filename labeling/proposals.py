"""Changes of the taxonomy that decisions speak for: accepted or dismissed, and remembered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction

from labeling import drafts, taxonomies
from labeling.confusions import Confusions, Pair
from labeling.distances import Answer
from labeling.judgements import Judgement
from labeling.models import Label, Project, ProposalAnswer
from labeling.taxonomy_acts import Act, Edit, Merge

Kind = ProposalAnswer.Kind

FEW: Final = 3
"""Times that each of two labels was taken for the other, below which that may be chance."""

MERGE: Final = 0.3
"""Share of the decisions on two labels, each taken for the other, from which they look like one."""

OVERLAP: Final = 3  # documents of which people said one and the other
SHOWN: Final = 12


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that would help. first, second: ids of labels; of a merge the first goes.

    why: the evidence in words. weight: documents it rests on.
    """

    kind: str
    first: int
    second: int
    why: str
    weight: int


def find(
    found: Confusions,
    judgements: Collection[Judgement],
    overlaps: Mapping[int, set[int]],
    usable: Collection[int],
    answered: Collection[tuple[str, int, int]] = (),
) -> list[Proposal]:
    """Return what is proposed, what rests on most documents first.

    Args:
        judgements: of documents that several people judged.
        overlaps: ids each label overlaps. usable: ids of labels a document may be given.
        answered: kind, first and second of what people said yes or no to before.
    """
    proposals = [*_merges(found, overlaps), *_overlaps(judgements, overlaps)]
    kept = [
        each
        for each in proposals
        if {each.first, each.second} <= set(usable)
        and (each.kind, *sorted((each.first, each.second))) not in set(answered)
    ]
    return sorted(kept, key=lambda each: -each.weight)[:SHOWN]


def _merges(found: Confusions, overlaps: Mapping[int, set[int]]) -> list[Proposal]:
    proposals = []
    for said, given in found.pairs:
        there, back = found.pairs[said, given], found.pairs.get((given, said), 0)
        total = found.decided.get(said, 0) + found.decided.get(given, 0)
        if said > given or min(there, back) < FEW or given in overlaps.get(said, ()):
            continue
        if (there + back) / max(total, 1) >= MERGE:
            smaller, larger = sorted((said, given), key=lambda each: found.decided.get(each, 0))
            why = f"Of {total} decisions on either, {there + back} were told as the other one."
            proposals.append(Proposal(Kind.MERGE, smaller, larger, why, there + back))
    return proposals


def _overlaps(
    judgements: Collection[Judgement], overlaps: Mapping[int, set[int]]
) -> list[Proposal]:
    """Where people who did not see each other differ between two labels, both may be right."""
    said: dict[int, list[Answer]] = {}
    for each in judgements:
        said.setdefault(each.document, []).append(each.labels)
    both: Counter[Pair] = Counter()
    for answers in said.values():
        both.update(
            {
                (min(one, two), max(one, two))
                for first, second in combinations(answers, 2)
                for one in first - second
                for two in second - first
            }
        )
    return [
        Proposal(
            Kind.OVERLAP,
            one,
            two,
            f"{count} documents were given the one by somebody and the other by somebody else.",
            count,
        )
        for (one, two), count in both.items()
        if count >= OVERLAP and two not in overlaps.get(one, ())
    ]


def answered(project: Project) -> list[tuple[str, int, int]]:
    """Return kind and labels of what is not proposed again, the smaller id first.

    What was dismissed, and what was accepted while a draft holds it: one that was emptied since
    did nothing about it.
    """
    rows = ProposalAnswer.objects.filter(project=project)
    if not project.draft.exists():
        rows = rows.filter(is_accepted=False)
    return list(rows.values_list("kind", "first", "second"))


@transaction.atomic
def answer(
    project: Project,
    kind: str,
    pair: Pair,
    *,
    accepted: bool,
    person: User,
    now: datetime,
) -> None:
    """Remember what *person* said to a proposal; put what was accepted into the draft.

    Raises:
        BadAct, BadTaxonomy, EditConflict, DraftConflict: it cannot be done by now.
    """
    labels = taxonomies.labels_of(pair)
    if accepted:
        act = _act(project, kind, labels[pair[0]], labels[pair[1]])
        drafts.add(project, act, author=person, now=now, **drafts.seen(project))
    smaller, larger = sorted(pair)
    ProposalAnswer.objects.update_or_create(
        project=project,
        kind=kind,
        first_id=smaller,
        second_id=larger,
        defaults={"is_accepted": accepted, "person": person, "answered_at": now},
    )


def _act(project: Project, kind: str, first: Label, second: Label) -> Act:
    if kind == Kind.MERGE:
        return Merge(first.key, second.key)
    overlaps = {*drafts.entries(project)[first.key].overlaps, second.key}
    return Edit(first.key, {"overlaps": tuple(sorted(overlaps))})
