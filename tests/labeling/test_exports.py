import csv
import io
import json
from datetime import UTC, datetime

import pytest
from django.core.management import call_command

from labeling import exports, taxonomies, taxonomy_files
from labeling.document_files import DocumentFile
from labeling.documents import import_documents
from labeling.publishing import publish
from labeling.taxonomy_entries import TaxonomyEntry
from tests.factories import DocumentFactory, GoldLabelFactory, LabelFactory, ProjectFactory

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db

ODD = [
    TaxonomyEntry("top", 'Top; with, "all"', assignable=False, only_one=True),
    TaxonomyEntry(
        "lost",
        "=Lost",
        parent="top",
        description="Two\nlines; use nothing.",
        exclusions=(("x; use y. or so", "late"), ("Not for z", None), ("ends; use late", None)),
        examples=("one; two", "three\nfour", "[five]"),
        overlaps=("late",),
    ),
    TaxonomyEntry("late", "'Late", overlaps=("lost",), aliases=("=late; very", "[5]", "overdue")),
    TaxonomyEntry("old", "Old", retired=True),
]


@pytest.mark.parametrize("format_", ["json", "csv"])
def test_a_taxonomy_exported_and_imported_is_the_same(project, format_):
    publish(project, ODD, actor=None, now=NOON)
    text = "".join(exports.taxonomy(project, format_=format_))
    other = ProjectFactory(slug="other")
    publish(other, taxonomy_files.parse(text), actor=None, now=NOON)

    assert taxonomies.entries(other) == taxonomies.entries(project) == ODD
    assert publish(project, taxonomy_files.parse(text), actor=None, now=NOON) is None


def test_a_project_without_labels_exports_an_empty_list(project):
    assert json.loads("".join(exports.taxonomy(project, format_="json"))) == []


def gold_project(project):
    label = LabelFactory(project=project, key="card_lost")
    document = DocumentFactory(
        project=project, external_id="m1", text="=cmd()", metadata={"a": 1}, gold_at=NOON
    )
    GoldLabelFactory(document=document, label=label)
    nothing = DocumentFactory(project=project, external_id="m2", gold_at=NOON)
    GoldLabelFactory(document=nothing, label=None)
    DocumentFactory(project=project, external_id="still-open")


def test_gold_is_exported_with_its_labels_and_open_documents_are_not(project):
    gold_project(project)
    rows = [json.loads(line) for line in exports.gold(project, format_="jsonl")]

    assert rows[0] == {
        "id": "m1",
        "subject": "My card",
        "text": "=cmd()",
        "metadata": {"a": 1},
        "labels": ["card_lost"],
    }
    assert [(row["id"], row["labels"]) for row in rows[1:]] == [("m2", [])]


def test_gold_as_csv_holds_no_formula(project):
    gold_project(project)
    text = "".join(exports.gold(project, format_="csv"))
    rows = list(csv.DictReader(io.StringIO(text)))

    assert rows[0]["text"] == "'=cmd()"
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())


@pytest.mark.parametrize("kind", ["single", "multi"])
@pytest.mark.parametrize("format_", ["jsonl", "csv"])
def test_exported_gold_goes_into_another_project_unchanged(project, tmp_path, format_, kind):
    gold_project(project)
    path = tmp_path / "gold"
    path.write_text("".join(exports.gold(project, format_=format_)), newline="")
    other = ProjectFactory(slug="other", kind=kind)
    LabelFactory(project=other, key="card_lost")
    report = import_documents(other, DocumentFile(path), actor=None, now=NOON, gold=True)

    assert (report.added, report.gold, report.errors) == (2, 2, [])
    assert other.documents.get(external_id="m1").text == "=cmd()"
    assert list(exports.gold(other, format_="jsonl")) == list(
        exports.gold(project, format_="jsonl")
    )


def test_gold_costs_the_same_whatever_the_number_of_documents(project, django_assert_num_queries):
    label = LabelFactory(project=project)
    for document in DocumentFactory.create_batch(30, project=project, gold_at=NOON):
        GoldLabelFactory(document=document, label=label)

    with django_assert_num_queries(2):
        assert len(list(exports.gold(project, format_="jsonl"))) == 30


def test_the_commands_write_files(project, tmp_path, capsys):
    gold_project(project)
    call_command("export_gold", tmp_path / "gold.csv", project=project.slug, format="csv")
    call_command("export_taxonomy", project=project.slug)

    assert (tmp_path / "gold.csv").read_text().startswith("id,subject,text,metadata,labels")
    assert json.loads(capsys.readouterr().out)[0]["id"] == "card_lost"
