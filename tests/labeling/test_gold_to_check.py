"""People are asked about gold that a model contradicts, and may put it right."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from labeling import annotations, desk, gold, queue_counts, queues
from labeling.annotations import LeaseLost, UndoRefused
from labeling.models import Annotation, AuditEntry, GoldLabel, ReviewQueue, ReviewTask
from labeling.queue_filling import Doubt
from tests.factories import DocumentFactory, PredictionFactory, ProjectFactory
from tests.labeling.desk import multi

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(minutes=1)
Reason, Status = ReviewQueue.Reason, ReviewTask.Status
pytestmark = pytest.mark.django_db


@pytest.fixture
def document(project, labels):
    """A document whose imported gold is the first label."""
    document = DocumentFactory(project=project)
    gold.grant_imported_bulk(project, [(document.pk, [labels[0].pk])], NOON)
    document.refresh_from_db()
    return document


@pytest.fixture
def ask(project, labels):
    """Have a model doubt the gold of documents: it says the third label."""

    def ask(*documents, strength=0.8):
        opinion = [(labels[2].pk, 0.9), (labels[0].pk, 0.1)]
        doubts = [Doubt(each.pk, opinion, strength) for each in documents]
        return queues.doubt(project, doubts, now=NOON)

    return ask


@pytest.fixture
def answer(project, reviewer):
    """Lease the next task and answer it."""

    def answer(*labels, key=None, now=NOON):
        task = queues.lease_next(project, reviewer, now=now)
        return annotations.annotate(
            task, reviewer=reviewer, labels=labels, key=key or uuid4(), now=now
        )

    return answer


def given(document):
    rows = GoldLabel.objects.gold().filter(document=document).order_by("pk")
    return [row.label for row in rows]


def test_gold_in_doubt_waits_in_a_queue_of_its_own(project, document, ask):
    assert ask(document) == 1
    task = project.tasks.open().get()
    assert (task.queue.reason, task.document, task.is_check) == (Reason.CHECK, document, True)


def test_asking_twice_is_asking_once(project, document, ask):
    ask(document)
    ask(document)
    assert project.tasks.count() == 1


def test_what_is_no_longer_doubted_is_withdrawn(project, document, ask):
    ask(document)
    assert ask() == 0
    assert project.tasks.get().status == Status.WITHDRAWN


def test_what_somebody_looks_at_stays(project, reviewer, document, ask):
    ask(document)
    queues.lease_next(project, reviewer, now=NOON)
    ask()
    assert project.tasks.get().status == Status.OPEN


def test_documents_without_gold_or_of_other_projects_are_not_asked_about(project, ask):
    stranger = DocumentFactory(project=ProjectFactory(slug="other", name="Other"), gold_at=NOON)
    assert ask(DocumentFactory(project=project), stranger) == 0
    assert not ReviewTask.objects.exists()


def test_gold_to_check_comes_after_everything_else(project, reviewer, document, ask, waiting):
    ask(document, strength=0.99)
    sure = waiting(value=0.0)
    assert queues.lease_next(project, reviewer, now=NOON) == sure


def test_the_card_offers_what_stands_first_so_that_enter_confirms(
    project, reviewer, document, ask, labels
):
    ask(document)
    card = desk.card(queues.lease_next(project, reviewer, now=NOON), viewer=reviewer)
    assert [choice.label for choice in card.tie] == [labels[0], labels[2]]
    assert [choice.probability for choice in card.tie] == [0.1, 0.9]
    assert [choice.stands for choice in card.tie] == [True, False]


def test_the_card_says_what_stands_and_what_a_model_says(project, reviewer, document, ask, labels):
    ask(document)
    stands, says = desk.card(
        queues.lease_next(project, reviewer, now=NOON), viewer=reviewer
    ).why.split("; ")
    assert stands == "Gold to check: Card arrival stands"
    assert says == "a model that had not seen it says Lost card (90\N{NO-BREAK SPACE}%)"


def test_labels_of_the_same_name_are_told_apart(project, reviewer, document, ask, labels):
    project.labels.update(name="Other")
    ask(document)
    card = desk.card(queues.lease_next(project, reviewer, now=NOON), viewer=reviewer)
    assert "says Other" in card.why


def test_a_later_opinion_takes_the_place_of_the_former(project, document, ask, labels):
    ask(document)
    opinion = [(labels[3].pk, 0.7), (labels[0].pk, 0.2)]
    queues.doubt(project, [Doubt(document.pk, opinion, 0.5)], now=LATER)
    task = project.tasks.open().get()
    assert task.opinion == [[labels[3].pk, 0.7], [labels[0].pk, 0.2]]
    assert task.value == -0.5


def test_gold_that_changed_since_it_was_read_is_not_asked_about(project, document, labels):
    opinion = [(labels[2].pk, 0.9), (labels[0].pk, 0.1)]
    earlier = NOON - timedelta(minutes=1)
    assert queues.doubt(project, [Doubt(document.pk, opinion, 0.8)], now=earlier) == 0


def test_an_answer_is_not_said_to_rest_on_a_prediction(document, ask, answer, labels):
    PredictionFactory(document=document)
    ask(document)
    assert answer(labels[2]).prediction is None


def test_putting_right_is_written_down(document, ask, answer, labels):
    ask(document)
    answer(labels[2])
    assert AuditEntry.objects.get(act="annotated").detail["replaced"] == [labels[0].pk]


def test_confirming_leaves_the_gold_and_asks_no_more(project, document, ask, answer, labels):
    before = list(GoldLabel.objects.values_list("pk", flat=True))
    ask(document)
    annotation = answer(labels[0])
    assert list(GoldLabel.objects.values_list("pk", flat=True)) == before
    assert annotation.replaced == []
    assert ask(document) == 0
    assert not project.tasks.open().exists()


def test_another_answer_takes_the_place_of_the_gold(document, ask, answer, labels):
    ask(document)
    annotation = answer(labels[2], now=LATER)
    assert given(document) == [labels[2]]
    assert GoldLabel.objects.get().annotation == annotation
    document.refresh_from_db()
    assert document.gold_at == LATER


def test_gold_may_turn_out_to_fit_nothing(document, ask, answer):
    ask(document)
    answer()
    assert given(document) == [None]


def test_undo_brings_the_former_gold_back(reviewer, document, ask, answer, labels):
    ask(document)
    annotation = answer(labels[2], now=LATER)
    task = annotations.undo(annotation, reviewer=reviewer, now=LATER)
    assert given(document) == [labels[0]]
    assert task.is_leased_to(reviewer, at=LATER)
    document.refresh_from_db()
    assert document.gold_at == NOON


def test_undoing_a_confirmation_changes_no_gold(reviewer, document, ask, answer, labels):
    ask(document)
    annotations.undo(answer(labels[0]), reviewer=reviewer, now=LATER)
    assert given(document) == [labels[0]]


def test_gold_put_right_after_a_decision_cannot_be_undone_by_that_decision(
    project, reviewer, ask, answer, labels, waiting
):
    document = waiting().document
    first = answer(labels[0])
    ask(document)
    answer(labels[2], now=LATER)
    with pytest.raises(UndoRefused):
        annotations.undo(first, reviewer=reviewer, now=LATER)
    assert given(document) == [labels[2]]


def test_undoing_the_decision_in_doubt_ends_the_asking(
    project, reviewer, ask, answer, labels, waiting
):
    document = waiting().document
    first = answer(labels[0])
    ask(document)
    annotations.undo(first, reviewer=reviewer, now=LATER)
    assert given(document) == []
    assert project.tasks.open().get().queue.reason == Reason.AMBIGUOUS


def test_a_double_click_is_one_answer(document, ask, answer, labels, reviewer):
    ask(document)
    key = uuid4()
    first = answer(labels[2], key=key)
    again = annotations.annotate(
        first.task, reviewer=reviewer, labels=[labels[2]], key=key, now=LATER
    )
    assert again == first
    assert given(document) == [labels[2]]


def test_gold_that_went_meanwhile_is_not_put_right(project, reviewer, document, ask, labels):
    ask(document)
    task = queues.lease_next(project, reviewer, now=NOON)
    document.gold.all().delete()
    type(document).objects.filter(pk=document.pk).update(gold_at=None)
    with pytest.raises(LeaseLost):
        annotations.annotate(task, reviewer=reviewer, labels=labels[:1], key=uuid4(), now=NOON)
    assert not Annotation.objects.exists()


def test_a_new_prediction_leaves_the_asking_alone(project, document, ask):
    ask(document)
    queues.enqueue([PredictionFactory(document=document)], now=LATER)
    assert project.tasks.open().get().is_check


def test_all_labels_of_a_multi_label_document_are_put_right(project, document, ask, answer, labels):
    multi(project)
    ask(document)
    answer(labels[0], labels[2])
    assert given(document) == [labels[0], labels[2]]


def test_a_multi_label_card_ticks_what_stands(project, reviewer, document, ask, labels):
    multi(project)
    ask(document)
    card = desk.card(queues.lease_next(project, reviewer, now=NOON), viewer=reviewer)
    ticked = [choice.label for choice in (*card.tie, *card.others) if choice.is_ticked]
    assert ticked == [labels[0]]


def test_the_queue_is_shown_only_while_it_holds_something(project, reviewer, document, ask):
    queues.ensure(project)
    assert Reason.CHECK not in [each.queue.reason for each in queue_counts.of(project, reviewer)]
    ask(document)
    assert Reason.CHECK in [each.queue.reason for each in queue_counts.of(project, reviewer)]
