from datetime import UTC, datetime

import pytest

from labeling import documents, events
from labeling.documents import BadRow, ImportStopped, Row, fingerprint, import_documents
from labeling.models import AuditEntry, Document, GoldLabel, Project
from tests.factories import LabelFactory, ProjectFactory

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def take(project, *rows, **options):
    return import_documents(project, rows, actor=None, now=NOON, **options)


def counts(report):
    return report.added, report.unchanged, report.duplicates, report.error_count


def test_a_row_becomes_a_document(project):
    take(project, Row("m1", "It is lost.", subject="Card", metadata={"channel": "mail"}))
    document = Document.objects.get()

    assert (document.external_id, document.subject, document.text) == ("m1", "Card", "It is lost.")
    assert document.metadata == {"channel": "mail"}
    assert document.fingerprint == fingerprint("Card", "It is lost.")
    assert (document.imported_at, document.gold_at) == (NOON, None)


def test_the_fingerprint_is_the_sha_256_of_subject_and_text():
    # printf 'a\x1fb' | sha256sum
    expected = "f04cdced9736a69da6103f08a4daaf8c485dd481217d218a1b4993c8c3968e13"

    assert fingerprint("a", "b") == expected
    assert fingerprint("ab", "") != expected


def test_importing_again_adds_nothing(project):
    rows = [Row(f"m{n}", f"text {n}") for n in range(10)]
    take(project, *rows)

    assert counts(take(project, *rows)) == (0, 10, 0, 0)
    assert Document.objects.count() == 10


def test_new_documents_among_known_ones_are_added(project):
    take(project, *(Row(f"m{n}", f"text {n}") for n in range(10)))

    assert counts(take(project, *(Row(f"m{n}", f"text {n}") for n in range(13)))) == (3, 10, 0, 0)


def test_the_same_text_under_another_id_is_a_duplicate(project):
    report = take(project, Row("m1", "hello"), Row("m2", "hello"))

    assert counts(report) == (1, 0, 1, 0)
    assert counts(take(project, Row("m3", "hello"))) == (0, 0, 1, 0)


def test_the_same_row_twice_in_one_file_is_one_document(project):
    assert counts(take(project, Row("m1", "hello"), Row("m1", "hello"))) == (1, 1, 0, 0)


@pytest.mark.parametrize("apart", [True, False])
def test_another_text_under_a_known_id_is_reported_and_changes_nothing(project, apart):
    first, second = Row("m1", "hello", line=1), Row("m1", "changed", line=2)
    report = (
        [take(project, first), take(project, second)][1] if apart else take(project, first, second)
    )

    assert report.errors[0][0] == 2
    assert "documents are never edited" in report.errors[0][1]
    assert Document.objects.get().text == "hello"


def test_two_projects_may_hold_the_same_document(project):
    take(project, Row("m1", "hello"))

    assert take(ProjectFactory(slug="other"), Row("m1", "hello")).added == 1


def test_a_row_without_an_id_gets_one_from_its_text(project):
    take(project, Row("", "hello"))

    assert counts(take(project, Row("", "hello"))) == (0, 1, 0, 0)
    assert Document.objects.get().external_id == f"sha256-{fingerprint('', 'hello')}"


@pytest.mark.parametrize("text", ["", "  \n\t"])
def test_a_row_with_neither_subject_nor_text_is_refused(project, text):
    report = take(project, Row("m1", text, line=7))

    assert report.errors == [(7, "neither subject nor text")]


def test_a_subject_alone_is_enough(project):
    assert take(project, Row("m1", "", subject="Card lost")).added == 1


def test_bad_rows_are_reported_and_the_rest_goes_in(project):
    report = take(project, Row("m1", "a"), BadRow(2, "no valid JSON"), Row("m3", "c"))

    assert counts(report) == (2, 0, 0, 1)
    assert report.errors == [(2, "no valid JSON")]


def test_errors_beyond_the_first_are_only_counted(project, monkeypatch):
    monkeypatch.setattr(documents, "ERRORS_KEPT", 3)
    report = take(project, *(BadRow(n, "bad") for n in range(10)))

    assert (len(report.errors), report.error_count) == (3, 10)


def test_a_strict_import_stops_at_the_first_bad_row_and_stores_nothing(project, monkeypatch):
    monkeypatch.setattr(documents, "BATCH", 2)
    rows = [*(Row(f"m{n}", f"text {n}") for n in range(5)), BadRow(6, "broken")]

    with pytest.raises(ImportStopped, match="line 6: broken"):
        take(project, *rows, strict=True)
    assert not Document.objects.exists()
    assert not AuditEntry.objects.exists()


def test_batches_before_an_interruption_stand_and_the_next_import_goes_on(project, monkeypatch):
    monkeypatch.setattr(documents, "BATCH", 2)

    def torn():
        yield from (Row(f"m{n}", f"text {n}") for n in range(5))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_documents(project, torn(), actor=None, now=NOON)

    assert Document.objects.count() == 4
    assert take(project, *(Row(f"m{n}", f"text {n}") for n in range(6))).added == 2


def test_progress_is_told_after_every_batch(project, monkeypatch):
    monkeypatch.setattr(documents, "BATCH", 2)
    told = []
    take(project, *(Row(f"m{n}", f"text {n}") for n in range(5)), progress=told.append)

    assert told == [2, 4, 5]


def test_a_batch_of_long_texts_is_closed_early(project, monkeypatch):
    monkeypatch.setattr(documents, "BATCH_CHARACTERS", 25)
    told = []
    take(project, *(Row(f"m{n}", str(n) * 10) for n in range(5)), progress=told.append)

    assert told == [3, 5]


def test_a_batch_costs_the_same_queries_whatever_its_length(project, django_assert_max_num_queries):
    rows = [Row(f"m{n}", f"text {n}") for n in range(500)]
    with django_assert_max_num_queries(8):
        take(project, *rows)
    with django_assert_max_num_queries(7):
        take(project, *rows)


def test_an_import_is_announced_and_written_down(
    project, owner, django_capture_on_commit_callbacks
):
    heard = []

    def hear(project_id, **_):
        heard.append(project_id)

    events.documents_imported.connect(hear)
    with django_capture_on_commit_callbacks(execute=True):
        import_documents(project, [Row("m1", "a")], actor=owner, now=NOON)
    events.documents_imported.disconnect(hear)

    assert heard == [project.pk]
    assert AuditEntry.objects.get(act="imported documents").actor == owner


# --- gold -----------------------------------------------------------------------------------------


@pytest.fixture
def lost(project):
    return LabelFactory(project=project, key="card_lost")


def gold_of(document):
    return [each.label.key for each in document.gold.all() if each.label]


def test_labels_become_gold_when_asked_for(project, lost):
    report = take(project, Row("m1", "a", labels=("card_lost",)), gold=True)
    document = Document.objects.get()

    assert report.gold == 1
    assert (gold_of(document), document.gold_at) == (["card_lost"], NOON)


def test_labels_are_left_aside_and_counted_when_not_asked_for(project, lost):
    report = take(project, Row("m1", "a", labels=("card_lost",)))

    assert (report.gold, report.labels_ignored) == (0, 1)
    assert not GoldLabel.objects.exists()


def test_a_document_that_stands_already_gets_its_gold_later(project, lost):
    take(project, Row("m1", "a"))

    assert take(project, Row("m1", "a", labels=("card_lost",)), gold=True).gold == 1


def test_gold_that_stands_is_never_overwritten(project, lost):
    LabelFactory(project=project, key="card_late")
    take(project, Row("m1", "a", labels=("card_lost",)), gold=True)
    report = take(project, Row("m1", "a", labels=("card_late",)), gold=True)

    assert report.gold == 0
    assert gold_of(Document.objects.get()) == ["card_lost"]


def test_a_row_without_labels_stays_open_in_a_gold_import(project, lost):
    assert take(project, Row("m1", "a"), gold=True).gold == 0


@pytest.mark.parametrize("labels", [("no_such_label",), ("group",), ("retired",), ("foreign",)])
def test_labels_that_cannot_be_given_are_bad_rows(project, labels):
    LabelFactory(project=project, key="group", is_assignable=False)
    LabelFactory(project=project, key="retired", retired_at=NOON)
    LabelFactory(project=ProjectFactory(slug="other"), key="foreign")
    report = take(project, Row("m1", "a", labels=labels), gold=True)

    assert report.errors == [(0, f"“{labels[0]}” is no assignable label of this project")]


def test_a_single_label_project_takes_one_label_or_none(project, lost):
    LabelFactory(project=project, key="card_late")
    both = Row("m1", "a", labels=("card_lost", "card_late"))
    report = take(project, both, Row("m2", "b", labels=()), gold=True)

    assert report.errors == [(0, "a single-label project takes one label, not 2")]
    assert GoldLabel.objects.get().label is None


def test_a_multi_label_project_takes_several_labels_or_none(lost, project):
    Project.objects.filter(pk=project.pk).update(kind=Project.Kind.MULTI)
    project.refresh_from_db()
    LabelFactory(project=project, key="card_late")
    report = take(
        project,
        Row("m1", "a", labels=("card_lost", "card_late")),
        Row("m2", "b", labels=()),
        gold=True,
    )

    assert report.gold == 2
    assert GoldLabel.objects.get(document__external_id="m2").label is None


def test_an_import_of_several_batches_is_written_down_from_its_first(project, monkeypatch):
    monkeypatch.setattr(documents, "BATCH", 2)
    take(project, *(Row(f"m{n}", f"text {n}") for n in range(5)))

    acts = AuditEntry.objects.order_by("pk").values_list("act", flat=True)
    assert list(acts) == ["began importing documents", "imported documents"]
