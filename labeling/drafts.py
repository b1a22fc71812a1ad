"""The draft of a project's taxonomy: acts that wait until they are published together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from labeling import audit, publishing, re_review, taxonomies, taxonomy_acts
from labeling.models import DraftAct, Project, TaxonomyVersion
from labeling.taxonomy_acts import Act, BadAct, Edit, Merge, Retire, Split, Work
from labeling.taxonomy_entries import BadTaxonomy, TaxonomyEntry, find_problems

MOST = 200  # acts of a draft


class DraftConflict(Exception):
    """Somebody put an act on the same label into the draft since it was opened."""

    def __init__(self, theirs: DraftAct) -> None:
        self.theirs = theirs
        super().__init__(f"{theirs.author} changed the same label in the draft meanwhile.")


class DraftChanged(Exception):
    """The draft is another one than the person had before their eyes."""


def acts_of(rows: Iterable[DraftAct]) -> list[Act]:
    """Return the acts that these rows keep."""
    return [taxonomy_acts.read(row.act) for row in rows]


def rows_of(project: Project) -> list[DraftAct]:
    return list(project.draft.select_related("author"))


def newest(project: Project) -> int:
    """Return the number of the draft's newest act; 0 where it is empty."""
    return project.draft.order_by("-pk").values_list("pk", flat=True).first() or 0


def last_change(rows: Iterable[DraftAct]) -> int:
    """Return when these acts were changed last, in microseconds; 0 without any."""
    return max((round(row.made_at.timestamp() * 1_000_000) for row in rows), default=0)


def seen(project: Project) -> dict[str, int]:
    """Return what somebody who opens a form now has before their eyes: see `add`."""
    return {"seen_version": taxonomies.current_number(project), "seen_act": newest(project)}


def outcome(project: Project, rows: Sequence[DraftAct]) -> Work:
    """Return what stands once the acts of *rows* are done, and whose gold moves.

    Raises:
        BadAct: one of them cannot be done any more.
    """
    return taxonomy_acts.done(taxonomies.by_key(project), acts_of(rows))


@transaction.atomic
def add(
    project: Project,
    act: Act,
    *,
    author: User,
    seen_version: int,
    seen_act: int,
    now: datetime,
) -> DraftAct:
    """Put *act* at the end of the draft; an edit of a label joins the same person's last one.

    But for moves, each of which can be taken out by itself.

    Args:
        seen_version, seen_act: number of the version and of the draft's newest act that the author
            had before their eyes.

    Raises:
        EditConflict: a label it touches has a newer edition.
        DraftConflict: the draft has a newer act on such a label.
        BadAct: it cannot be done to what stands after the draft.
        BadTaxonomy: what it makes is no taxonomy.
    """
    publishing.hold(project)
    publishing.refuse_stale(project, act.touches, seen_version)
    rows = rows_of(project)
    _refuse_met(rows, act.touches, seen_act)
    if len(rows) >= MOST:
        raise BadAct(f"The draft holds {MOST} acts already. Publish it, then go on.")
    last = rows[-1] if rows else None
    if last is not None and last.author == author and isinstance(act, Edit):
        before = taxonomy_acts.read(last.act)
        is_same = isinstance(before, Edit) and before.key == act.key
        if isinstance(before, Edit) and is_same and not (_is_move(before) or _is_move(act)):
            act = replace(act, changes={**before.changes, **act.changes})
            rows.remove(last)
            last.delete()
    row = _row(project, act, author=author, seen_version=seen_version, now=now)
    refuse_bad(project, [*rows, row])
    row.save()
    return row


@transaction.atomic
def add_all(project: Project, acts: Sequence[Act], *, author: User, now: datetime) -> int:
    """Put several *acts* at the end of the draft, all or none; return how many.

    Raises:
        BadAct, BadTaxonomy: they cannot be done to what stands after the draft, or are too many.
    """
    publishing.hold(project)
    rows, version = rows_of(project), taxonomies.current_number(project)
    if len(rows) + len(acts) > MOST:
        raise BadAct(
            f"That is {len(acts):,} changes; a draft holds {MOST}. Publish the file at once."
        )
    more = [_row(project, act, author=author, seen_version=version, now=now) for act in acts]
    refuse_bad(project, [*rows, *more])
    DraftAct.objects.bulk_create(more)
    return len(more)


def _row(project: Project, act: Act, *, author: User, seen_version: int, now: datetime) -> DraftAct:
    kept = taxonomy_acts.as_json(act)
    return DraftAct(
        project=project, author=author, act=kept, seen_version=seen_version, made_at=now
    )


def _is_move(act: Edit) -> bool:
    return set(act.changes) == {"parent"}


def moving(project: Project, rows: Iterable[DraftAct]) -> list[int]:
    """Return the ids of labels whose place these acts change."""
    edits = [act for act in acts_of(rows) if isinstance(act, Edit)]
    keys = [act.key for act in edits if "parent" in act.changes]
    return list(project.labels.filter(key__in=keys).values_list("pk", flat=True)) if keys else []


def _refuse_met(rows: Sequence[DraftAct], keys: Collection[str], seen_act: int) -> None:
    for row in rows:
        if row.pk > seen_act and set(taxonomy_acts.read(row.act).touches) & set(keys):
            raise DraftConflict(row)


def refuse_bad(project: Project, rows: Sequence[DraftAct]) -> None:
    """Raise BadAct or BadTaxonomy where these acts cannot be published as they are."""
    standing = taxonomies.by_key(project)
    after = taxonomy_acts.apply(standing, acts_of(rows))
    parents = {key: entry.parent for key, entry in standing.items()}
    if problems := find_problems(list(after.changed.values()), parents):
        raise BadTaxonomy(problems)


@transaction.atomic
def remove(project: Project, pk: int) -> bool:
    """Take one act out of the draft; return whether it was there.

    Raises:
        BadAct: a later act of the draft rests on it.
    """
    publishing.hold(project)
    rows = [row for row in rows_of(project) if row.pk != pk]
    try:
        refuse_bad(project, rows)
    except (BadAct, BadTaxonomy) as error:
        raise BadAct(f"A later act rests on it: {error}") from error
    return project.draft.filter(pk=pk).delete()[0] > 0


@transaction.atomic
def discard(project: Project) -> None:
    """Empty the draft."""
    publishing.hold(project)
    project.draft.all().delete()


def publish(
    project: Project,
    *,
    actor: User,
    seen_acts: Sequence[int],
    note: str,
    now: datetime,
    again: bool = False,
    seen_change: int | None = None,
) -> TaxonomyVersion | None:
    """Publish the draft as one version, and empty it; None where it changes nothing.

    Args:
        seen_acts: numbers of the acts the person had before their eyes.
        seen_change: what `last_change` said then.
        again: whether what was decided on the labels it touches is to be reviewed again.

    Raises:
        DraftChanged: it has other acts by now, or is empty.
        EditConflict: a label it touches was published anew since.
        BadAct, BadTaxonomy: it cannot be published as it is.
    """
    seen = (list(seen_acts), seen_change)
    version, touched = _publish(project, actor=actor, seen=seen, note=note, now=now)
    if version and again:  # by itself: documents are held all at once, or two wait in a ring
        labels = project.labels.filter(key__in=touched).values_list("pk", flat=True)
        re_review.ask_again(version, list(labels), now=now)
    return version


@transaction.atomic
def _publish(
    project: Project, *, actor: User, seen: tuple[list[int], int | None], note: str, now: datetime
) -> tuple[TaxonomyVersion | None, set[str]]:
    publishing.hold(project)
    rows = rows_of(project)
    acts_seen, change_seen = seen
    if not rows or [row.pk for row in rows] != acts_seen:
        raise DraftChanged
    if change_seen not in (None, last_change(rows)):
        raise DraftChanged
    acts = acts_of(rows)
    for place, (row, act) in enumerate(zip(rows, acts, strict=True)):
        publishing.refuse_stale(project, act.touches, row.seen_version)
        _refuse_unshared(project, acts[:place], act)
    said = note or words(rows, names(project))
    version = publishing.publish_acts(project, acts, actor=actor, now=now, note=said)
    project.draft.all().delete()
    detail = {"acts": len(rows)}
    audit.record("published the draft", project=project, actor=actor, now=now, detail=detail)
    return version, taxonomy_acts.touched(acts)


def _refuse_unshared(project: Project, before: Sequence[Act], act: Act) -> None:
    if not isinstance(act, Split) or not is_open(act):
        return
    if set(decided(project, before, act)).difference(*act.chosen.values()):
        raise BadAct(
            "Preview the impact first: a worker has to find out which decisions on "
            f"“{act.source}” are nearest to which of the new labels."
        )


def is_open(act: Split) -> bool:
    """Whether a worker has not found out yet what is nearest, as *act* wants it."""
    return act.by_nearest and not act.documents


def decided(project: Project, before: Sequence[Act], act: Split) -> list[int]:
    """Return the ids of the documents whose gold *act* shares out, the newest gold first.

    Args:
        before: the acts of the draft before it.
    """
    gold = project.gold.gold().filter(label__key__in=sources(before, act)).order_by("-pk")
    return list(dict.fromkeys(gold.values_list("document", flat=True)))


def sources(before: Sequence[Act], act: Split) -> set[str]:
    """Return the keys of the labels whose gold it is: the one that is split, and merged into it."""
    keys = {act.source}
    for each in reversed(before):
        match each:
            case Merge(source, into) | Retire(source, into) if into in keys:
                keys.add(source)
            case Split(source, parts) if keys.intersection(part.key for part in parts):
                keys.add(source)
            case _:
                pass
    return keys


def closed(rows: Sequence[DraftAct]) -> set[str]:
    """Return the keys of labels that the draft merges into others, splits or retires."""
    acts = acts_of(rows)
    return {act.source for act in acts if isinstance(act, Merge | Split)} | {
        act.key for act in acts if isinstance(act, Retire)
    }


def names(project: Project) -> dict[str, str]:
    """Return the names of labels by key."""
    return dict(project.labels.values_list("key", "name"))


def words(rows: Sequence[DraftAct], named: Mapping[str, str]) -> str:
    """Return what the draft does in one line."""
    said = [act.words(named) for act in acts_of(rows)]
    return "; ".join(said[:3]) + (f"; and {len(said) - 3} more" if len(said) > 3 else "")


def entries(project: Project, *, brief: bool = False) -> dict[str, TaxonomyEntry]:
    """Return labels by key as the draft has them, or as they stand where it cannot be done.

    Args:
        brief: as of taxonomies.entries.
    """
    standing = taxonomies.by_key(project, brief=brief)
    try:
        return taxonomy_acts.done(standing, acts_of(rows_of(project))).entries
    except BadAct:
        return standing
