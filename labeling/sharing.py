"""Share the gold of a label that is split out to its parts, document by document, in the draft."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.db.models.functions import Substr

from labeling import document_words, drafts, publishing, taxonomy_acts
from labeling.desk import EXAMPLE_SHOWN, shortened
from labeling.models import Document, DraftAct, Label, Project
from labeling.search import Search
from labeling.taxonomy_acts import REVIEW, BadAct, Split

PAGE = 50  # documents
MANY = 50_000  # documents that a search may find anywhere in the project
LOOKED_AT = 1_000  # where it finds more, the newest of the label, each a look-up of under 1 ms


class NotSplit(Exception):
    """The draft does not split the label, or no more: that was published or taken out."""


@dataclass(frozen=True, slots=True)
class Row:
    """One document whose gold is shared out.

    choice: place of the part somebody chose, from 1, one above them all for back to review; 0 where
    nobody chose. nearest: name of the part that a worker found nearest, where it did.
    """

    id: int
    subject: str
    text: str
    choice: int
    nearest: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """Some of the documents, the newest gold first. first: number of the first of them, from 1.

    found: how many the search left; all of them without one. is_cut: only LOOKED_AT were searched.
    """

    rows: Sequence[Row]
    number: int
    pages: int
    first: int
    found: int
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Shares:
    """How many documents go where. parts: (name, documents). open: to be shared out by a worker."""

    parts: Sequence[tuple[str, int]]
    review: int
    open: int


def split_of(label: Label) -> tuple[DraftAct, Split]:
    """Return the act of the draft that splits *label*.

    Raises:
        NotSplit: there is none.
    """
    for row in reversed(drafts.rows_of(label.project)):
        act = taxonomy_acts.read(row.act)
        if isinstance(act, Split) and act.source == label.key:
            return row, act
    raise NotSplit(f"The draft does not split “{label.name}” any more.")


def sources(project: Project, row: DraftAct, act: Split) -> set[str]:
    """Return the keys of the labels whose gold it is: of the one that is split, and merged into it.

    Raises:
        BadAct: what the draft does before cannot be done any more.
    """
    before = [each for each in drafts.rows_of(project) if each.pk < row.pk]
    keys = {act.source}
    for each in reversed(drafts.outcome(project, before).transfers if before else []):
        if each.target in keys:
            keys.add(each.source)
    return keys


def decided(project: Project, row: DraftAct, act: Split) -> list[int]:
    """Return the ids of the documents whose gold is shared out, the newest gold first.

    Raises:
        BadAct: as `sources` says.
    """
    keys = sources(project, row, act)
    gold = project.gold.gold().filter(label__key__in=keys).order_by("-pk")
    return list(dict.fromkeys(gold.values_list("document", flat=True)))


def sheet(
    project: Project, act: Split, ids: Sequence[int], *, search: Search | None, number: int
) -> Sheet:
    """Return page *number* of those documents of *ids* that *search* finds."""
    found, is_cut = ids, False
    if search:
        matching, is_cut = _matching(project, search, ids)
        found = [pk for pk in ids if pk in matching]
    pages = max(1, -(-len(found) // PAGE))
    number = min(max(number, 1), pages)
    first = (number - 1) * PAGE
    rows = _rows(act, found[first : first + PAGE])
    return Sheet(rows, number, pages, first + 1, len(found), is_cut)


def _matching(project: Project, search: Search, ids: Sequence[int]) -> tuple[set[int], bool]:
    """Return documents that *search* finds, and whether only some of *ids* were looked at."""
    found = document_words.find(project, search, most=MANY + 1)
    if len(found) <= MANY:
        return set(found), False
    return set(document_words.among(project, search, ids[:LOOKED_AT])), len(ids) > LOOKED_AT


def _rows(act: Split, ids: Sequence[int]) -> list[Row]:
    begun = Document.objects.filter(pk__in=ids).annotate(
        beginning=Substr("text", 1, 2 * EXAMPLE_SHOWN)
    )
    texts = {pk: texts for pk, *texts in begun.values_list("pk", "subject", "beginning")}
    chosen, nearest = _by_document(act.chosen), _by_document(act.documents)
    names = {part.key: part.name for part in act.parts}
    places = {key: place for place, key in enumerate([*names, REVIEW], 1)}
    return [
        Row(
            pk,
            subject,
            shortened(text),
            places[chosen[pk]] if pk in chosen else 0,
            names.get(nearest.get(pk, ""), ""),
        )
        for pk in ids
        if pk in texts
        for subject, text in [texts[pk]]
    ]


def _by_document(shared: Mapping[str, Iterable[int]]) -> dict[int, str]:
    return {pk: key for key, ids in shared.items() for pk in ids}


def shares(act: Split, ids: Collection[int]) -> Shares:
    """Return how many of the documents *ids* go where."""
    left, parts = set(ids), dict.fromkeys((part.key for part in act.parts), 0)
    to = {REVIEW: 0} | parts
    for shared in (act.chosen, act.documents):
        for key, documents in shared.items():
            to[key] += len(left & set(documents))
            left -= set(documents)
    is_open = act.by_nearest and not act.documents
    return Shares(
        parts=[(part.name, to[part.key]) for part in act.parts],
        review=to[REVIEW] + (0 if is_open else len(left)),
        open=len(left) if is_open else 0,
    )


@transaction.atomic
def choose(
    label: Label, said: Mapping[int, str | None], *, by_nearest: bool | None = None, now: datetime
) -> int:
    """Choose where gold of *label*, which the draft splits, goes; return how many have none.

    What was said of other documents stands. Those without gold of the label are passed over.

    Args:
        said: id of a document to the key of a part, REVIEW, or None for like all others.
        by_nearest: whether all others go to the part whose description is nearest; None: as before.

    Raises:
        NotSplit: the draft does not split it any more.
        BadAct: a key is none of a part, or what the draft does before cannot be done any more.
    """
    publishing.hold(label.project)
    row, act = split_of(label)
    if stray := {*said.values()} - {None, REVIEW, *(part.key for part in act.parts)}:
        raise BadAct(f"“{stray.pop()}” is none of the labels “{label.name}” is split into.")
    by_nearest = act.by_nearest if by_nearest is None else by_nearest
    known = set(decided(label.project, row, act))
    chosen = _by_document(act.chosen) | {pk: key for pk, key in said.items() if pk in known}
    keys = [*(part.key for part in act.parts), REVIEW]
    shared = {key: tuple(sorted(pk for pk in chosen if chosen[pk] == key)) for key in keys}
    _write(
        row,
        replace(
            act,
            chosen={key: ids for key, ids in shared.items() if ids},
            by_nearest=by_nearest,
            documents=act.documents if by_nearest else {},
        ),
        now=now,
    )
    return len(said.keys() - known)


def _write(row: DraftAct, act: Split, *, now: datetime) -> None:
    """Put *act* in place of the one of *row*, which is as old as its last change."""
    kept = taxonomy_acts.as_json(act)
    if kept != row.act:
        DraftAct.objects.filter(pk=row.pk).update(act=kept, made_at=now)


@transaction.atomic
def share_out(row: DraftAct, documents: Mapping[str, Sequence[int]]) -> None:
    """Say which gold of a label that is split goes to which part by its description.

    Args:
        documents: key of a part to ids.
    """
    publishing.hold(row.project)
    standing = DraftAct.objects.filter(pk=row.pk).values_list("act", flat=True).first()
    row.act = standing or row.act  # somebody may have chosen more meanwhile
    act = taxonomy_acts.read(row.act)
    if isinstance(act, Split) and act.by_nearest:
        parts = {key: tuple(ids) for key, ids in documents.items()}
        row.act = taxonomy_acts.as_json(replace(act, documents=parts))
        DraftAct.objects.filter(pk=row.pk).update(act=row.act)
