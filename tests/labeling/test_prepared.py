"""Prepared queries answer as the query sets they were made of, and are written once."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.db.transaction import TransactionManagementError

from labeling.models import Document, Project, ReviewTask
from labeling.prepared import Change, Ids, Prepared, PreparedUpdate, Words, insert, together
from tests.factories import DocumentFactory, PredictionFactory, ProjectFactory, ReviewTaskFactory

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def waiting(*, project: int, at: datetime) -> QuerySet[ReviewTask, int]:
    tasks = ReviewTask.objects.filter(project=project).unleased(at=at)
    return tasks.most_valuable_first().values_list("pk", flat=True)


def named(*, keys: Words) -> QuerySet[Document]:
    return Document.objects.filter(external_id__in=keys).order_by("pk")


def tasks_of(*, documents: Ids) -> QuerySet[ReviewTask]:
    found = ReviewTask.objects.select_related("document", "prediction").order_by("pk")
    return found.filter(document__in=documents).defer("document__text")


def test_values_are_those_of_the_query_set_whatever_is_asked(project, reviewer):
    prepared = Prepared(waiting)
    for number in range(4):
        ReviewTaskFactory(project=project, value=number / 4)
    held = ReviewTaskFactory(project=project, leased_by=reviewer, leased_until=NOON)
    elsewhere = ReviewTaskFactory(project=ProjectFactory(slug="elsewhere"))
    for asked in (
        {"project": project.pk, "at": NOON},
        {"project": project.pk, "at": NOON - timedelta(microseconds=1)},
        {"project": elsewhere.project_id, "at": NOON},
    ):
        assert prepared(**asked) == list(waiting(**asked))
    assert held.pk in prepared(project=project.pk, at=NOON)


def test_a_query_is_written_once(project):
    written = []

    def counted(*, project: int) -> QuerySet[Project]:
        written.append(project)
        return Project.objects.filter(pk=project)

    prepared = Prepared(counted)
    assert [prepared(project=project.pk) for _ in range(3)] == [[project]] * 3
    assert len(written) == 1


@pytest.mark.parametrize("several", [1, 2, 3, 5, 8])
def test_it_is_asked_with_any_number_of_ids_and_words(several):
    documents = DocumentFactory.create_batch(9)
    chosen = documents[:several]
    tasks = [ReviewTaskFactory(document=each) for each in documents][:several]
    assert Prepared(named)(keys=[each.external_id for each in chosen]) == chosen
    assert Prepared(tasks_of)(documents=[each.pk for each in chosen]) == tasks


def test_it_is_not_asked_with_nothing():
    with pytest.raises(ValueError, match="at least one"):
        Prepared(tasks_of)(documents=[])
    with pytest.raises(ValueError, match="at most"):
        Prepared(tasks_of)(documents=range(10**6))


def test_a_thousand_values_of_one_list_are_not_taken_for_those_of_another():
    def both(*, ones: Ids, others: Ids) -> QuerySet[Document]:
        return Document.objects.filter(pk__in=ones, gold_at=None).exclude(pk__in=others)

    document = DocumentFactory()
    many = [*range(10**7, 10**7 + 999), document.pk]
    assert Prepared(both)(ones=many, others=[1 + 10**8]) == [document]
    assert Prepared(both)(ones=[document.pk], others=many) == []


@pytest.mark.django_db(transaction=True)
def test_a_row_is_locked_in_a_transaction_alone(transactional_db):
    document = DocumentFactory()

    @Prepared
    def locked(*, document: int) -> QuerySet[Document]:
        return Document.objects.filter(pk=document).select_for_update()

    with transaction.atomic():
        assert locked(document=document.pk) == [document]
    with pytest.raises(TransactionManagementError):
        locked(document=document.pk)


def test_models_come_with_those_selected_and_without_what_was_deferred(
    django_assert_num_queries,
):
    task = ReviewTaskFactory(prediction=PredictionFactory(candidates=[[7, 0.5, 1.0, 0.25]]))
    alone = ReviewTaskFactory(prediction=None)
    documents = [task.document_id, alone.document_id]
    with django_assert_num_queries(1):
        first, second = Prepared(tasks_of)(documents=documents)
        assert first.document.metadata == task.document.metadata
        assert first.prediction.ranked[0].probability == 0.25
        assert second.prediction is None
    assert first.document.get_deferred_fields() == {"text"}
    assert first.document.text == task.document.text


def test_text_that_looks_like_sql_is_a_value(project):
    prepared = Prepared(named)
    hostile = DocumentFactory(project=project, external_id="'); DROP TABLE x; -- %s")
    assert prepared(keys=[hostile.external_id]) == [hostile]
    assert prepared(keys=["%"]) == []


def test_an_argument_the_query_does_not_ask_for_is_refused(project):
    def careless(*, project: int, at: datetime) -> QuerySet[Project]:
        return Project.objects.filter(pk=project)

    with pytest.raises(ValueError, match="does not ask for at"):
        Prepared(careless)(project=project.pk, at=NOON)


def test_an_update_changes_what_it_says_and_tells_how_many(project, reviewer):
    task, other = ReviewTaskFactory(project=project), ReviewTaskFactory(project=project)

    @PreparedUpdate
    def lend(*, task: int, person: int, until: datetime) -> Change:
        free = ReviewTask.objects.filter(pk=task, leased_by=None)
        return free, {"leased_by": User(pk=person), "leased_until": until}

    assert lend(task=task.pk, person=reviewer.pk, until=NOON) == 1
    assert lend(task=task.pk, person=reviewer.pk, until=NOON) == 0
    task.refresh_from_db()
    other.refresh_from_db()
    assert (task.leased_by, task.leased_until, other.leased_by) == (reviewer, NOON, None)


def test_an_update_that_the_database_refuses_ends_its_transaction(project):
    task = ReviewTaskFactory(project=project)

    @PreparedUpdate
    def half(*, task: int, until: datetime) -> Change:
        return ReviewTask.objects.filter(pk=task), {"leased_until": until}

    with transaction.atomic():
        with pytest.raises(IntegrityError):  # no lease without its holder
            half(task=task.pk, until=NOON)
        with pytest.raises(TransactionManagementError):
            ReviewTask.objects.count()
        transaction.set_rollback(True)


def rows_of(project, names):
    return [
        Document(
            project=project, external_id=name, subject="", text=name, metadata={"of": [name, None]},
            fingerprint=name * 8, imported_at=NOON,
        )
        for name in names
    ]  # fmt: skip


@pytest.mark.parametrize("names", [["a"], ["b", "c", "d"]])
def test_rows_are_inserted_as_bulk_create_would(project, names):
    rows = rows_of(project, names)
    insert(rows, tell=True)
    others = Document.objects.bulk_create(rows_of(ProjectFactory(slug="elsewhere"), names))

    assert [row.pk for row in rows] == list(
        named(keys=names).filter(project=project).values_list("pk", flat=True)
    )
    for row, other in zip(rows, others, strict=True):
        stored, expected = (
            Document.objects.filter(pk=each.pk).values().get() for each in (row, other)
        )
        differ = {key for key in stored if stored[key] != expected[key]}
        assert differ == {"id", "project_id"}
        assert not row._state.adding


def test_inserting_what_must_not_stand_twice_fails_and_breaks_the_transaction(project):
    insert(rows_of(project, ["a"]))
    with transaction.atomic():
        with pytest.raises(IntegrityError):
            insert(rows_of(project, ["a"]))
        assert transaction.get_rollback()
    assert Document.objects.count() == 1


def test_no_row_is_no_statement(django_assert_num_queries):
    with django_assert_num_queries(0):
        insert([])


def test_together_what_fails_is_said_at_the_end_and_nothing_stays(project):
    def insert_twice():
        with transaction.atomic(), together():
            insert(rows_of(project, ["a"]))
            insert(rows_of(project, ["a"]))

    with pytest.raises(IntegrityError):
        insert_twice()
    assert not Document.objects.exists()


def test_together_all_is_stored_and_answers_can_be_waited_for(project):
    (last,) = rows_of(project, ["c"])
    with transaction.atomic(), together():
        insert(rows_of(project, ["a", "b"]))
        assert Document.objects.count() == 2
        insert([last], tell=True)
    assert Document.objects.get(pk=last.pk).text == "c"
