from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.db import connection

from labeling import events, taxonomies
from labeling.models import AuditEntry, Exclusion, Label, LabelEdition, Overlap, TaxonomyVersion
from labeling.publishing import EditConflict, publish, publish_acts
from labeling.taxonomy_acts import BadAct, Edit
from labeling.taxonomy_entries import BadTaxonomy, TaxonomyEntry, find_problems
from tests.factories import ProjectFactory

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db

CARDS = TaxonomyEntry("cards", "Cards", assignable=False)
LOST = TaxonomyEntry(
    "lost",
    "Card lost",
    parent="cards",
    description="The card is gone.",
    exclusions=(("stolen cards", "stolen"), ("wallets", None)),
    examples=("Where is it?",),
)
STOLEN = TaxonomyEntry("stolen", "Card stolen", parent="cards", overlaps=("lost",))
ALL = [LOST, STOLEN, CARDS]  # a parent after its children


def publish_all(project, *entries, **options):
    return publish(project, entries or ALL, actor=None, now=NOON, **options)


def test_publishing_makes_labels_in_the_order_of_the_file(project):
    version = publish_all(project, note="First edition")
    lost = Label.objects.get(key="lost")

    assert (version.number, version.note) == (1, "First edition")
    assert [label.key for label in project.labels.all()] == ["lost", "stolen", "cards"]
    assert (lost.name, lost.parent.key, lost.examples) == ("Card lost", "cards", ["Where is it?"])
    assert [(each.situation, each.use and each.use.key) for each in lost.exclusions.all()] == [
        ("stolen cards", "stolen"),
        ("wallets", None),
    ]
    assert taxonomies.current_version(project) == version


def test_an_overlap_stands_once_and_in_both_editions(project):
    publish_all(project)

    assert Overlap.objects.count() == 1
    assert LabelEdition.objects.get(label__key="lost").content["overlaps"] == ["stolen"]


def test_publishing_the_same_again_publishes_nothing(project):
    publish_all(project)

    assert publish_all(project) is None
    assert TaxonomyVersion.objects.count() == 1


def test_only_what_differs_gets_a_new_edition(project):
    publish_all(project)
    version = publish_all(project, CARDS, replace(LOST, description="Gone."), STOLEN)

    assert version.number == 2
    assert [edition.label.key for edition in version.editions.all()] == ["lost"]
    assert [
        edition.content["description"]
        for edition in LabelEdition.objects.filter(label__key="lost").order_by("version__number")
    ] == ["The card is gone.", "Gone."]


def test_a_label_keeps_its_identity_when_everything_about_it_changes(project):
    publish_all(project)
    before = Label.objects.get(key="lost").pk
    publish_all(project, replace(LOST, name="Verloren", parent=None, exclusions=()))

    assert Label.objects.get(key="lost").pk == before
    assert not Exclusion.objects.exists()


def test_labels_the_file_does_not_name_stay(project):
    publish_all(project)
    publish_all(project, TaxonomyEntry("new", "New", parent="cards"))

    assert project.labels.active().count() == 4


def test_a_new_order_alone_is_kept_but_not_published(project):
    publish_all(project)

    assert publish_all(project, CARDS, STOLEN, LOST) is None
    assert [label.key for label in project.labels.all()] == ["cards", "stolen", "lost"]


def test_a_file_that_names_only_some_labels_leaves_the_order_alone(project):
    publish_all(project)
    publish_all(project, TaxonomyEntry("new", "New"), replace(STOLEN, name="Taken"))

    assert [label.key for label in project.labels.all()] == ["lost", "stolen", "cards", "new"]


def test_a_label_may_be_retired_and_restored_by_a_file(project):
    publish_all(project)
    publish_all(project, replace(STOLEN, retired=True))
    assert Label.objects.get(key="stolen").retired_at == NOON

    publish_all(project, STOLEN)
    assert Label.objects.get(key="stolen").retired_at is None


def test_an_overlap_no_longer_stated_is_dropped(project):
    publish_all(project)
    publish_all(project, LOST, replace(STOLEN, overlaps=()))

    assert not Overlap.objects.exists()


def test_publishing_is_announced_and_written_down(
    project, owner, django_capture_on_commit_callbacks
):
    heard = []

    def hear(project_id, **_):
        heard.append(project_id)

    events.taxonomy_published.connect(hear)
    with django_capture_on_commit_callbacks(execute=True):
        publish(project, ALL, actor=owner, now=NOON)
    events.taxonomy_published.disconnect(hear)

    assert heard == [project.pk]
    assert AuditEntry.objects.get(act="published the taxonomy").detail == {
        "added": 3, "changed": 0, "keys": ["cards", "lost", "stolen"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "field", "message"),
    [
        (replace(LOST, parent="nowhere"), "parent", "no label has the id “nowhere”"),
        (replace(LOST, parent="lost"), "parent", "names itself"),
        (replace(LOST, exclusions=(("x", "nowhere"),)), "exclusions", "no label has the id"),
        (replace(LOST, exclusions=(("x", "lost"),)), "exclusions", "names itself"),
        (replace(LOST, exclusions=(("", "stolen"),)), "exclusions", "no situation"),
        (replace(LOST, overlaps=("nowhere",)), "overlaps", "no label has the id"),
        (replace(LOST, overlaps=("lost",)), "overlaps", "names itself"),
        (replace(LOST, aliases=("a",) * 21), "aliases", "more than 20"),
        (replace(LOST, aliases=("a" * 101,)), "aliases", "longer than 100"),
        (replace(LOST, name=""), "name", "the name is empty"),
        (replace(LOST, name="n" * 301), "name", "longer than 300"),
        (replace(LOST, key=""), "id", "the id is empty"),
        (replace(LOST, key="a;b"), "id", "semicolon"),
        (replace(STOLEN, parent=None), "id", "stands already in row 2"),
    ],
)
def test_a_problem_is_named_by_row_and_field_and_nothing_is_published(
    project, entry, field, message
):
    with pytest.raises(BadTaxonomy) as caught:
        publish_all(project, CARDS, STOLEN, entry)
    (problem, *_) = [each for each in caught.value.problems if each.row == 3]

    assert problem.field == field
    assert message in problem.message
    assert problem.remedy
    assert not Label.objects.exists()
    assert not TaxonomyVersion.objects.exists()


def test_parents_in_a_circle_are_one_problem():
    entries = [
        TaxonomyEntry(key, key, parent=parent, row=row)
        for row, (key, parent) in enumerate([("a", "c"), ("b", "a"), ("c", "b"), ("d", "a")], 1)
    ]
    (problem,) = find_problems(entries, {})

    assert problem.message == "the parents run in a circle: a → c → b → a"


def test_a_circle_through_a_label_that_stands_already_is_found(project):
    publish_all(project)

    with pytest.raises(BadTaxonomy, match="circle"):
        publish_all(project, replace(CARDS, parent="lost"))


def test_a_new_alias_is_published_and_no_model_reads_it(project):
    publish_all(project)
    before = taxonomies.label_texts(project)
    version = publish_all(project, replace(STOLEN, aliases=("taken",)))

    assert version.editions.get().content["aliases"] == ["taken"]
    assert project.labels.get(key="stolen").aliases == ["taken"]
    assert taxonomies.label_texts(project) == before


def test_label_texts_are_what_the_models_need(project):
    publish_all(project)
    lost, stolen = taxonomies.label_texts(project)
    ids = dict(project.labels.values_list("key", "pk"))

    assert (lost.key, lost.parent_id, lost.examples) == ("lost", ids["cards"], ("Where is it?",))
    assert lost.exclusions == (("stolen cards", ids["stolen"]), ("wallets", None))
    assert (lost.overlaps, stolen.overlaps) == ({ids["stolen"]}, {ids["lost"]})


def test_label_texts_cost_the_same_whatever_the_number_of_labels(
    project, django_assert_num_queries
):
    publish_all(project, *(replace(LOST, key=f"l{n}", parent=None, exclusions=(("x", None),))
                           for n in range(30)))  # fmt: skip

    with django_assert_num_queries(3):
        assert len(taxonomies.label_texts(project)) == 30


def test_five_thousand_labels_are_published_in_few_queries(project, django_assert_max_num_queries):
    many = [replace(LOST, key=f"l{n}", parent="cards", exclusions=(("x", "cards"),))
            for n in range(5_000)]  # fmt: skip
    with django_assert_max_num_queries(200):
        publish_all(project, CARDS, *many)

    assert project.labels.count() == 5_001


def test_a_project_without_a_version_says_so(project):
    with pytest.raises(TaxonomyVersion.DoesNotExist):
        taxonomies.current_version(project)
    assert taxonomies.current_number(project) == 0


def test_two_projects_may_use_the_same_keys(project):
    publish_all(project)
    publish_all(ProjectFactory(slug="other"))

    assert Label.objects.filter(key="lost").count() == 2


# --- editing one label ----------------------------------------------------------------------------


def edit(project, owner, seen_version=1, **changes):
    given = {"description": "Gone.", "exclusions": (("stolen", "stolen"),), **changes}
    act = Edit("lost", given)
    return publish_acts(project, [act], actor=owner, now=NOON, seen_version=seen_version)


def test_an_edit_is_a_version_of_its_own_and_leaves_the_rest_alone(project, owner):
    publish_all(project)
    version = edit(project, owner)
    lost = project.labels.get(key="lost")

    assert (version.number, version.published_by) == (2, owner)
    assert (lost.description, lost.examples) == ("Gone.", ["Where is it?"])
    assert [each.situation for each in lost.exclusions.all()] == ["stolen"]
    assert Overlap.objects.count() == 1
    assert [label.key for label in project.labels.all()] == ["lost", "stolen", "cards"]


def test_an_edit_that_changes_nothing_publishes_nothing(project, owner):
    publish_all(project)

    assert edit(
        project, owner, description=LOST.description, exclusions=LOST.exclusions
    ) is None  # fmt: skip


def test_the_second_of_two_editors_is_told_of_the_first(project, owner):
    publish_all(project)
    edit(project, owner, description="First.")

    with pytest.raises(EditConflict) as caught:
        edit(project, owner, description="Second.")
    assert caught.value.edition.content["description"] == "First."
    assert project.labels.get(key="lost").description == "First."


def test_an_edit_of_another_label_is_no_conflict(project, owner):
    publish_all(project)
    publish_all(project, replace(STOLEN, description="Taken."))

    assert edit(project, owner, seen_version=1).number == 3


def test_an_exclusion_to_an_unknown_label_is_refused(project, owner):
    publish_all(project)

    with pytest.raises(BadAct, match="No label has the id"):
        edit(project, owner, exclusions=(("x", "nowhere"),))


def test_labels_published_while_all_are_read_break_nothing(project):
    publish_all(project, CARDS)
    news = [ALL]

    def meanwhile(execute, *asked):
        found = execute(*asked)
        if news:
            publish_all(project, *news.pop())
        return found

    with connection.execute_wrapper(meanwhile):
        assert taxonomies.by_key(project)["cards"] == CARDS
    assert not news
