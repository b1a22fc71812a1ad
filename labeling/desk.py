"""Lay out one review task as a card: the text, why it is here, and what to choose from."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.functions import Length, Substr

from labeling import adjudication, comments, only_one, taxonomies
from labeling.adjudication import Answer
from labeling.gold import SHOWN
from labeling.label_search import WITH_PATH, look_up, path_of
from labeling.models import (
    Comment,
    Document,
    Exclusion,
    GoldLabel,
    Label,
    Project,
    ReviewQueue,
    ReviewTask,
)
from labeling.prepared import Ids, Prepared
from labeling.quoting import Part, parts
from labeling.reasons import changed, doubted, percent, why
from labeling.wording import set_off

TEXT_SHOWN = 100_000  # characters of a body sent to the browser
EXAMPLE_SHOWN = 200  # characters of a gold example
BEGINNING = Substr("document__text", 1, 2 * EXAMPLE_SHOWN)  # of gold's text: see `shortened`
EXAMPLES = 2  # of each of the two labels side by side
METADATA_SHOWN = 12  # entries
VALUE_SHOWN = 300  # characters of one entry


@dataclass(frozen=True, slots=True)
class Example:
    """The beginning of a document that people gave a label."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A label as the card offers it.

    digit: the key that chooses it, 1 to 9; 0 for none. stands: it is the gold that is asked about.
    description: of the two side by side, in runs; whether the other's lacks their words.
    """

    label: Label
    probability: float | None = None
    digit: int = 0
    is_ticked: bool = False
    stands: bool = False
    examples: Sequence[Example] = ()
    description: Sequence[tuple[str, bool]] = ()
    exclusions: Sequence[Exclusion] = ()

    @property
    def path(self) -> str:
        return path_of(self.label)

    @property
    def share(self) -> str:
        return "" if self.probability is None else percent(self.probability)


@dataclass(frozen=True, slots=True)
class Card:
    """All that a reviewer sees of one task.

    tie: the first two choices, with examples. others: the rest, in the model's order.
    found: labels looked up without JavaScript. length: characters of the whole body.
    comments: the last on the document, oldest first. answers: what people said who differ.
    """

    task: ReviewTask
    document: Document
    text: Sequence[Part]
    length: int
    metadata: Sequence[tuple[str, str]]
    why: str
    tie: Sequence[Choice]
    others: Sequence[Choice]
    found: Sequence[Choice]
    comments: Sequence[Comment]
    answers: Sequence[Answer]

    @property
    def is_cut(self) -> bool:
        return self.length > TEXT_SHOWN

    @property
    def is_multi(self) -> bool:
        return self.task.project.is_multi


def card(
    task: ReviewTask, *, viewer: User, ticked: Sequence[int] | None = None, find: str = ""
) -> Card:
    """Lay out *task*, selected with its project, queue and prediction.

    Args:
        viewer: who looks at it.
        ticked: ids of the labels ticked so far, in a multi-label project; what was predicted when
            None.
        find: words to look for in the taxonomy.
    """
    (document,) = _begun(document=task.document_id)
    offered = choices(task, ticked=ticked)
    known = {choice.label.pk for choice in offered}
    return Card(
        task=task,
        document=document,
        text=parts(document.shown),
        length=document.length or 0,
        metadata=readable(document.metadata),
        why=reason(task, offered),
        tie=explained(offered[:2], document),
        others=offered[2:],
        found=[Choice(each) for each in look_up(task.project, find) if each.pk not in known],
        comments=said_of(task, document, viewer) if document.is_commented else [],
        answers=adjudication.answers(task) if task.is_disputed else [],
    )


@Prepared
def _begun(*, document: int) -> QuerySet[Any]:
    """Return the document with the beginning of its text, its length, and whether it has comments.

    A Document with annotations, which its type does not know.
    """
    lean = Document.objects.filter(pk=document).defer("text")
    is_commented = Exists(Comment.objects.filter(document=OuterRef("pk")))
    beginning = Substr("text", 1, TEXT_SHOWN)
    return lean.annotate(shown=beginning, length=Length("text"), is_commented=is_commented)


def said_of(task: ReviewTask, document: Document, viewer: User) -> list[Comment]:
    """Return the comments on *document*; a question to the owners stands above them.

    Where several people judge, each sees their own only until all did.
    """
    is_blind = (task.wanted > 1 and not task.is_disputed) or task.is_known
    return [
        each
        for each in comments.on(document)
        if each.pk != task.question_id and not (is_blind and each.author_id != viewer.pk)
    ]


@dataclass(frozen=True, slots=True)
class Outline:
    """What a task asks and offers, for programs. suggested: ids of the labels Enter accepts."""

    task: ReviewTask
    why: str
    candidates: Sequence[Choice]
    suggested: Sequence[int]


def outlines(project: Project, tasks: Sequence[ReviewTask]) -> list[Outline]:
    """Outline *tasks* of *project*, selected with queues, predictions and documents, in order."""
    stands = standing([task for task in tasks if task.is_check])
    wanted = {label_id for given in stands.values() for label_id in given}
    for task in tasks:
        task.project = project
        wanted.update(task.prediction.proposed if task.prediction else ())
        wanted.update(label_id for label_id, _ in task.opinion)
    labels = {pk: label for pk, label in taxonomies.labels_of(wanted).items() if label.is_usable}
    return [_outline(task, choices(task, labels=labels, stands=stands)) for task in tasks]


def _outline(task: ReviewTask, offered: Sequence[Choice]) -> Outline:
    first = (
        offered[:1] if not task.project.is_multi else [each for each in offered if each.is_ticked]
    )
    return Outline(task, reason(task, offered), offered, [each.label.pk for each in first])


def reason(task: ReviewTask, offered: Sequence[Choice]) -> str:
    """Say in words why *task* is here."""
    named = [(str(each.label), each.probability or 0.0) for each in offered if each.share]
    if task.is_disputed:
        return f"{task.judged} people judged this, and they differ"
    if task.queue.reason == ReviewQueue.Reason.CHANGED:
        stands = [str(each.label) for each in offered if each.stands]
        return changed(stands if task.is_check else None, named)
    return doubt(task, offered) if task.is_check else why(task, named)


def choices(
    task: ReviewTask,
    *,
    ticked: Sequence[int] | None = None,
    labels: Mapping[int, Label] | None = None,
    stands: Mapping[int, Sequence[int]] | None = None,
) -> list[Choice]:
    """Return the labels the card offers in the model's order: at most nine, and those ticked.

    Labels retired since the prediction are left out.

    Args:
        ticked: as in `card`.
        labels, stands: the usable ones among those proposed, and what `standing` says of the task,
            where they were read already.
    """
    if stands is None:
        stands = standing([task] if task.is_check else [])
    probability, predicted = proposed(task, stands.get(task.document_id, ()))
    if task.is_disputed:
        given, agreed = adjudication.in_dispute(adjudication.answers(task))
        probability = {pk: probability.get(pk) for pk in given} | probability
        predicted = agreed
    suggested: Sequence[int] = ()
    if task.project.is_multi:
        suggested = predicted if ticked is None else ticked
    wanted = list(dict.fromkeys([*probability, *suggested]))
    if labels is None:
        labels = {each.pk: each for each in _with_path(labels=wanted)} if wanted else {}
    if ticked is None and not (task.is_check or task.is_disputed):  # else people said it
        lines = {pk: label.one_of for pk, label in labels.items()}
        suggested = only_one.likeliest(suggested, probability, lines)
    offered = [labels[pk] for pk in wanted if pk in labels]
    shown = [label for rank, label in enumerate(offered) if rank < SHOWN or label.pk in suggested]
    return [
        Choice(
            label,
            probability.get(label.pk),
            digit=place if place <= SHOWN else 0,
            is_ticked=label.pk in suggested,
            stands=task.is_check and label.pk in predicted,
        )
        for place, label in enumerate(shown, start=1)
    ]


@Prepared
def _with_path(*, labels: Ids) -> QuerySet[Label]:
    return Label.objects.assignable().select_related(WITH_PATH).filter(pk__in=labels)


def proposed(
    task: ReviewTask, given: Sequence[int]
) -> tuple[dict[int, float | None], Sequence[int]]:
    """Return label id to probability, best first, and the labels that are ticked to begin with.

    Where gold is asked about: what stands, which Enter confirms, and then the second opinion.

    Args:
        given: the labels that stand, where gold is asked about.
    """
    if task.is_check:
        opinion: dict[int, float | None] = dict(task.opinion)
        first = {label_id: opinion[label_id] for label_id in given if label_id in opinion}
        return first | opinion, given
    if task.prediction is None:
        return {}, []
    ranked = task.prediction.ranked
    return {each.label_id: each.probability for each in ranked}, task.prediction.label_ids


def defined(offered: Sequence[Choice]) -> list[Choice]:
    """Give all choices their exclusions, read at once."""
    ids = [choice.label.pk for choice in offered]
    found = _exclusions(labels=ids) if ids else []
    return [
        replace(each, exclusions=[one for one in found if one.label_id == each.label.pk])
        for each in offered
    ]


@Prepared
def _exclusions(*, labels: Ids) -> QuerySet[Exclusion]:
    return Exclusion.objects.filter(label__in=labels).select_related("use")


def explained(tie: Sequence[Choice], document: Document) -> list[Choice]:
    """Give each choice its exclusions, its newest gold, and what it alone says of itself."""
    tie = defined(tie)
    texts = [each.label.description for each in tie]
    others = texts[::-1] if len(texts) > 1 else [""]
    return [
        replace(
            each,
            examples=examples(each.label, document),
            description=set_off(text, other),
        )
        for each, text, other in zip(tie, texts, others, strict=False)
    ]


def examples(label: Label, document: Document) -> list[Example]:
    """Return the beginnings of the documents that got *label* last, never *document* itself."""
    newest = _examples(label=label.pk, document=document.pk)
    return [Example(subject, shortened(text)) for subject, text in newest]


@Prepared
def _examples(*, label: int, document: int) -> QuerySet[GoldLabel, tuple[str, str]]:
    others = GoldLabel.objects.gold().filter(label=label).exclude(document=document)
    newest = others.order_by("-pk").annotate(beginning=BEGINNING)
    return newest.values_list(F("document__subject"), "beginning")[:EXAMPLES]


def shortened(text: str) -> str:
    """Return the beginning of *text* on one line."""
    line = " ".join(text.split())
    return line if len(line) <= EXAMPLE_SHOWN else f"{line[:EXAMPLE_SHOWN].rstrip()} …"


def doubt(task: ReviewTask, offered: Sequence[Choice]) -> str:
    """Say what stands, and how a model that had not seen it would rather have it."""
    return doubted(
        [(str(each.label), each.probability or 0.0) for each in offered if each.stands],
        [(str(each.label), each.probability or 0.0) for each in offered if not each.stands],
        is_multi=task.project.is_multi,
    )


def standing(tasks: Sequence[ReviewTask]) -> dict[int, list[int]]:
    """Return the labels that gold gives the documents of *tasks* now, by document, in one query."""
    found: dict[int, list[int]] = {task.document_id: [] for task in tasks}
    if not found:
        return found
    gold = GoldLabel.objects.gold().exclude(label=None).filter(document__in=found)
    for document_id, label_id in gold.order_by("pk").values_list("document", "label"):
        found[document_id].append(label_id)
    return found


def readable(metadata: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the first entries of *metadata* as short texts, empty ones left out."""
    entries: Iterable[tuple[str, Any]] = metadata.items() if isinstance(metadata, dict) else ()
    written = [
        (str(name), value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in entries
        if value not in (None, "", [], {})
    ]
    return [(name[:60], value[:VALUE_SHOWN]) for name, value in written[:METADATA_SHOWN]]
