"""Changes of the taxonomy that decisions speak for: accepted or dismissed, and remembered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import chain, combinations
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction

from labeling import drafts, publishing, taxonomies
from labeling.confusions import Confusions, Pair
from labeling.distances import Answer
from labeling.judgements import Judgement
from labeling.models import Document, FoundProposal, Label, Project, ProposalAnswer
from labeling.taxonomy_acts import Act, Edit, Merge

Kind = ProposalAnswer.Kind

FEW: Final = 3
"""Times that each of two labels was taken for the other, below which that may be chance."""

MERGE: Final = 0.3
"""Share of the decisions on two labels, each taken for the other, from which they look like one."""

OVERLAP: Final = 3  # documents of which people said one and the other
SHOWN: Final = 5  # of each kind: a split rests on all documents of a label, a merge on few


@dataclass(frozen=True, slots=True)
class Group:
    """Some documents of a label that are like each other. documents: ids of a few, typical ones."""

    name: str
    size: int
    documents: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that would help. first, second: ids of labels; of a merge the first goes.

    Of a split both are the label to be split, and groups are what it may be split into.
    why: the evidence in words. weight: documents it rests on.
    """

    kind: str
    first: int
    second: int
    why: str
    weight: int
    groups: tuple[Group, ...] = ()

    @property
    def said(self) -> tuple[str, int, int]:
        """What answers name it by."""
        return (self.kind, min(self.first, self.second), max(self.first, self.second))


def find(
    found: Confusions,
    judgements: Collection[Judgement],
    overlaps: Mapping[int, set[int]],
    usable: Collection[int],
    answered: Collection[tuple[str, int, int]] = (),
    kept: Collection[Proposal] = (),
) -> list[Proposal]:
    """Return what is proposed, SHOWN of each kind, what rests on most documents first.

    Args:
        judgements: of documents that several people judged.
        overlaps: ids each label overlaps. usable: ids of labels a document may be given.
        answered: kind, first and second of what people said yes or no to before.
        kept: what a worker found; where decisions say the same, they speak for it.
    """
    found_by_worker = [each for each in kept if each.second not in overlaps.get(each.first, ())]
    proposals = [*found_by_worker, *_merges(found, overlaps), *_overlaps(judgements, overlaps)]
    once = {each.said: each for each in proposals}
    open_ = [
        each
        for each in once.values()
        if {each.first, each.second} <= set(usable) and each.said not in set(answered)
    ]
    ranked = sorted(open_, key=lambda each: -each.weight)
    few = ([each for each in ranked if each.kind == kind][:SHOWN] for kind in Kind.values)
    return sorted(chain.from_iterable(few), key=lambda each: -each.weight)


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


@transaction.atomic
def keep(project: Project, found: Sequence[Proposal], *, now: datetime) -> None:
    """Keep what a worker found, in place of what it found before."""
    publishing.hold(project)
    project.found_proposals.all().delete()
    FoundProposal.objects.bulk_create(
        FoundProposal(
            project=project,
            kind=each.kind,
            first_id=each.first,
            second_id=each.second,
            why=each.why[:1_000],
            weight=each.weight,
            groups=[asdict(group) for group in each.groups],
            found_at=now,
        )
        for each in found
    )


def kept(project: Project) -> list[Proposal]:
    """Return what a worker found, but for what the draft does something about already."""
    closed = drafts.closed(drafts.rows_of(project))
    rows = project.found_proposals.select_related("first", "second")
    return [
        _read(row) for row in rows if row.first.key not in closed and row.second.key not in closed
    ]


def groups_of(label: Label) -> list[tuple[Group, list[Document]]]:
    """Return the groups that a label may be split into, with a few documents of each."""
    row = FoundProposal.objects.filter(kind=Kind.SPLIT, first=label).first()
    groups = _read(row).groups if row else ()
    wanted = [pk for group in groups for pk in group.documents]
    documents = label.project.documents.defer("metadata").in_bulk(wanted) if wanted else {}
    return [
        (group, [documents[pk] for pk in group.documents if pk in documents]) for group in groups
    ]


def _read(row: FoundProposal) -> Proposal:
    groups = [Group(each["name"], each["size"], tuple(each["documents"])) for each in row.groups]
    return Proposal(row.kind, row.first_id, row.second_id, row.why, row.weight, tuple(groups))


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
