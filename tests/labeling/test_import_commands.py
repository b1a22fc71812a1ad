import json

import pytest
from django.core.management import CommandError, call_command

from labeling import events
from labeling.models import AuditEntry, Document, Label, Project
from tests.factories import LabelFactory, ProjectFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_models(monkeypatch):
    for signal in (events.documents_imported, events.taxonomy_published, events.gold_changed):
        monkeypatch.setattr(signal, "receivers", [])
        signal.sender_receivers_cache.clear()


@pytest.fixture
def taxonomy(tmp_path):
    path = tmp_path / "taxonomy.json"
    path.write_text('[{"id": "lost", "name": "Card lost"}]')
    return path


@pytest.fixture
def letters(tmp_path):
    def write(*rows, name="letters.jsonl"):
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write


def test_a_taxonomy_makes_its_project(taxonomy, capsys):
    call_command("import_taxonomy", taxonomy, project="mail", name="Our mail", kind="multi")
    project = Project.objects.get(slug="mail")

    assert (project.name, project.is_multi) == ("Our mail", True)
    assert "1 labels read. Published v1." in capsys.readouterr().out
    assert AuditEntry.objects.filter(act="created the project").exists()


def test_a_project_made_without_a_name_is_named_after_its_slug(taxonomy):
    call_command("import_taxonomy", taxonomy, project="support-mail")

    assert Project.objects.get().name == "Support mail"


def test_a_taxonomy_imported_again_says_that_nothing_differs(taxonomy, capsys):
    for _ in range(2):
        call_command("import_taxonomy", taxonomy, project="mail")

    assert "Nothing differs" in capsys.readouterr().out


def test_a_bad_taxonomy_makes_neither_labels_nor_project(tmp_path):
    path = tmp_path / "bad.json"
    path.write_text('[{"id": "lost", "name": "", "parent": "nowhere"}]')

    with pytest.raises(CommandError, match=r"row 1, name: .*\n.*row 1, parent"):
        call_command("import_taxonomy", path, project="mail")
    assert not Project.objects.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"project": "support", "kind": "multi"}, "its kind cannot be changed"),
        ({"project": "no slug!"}, "is no slug"),
    ],
)
def test_what_cannot_be_is_refused(project, taxonomy, options, message):
    with pytest.raises(CommandError, match=message):
        call_command("import_taxonomy", taxonomy, **options)


def test_documents_are_imported_and_reported(project, letters, capsys):
    path = letters({"id": "m1", "text": "a"}, {"id": "m2"}, {"id": "m3", "text": "a"})
    call_command("import_documents", path, project=project.slug)
    said = capsys.readouterr()

    assert "1 added, 0 stood already, 1 duplicates, 0 gold, 1 bad rows" in said.out
    assert "line 2: neither subject nor text" in said.err


def test_several_files_are_imported_one_after_the_other(project, letters):
    one = letters({"id": "m1", "text": "a"}, name="one.jsonl")
    two = letters({"id": "m2", "text": "b"}, name="two.jsonl")
    call_command("import_documents", one, two, project=project.slug)

    assert Document.objects.count() == 2


def test_gold_is_taken_only_when_asked_for(project, letters, capsys):
    LabelFactory(project=project, key="lost")
    path = letters({"id": "m1", "text": "a", "labels": ["lost"]})
    call_command("import_documents", path, project=project.slug)
    assert "left aside: no --gold" in capsys.readouterr().out

    call_command("import_documents", path, project=project.slug, gold=True)
    assert Document.objects.get().gold_at is not None


def test_a_strict_import_stops_and_names_the_line(project, letters):
    path = letters({"id": "m1", "text": "a"}, {"id": "m2"})

    with pytest.raises(CommandError, match="line 2: neither subject nor text"):
        call_command("import_documents", path, project=project.slug, strict=True)
    assert not Document.objects.exists()


def test_many_bad_rows_are_summed_up(project, letters, capsys):
    call_command("import_documents", letters(*[{"id": "m"}] * 30), project=project.slug)

    assert "… and 10 more" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["import_documents", "import_taxonomy"])
def test_a_file_that_is_not_there_is_named(project, tmp_path, command):
    with pytest.raises(CommandError, match="No such file"):
        call_command(command, tmp_path / "nowhere", project=project.slug)


@pytest.mark.parametrize("command", ["export_gold", "export_taxonomy"])
def test_an_unknown_project_cannot_be_exported(db, command):
    with pytest.raises(CommandError, match="No project nowhere"):
        call_command(command, project="nowhere")


def test_documents_need_a_project(letters, db):
    with pytest.raises(CommandError, match="No project nowhere"):
        call_command("import_documents", letters(), project="nowhere")


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "kind", "labels"),
    [("banking77", "single", 77), ("newsgroups20", "single", 20), ("nlupp", "multi", 62)],
)
def test_the_public_taxonomies_go_in_whole(name, kind, labels):
    from django.conf import settings

    path = settings.BASE_DIR.parent / "shared" / "data" / name / "taxonomy.json"
    if not path.exists():
        pytest.skip("the public data sets are not beside the checkout")
    call_command("import_taxonomy", path, project=name, kind=kind)

    assert Label.objects.assignable().count() == labels
    stated = sum(len(row.get("exclusions", ())) for row in json.loads(path.read_text()))
    routed = Label.objects.filter(routed_exclusions__isnull=False).count()
    assert routed == stated


def test_two_projects_stay_apart(taxonomy):
    ProjectFactory(slug="other")
    call_command("import_taxonomy", taxonomy, project="mail")

    assert not Project.objects.get(slug="other").labels.exists()
