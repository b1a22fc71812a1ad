"""Documents found by their words, on either database."""

import importlib

import pytest
from django.db import connection
from django.utils import timezone

from labeling import document_words
from labeling.documents import Row, import_documents
from labeling.models import Document
from labeling.search import parse
from tests.factories import DocumentFactory, ProjectFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def stored(project):
    """Import texts under ids, and return how to ask for the ids a search finds."""

    def stored(**texts):
        rows = [Row(name, text) for name, text in texts.items()]
        import_documents(project, rows, actor=None, now=timezone.now())
        return lambda typed, **options: found(project, typed, **options)

    return stored


def found(project, typed, most=50, **options):
    ids = document_words.find(project, parse(typed), most=most, **options)
    names = dict(Document.objects.filter(pk__in=ids).values_list("pk", "external_id"))
    return [names[pk] for pk in ids]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("card", ["c", "b", "a"]),
        ("CARD refund", ["b"]),
        ('"two times"', ["b"]),
        ('"times two"', []),
        ("card -refund", ["c", "a"]),
        ("-refund", ["d", "c", "a"]),
        ("char", ["c", "b"]),
        ("char card", ["c"]),
        ("zahler", ["d"]),
        ("Zähler", ["d"]),
        ("e-mail", ["a"]),
        ("someone@example.org", ["a"]),
        ("example", ["a"]),
        ("words:card", []),
        ("NEAR(card refund)", []),
        ("p1", []),
        ("project", []),
        ("card AND lost", []),
        ("'; DROP TABLE labeling_document; --", []),
        ("переказ", ["c"]),
        ("x" * 10_000, []),
    ],
)
def test_all_words_must_occur_and_no_excluded_one(stored, typed, expected):
    find = stored(
        a="My card got lost, send an e-mail to someone@example.org",
        b="The card was charged two times: refund",
        c="Card of cards, char, ПЕРЕКАЗ",
        d="Der Zähler steht still",
    )

    assert find(typed) == expected


def test_the_subject_is_searched_too(project):
    row = Row("a", "nothing of it", subject="Lost card")
    import_documents(project, [row], actor=None, now=timezone.now())

    assert found(project, "lost") == ["a"]


def test_other_projects_are_not_searched(stored):
    stored(a="card")

    assert found(ProjectFactory(slug="other"), "card") == []


def test_found_documents_come_newest_first_and_go_on_below_one(stored):
    find = stored(a="card one", b="card two", c="card three")
    last = Document.objects.get(external_id="b").pk

    assert find("card", most=2) == ["c", "b"]
    assert find("card", below=last) == ["a"]


def test_which_of_some_documents_a_search_finds(stored, project):
    stored(a="card one", b="card two", c="lost", d="card three")
    ids = dict(Document.objects.values_list("external_id", "pk"))

    assert document_words.among(project, parse("card"), [ids["a"], ids["c"]]) == [ids["a"]]
    assert set(document_words.among(project, parse("card"), [ids["d"], ids["a"]])) == {
        ids["a"],
        ids["d"],
    }
    assert document_words.among(project, parse("card"), []) == []


def test_importing_again_finds_nothing_twice(stored):
    stored(a="card one")
    find = stored(a="card one", b="card two")

    assert find("card") == ["b", "a"]


def test_a_deleted_document_is_found_no_more(stored):
    find = stored(a="card one", b="card two")
    Document.objects.get(external_id="a").delete()
    DocumentFactory().delete()

    assert find("card") == ["b"]


def test_the_longest_text_of_many_letters_goes_in(stored):
    find = stored(a="각힣" * 100_000, b="the card " + "x " * 99_990 + "unseen")

    assert find("card") == ["b"]
    assert find("unseen") == []


def test_documents_that_stood_before_are_taken_in_by_the_migration(project, monkeypatch):
    migration = importlib.import_module("labeling.migrations.0009_document_words")
    monkeypatch.setattr(migration, "BATCH", 2)
    for number in range(5):
        DocumentFactory(project=project, external_id=f"mail-{number}", text="card")
    with connection.cursor() as cursor:
        migration.fill(connection, cursor)

    assert found(project, "card") == [f"mail-{number}" for number in (4, 3, 2, 1, 0)]
