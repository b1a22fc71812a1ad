"""Share the gold of a label that is split out to its parts, document by document, in the draft."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.db.models.functions import Substr

from labeling import document_words, drafts, publishing, taxonomy_acts
from labeling.desk import EXAMPLE_SHOWN, shortened
from labeling.drafts import DraftChanged
from labeling.models import Document, DraftAct, Label, Project
from labeling.search import Search
from labeling.taxonomy_acts import REVIEW, Act, BadAct, Split

PAGE = 50  # documents
MANY = 50_000  # documents that a search may find anywhere in the project
LOOKED_AT = 1_000  # where it finds more: so many of the newest of the label


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


def split_of(label: Label) -> tuple[DraftAct, Split, list[Act]]:
    """Return the act of the draft that splits *label*, and those before it.

    Raises:
        NotSplit: there is none.
    """
    rows = drafts.rows_of(label.project)
    acts = drafts.acts_of(rows)
    for place, act in reversed(list(enumerate(acts))):
        if isinstance(act, Split) and act.source == label.key:
            return rows[place], act, acts[:place]
    raise NotSplit(f"The draft does not split “{label.name}” any more.")


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
    is_open = drafts.is_open(act)
    return Shares(
        parts=[(part.name, to[part.key]) for part in act.parts],
        review=to[REVIEW] + (0 if is_open else len(left)),
        open=len(left) if is_open else 0,
    )


@transaction.atomic
def choose(
    label: Label,
    said: Mapping[int, str | None],
    *,
    by_nearest: bool | None = None,
    seen_act: int | None = None,
    now: datetime,
) -> int:
    """Choose where gold of *label*, which the draft splits, goes; return how many have none.

    What was said of other documents stands. Those without gold of the label are passed over.

    Args:
        said: id of a document to the key of a part, REVIEW, or None for like all others.
        by_nearest: whether all others go to the part whose description is nearest; None: as before.
        seen_act: number of the act that the person had before their eyes.

    Raises:
        NotSplit: the draft does not split it any more.
        DraftChanged: another act splits it by now.
        BadAct: a key is none of a part.
    """
    publishing.hold(label.project)
    row, act, before = split_of(label)
    if seen_act not in (None, row.pk):
        raise DraftChanged
    if stray := {*said.values()} - {None, REVIEW, *(part.key for part in act.parts)}:
        raise BadAct(f"“{stray.pop()}” is none of the labels “{label.name}” is split into.")
    by_nearest = act.by_nearest if by_nearest is None else by_nearest
    known = set(drafts.decided(label.project, before, act))
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
