"""What a draft would do to documents where only one of several labels is given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

from django.db.models import Count
from django.template.defaultfilters import pluralize

from labeling import only_one, taxonomy_moves
from labeling.models import Project
from labeling.taxonomy_acts import Transfer, Work
from labeling.taxonomy_lint import Remark

Lines = Mapping[str, Sequence[str]]
"""Labels to their lines: see Label.one_of."""


def remarks(project: Project, work: Work) -> list[Remark]:
    """Return which documents have several labels of which *work* lets only one be given.

    They stand as they are. And which labels say no more that only one is given, for they go.
    """
    labels = list(project.labels.values_list("pk", "key", "one_of", "only_one"))
    keys = {pk: key for pk, key, *_ in labels}
    before = {key: [keys[pk] for pk in one_of] for _, key, one_of, _ in labels}
    parents = {key: entry.parent for key, entry in work.entries.items()}
    saying = {key for key, each in work.entries.items() if each.only_one and not each.retired}
    after = only_one.lines(parents, saying)
    gone = [key for _, key, _, says_so in labels if says_so and work.entries[key].retired]
    return [
        *_broken(project, work, before, after),
        *(remark for group in gone for remark in _gone(work, group, before, after)),
    ]


def _broken(project: Project, work: Work, before: Lines, after: Lines) -> Iterator[Remark]:
    moves = taxonomy_moves.moves(work.transfers, {key: key for key in work.entries})
    found: Counter[str] = Counter()
    for document, labels in _given(project, work.transfers, before, after).items():
        then = taxonomy_moves.moved(document, labels, moves) or ()
        broken = only_one.clash({key: after.get(key, ()) for key in then})
        if broken and only_one.clash({key: before[key] for key in labels}) is None:
            found[broken[2]] += 1
    for group, count in found.items():
        said = f"{count:,} document{pluralize(count)} {pluralize(count, 'has,have')}"
        message = f"{said} several of the labels under “{work.entries[group].name}”"
        yield Remark(group, message, "They stay so until they are decided anew.")


def _given(
    project: Project, transfers: Sequence[Transfer], before: Lines, after: Lines
) -> dict[int, list[str]]:
    """Return the labels of documents that may break a rule anew: several come below one."""
    below = {key for key, line in after.items() if line}
    for each in reversed(transfers):
        if each.target in below:
            below.add(each.source)
    moving = {each.source for each in transfers}
    new = {key for key in below if key in moving or before.get(key) != after.get(key)}
    if not new & before.keys():
        return {}
    gold = project.gold.gold().exclude(label=None).order_by()
    within = gold.filter(label__in=_ids(project, below)).values("document")
    several = within.annotate(labels=Count("pk")).filter(labels__gt=1).values("document")
    touched = gold.filter(label__in=_ids(project, new)).values("document")
    rows = gold.filter(document__in=several).filter(document__in=touched)
    found: dict[int, list[str]] = {}
    for document, key in rows.values_list("document", "label__key"):
        found.setdefault(document, []).append(key)
    return found


def _ids(project: Project, keys: Collection[str]) -> list[int]:
    return list(project.labels.filter(key__in=keys).values_list("pk", flat=True))


def _gone(work: Work, group: str, before: Lines, after: Lines) -> Iterator[Remark]:
    """Yield that labels may be given together from now on for *group*, which said no, is gone."""
    freed = [
        key
        for key, line in before.items()
        if group in line and not work.entries[key].retired and not after[key]
    ]
    if len(freed) > 1:
        upper = min(freed, key=lambda key: len(before[key]))
        yield Remark(
            group,
            f"“{work.entries[group].name}” goes, so several of the labels below it may be given",
            "Say “Only one of these” of the label above them, where that is to stay.",
            work.entries[upper].parent or "",
        )
