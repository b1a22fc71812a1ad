"""The draft: acts gather, nobody overwrites anybody, and one publish does it all or nothing."""

from datetime import UTC, datetime

import pytest

from labeling import drafts, publishing
from labeling.models import AuditEntry, DraftAct, GoldLabel, ReviewTask, TaxonomyVersion
from labeling.taxonomy_acts import BadAct, Create, Edit, Merge, Retire
from labeling.taxonomy_entries import BadTaxonomy, TaxonomyEntry
from tests.factories import DocumentFactory, GoldLabelFactory, PredictionFactory

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db

LOST = TaxonomyEntry("lost", "Card lost", description="The card is gone.")
STOLEN = TaxonomyEntry("stolen", "Card stolen")


@pytest.fixture
def standing(project):
    publishing.publish(project, [LOST, STOLEN], actor=None, now=NOON)


@pytest.fixture
def add(project, owner, standing):
    def add(act, *, author=owner, seen_version=1, seen_act=None):
        return drafts.add(
            project,
            act,
            author=author,
            seen_version=seen_version,
            seen_act=drafts.newest(project) if seen_act is None else seen_act,
            now=NOON,
        )

    return add


@pytest.fixture
def publish(project, owner):
    def publish(**options):
        given = {"seen_acts": [row.pk for row in drafts.rows_of(project)], "note": "", **options}
        return drafts.publish(project, actor=owner, now=NOON, **given)

    return publish


def test_what_is_drafted_changes_nothing_until_it_is_published(add, publish, project):
    add(Edit("lost", {"description": "Gone."}))
    add(Create(TaxonomyEntry("found", "Card found")))
    assert list(project.labels.values_list("description", flat=True)) == ["The card is gone.", ""]

    version = publish()
    assert project.labels.get(key="lost").description == "Gone."
    assert project.labels.filter(key="found").exists()
    assert (version.number, version.note) == (2, "Edit Card lost: description; Create Card found")
    assert not DraftAct.objects.exists()
    assert AuditEntry.objects.filter(act="published the draft").count() == 1


def test_one_persons_edits_of_a_label_one_after_the_other_are_one(add, project):
    add(Edit("lost", {"description": "Gone."}))
    add(Edit("lost", {"name": "Lost"}))

    (row,) = project.draft.all()
    assert row.act["changes"] == {"description": "Gone.", "name": "Lost"}


def test_an_act_that_cannot_be_done_after_the_draft_is_refused(add):
    add(Merge("stolen", "lost"))

    with pytest.raises(BadAct, match="is retired"):
        add(Edit("stolen", {"name": "x"}))


def test_what_makes_no_taxonomy_is_refused(add, project):
    with pytest.raises(BadTaxonomy):
        add(Edit("lost", {"name": ""}))
    assert not project.draft.exists()


def test_an_act_on_a_label_that_somebody_else_drafted_meanwhile_is_a_conflict(add, admin):
    add(Edit("lost", {"description": "First."}))

    with pytest.raises(drafts.DraftConflict) as caught:
        add(Edit("lost", {"description": "Second."}), author=admin, seen_act=0)
    assert caught.value.theirs.act["changes"] == {"description": "First."}
    add(Edit("stolen", {"description": "Of another one."}), author=admin, seen_act=0)


def test_an_act_on_a_label_published_meanwhile_is_a_conflict(add, project):
    publishing.publish_acts(project, [Edit("lost", {"name": "Lost"})], actor=None, now=NOON)

    with pytest.raises(publishing.EditConflict):
        add(Edit("lost", {"name": "Gone"}), seen_version=1)
    add(Edit("stolen", {"name": "Taken"}), seen_version=1)


def test_a_label_published_while_it_waited_stops_the_draft(add, publish, project):
    add(Edit("lost", {"name": "Gone"}))
    publishing.publish_acts(project, [Edit("lost", {"name": "Lost"})], actor=None, now=NOON)

    with pytest.raises(publishing.EditConflict):
        publish()
    assert project.draft.count() == 1


def test_a_draft_that_grew_meanwhile_is_not_published_unseen(add, publish, project):
    first = add(Edit("lost", {"name": "Gone"}))
    add(Edit("stolen", {"name": "Taken"}))

    with pytest.raises(drafts.DraftChanged):
        publish(seen_acts=[first.pk])
    assert TaxonomyVersion.objects.count() == 1


def test_publishing_twice_is_publishing_once(add, publish):
    seen = add(Edit("lost", {"name": "Gone"})).pk
    publish()

    with pytest.raises(drafts.DraftChanged):
        publish(seen_acts=[seen])
    assert TaxonomyVersion.objects.count() == 2


def test_an_act_that_others_rest_on_is_not_taken_out_alone(add, project):
    first = add(Create(TaxonomyEntry("found", "Card found")))
    second = add(Retire("lost", "found"))

    with pytest.raises(BadAct, match="rests on it"):
        drafts.remove(project, first.pk)
    drafts.remove(project, second.pk)
    drafts.remove(project, first.pk)
    assert not project.draft.exists()


def test_what_was_decided_is_asked_about_again_where_the_owner_wants_that(add, publish, project):
    lost = project.labels.get(key="lost")
    document = DocumentFactory(project=project, gold_at=NOON)
    GoldLabelFactory(document=document, label=lost)
    PredictionFactory(document=document, first=lost, candidates=[[lost.pk, 1, 1, 0.7]])
    add(Edit("lost", {"description": "Something else."}))
    publish(again=True)

    task = ReviewTask.objects.open().get()
    assert (task.document, task.queue.reason, task.is_check) == (document, "changed", True)
    assert task.opinion == [[lost.pk, 0.7]]
    assert GoldLabel.objects.get().label == lost


def test_nobody_is_asked_again_otherwise(add, publish, project):
    document = DocumentFactory(project=project, gold_at=NOON)
    GoldLabelFactory(document=document, label=project.labels.get(key="lost"))
    add(Edit("lost", {"description": "Something else."}))
    publish()

    assert not ReviewTask.objects.exists()
