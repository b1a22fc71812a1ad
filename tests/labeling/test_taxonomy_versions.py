"""What two versions of a taxonomy say differently, and the page that shows it."""

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling import events, publishing, taxonomies, taxonomy_versions
from labeling.models import Label, LabelEdition, Membership
from labeling.taxonomy_acts import BadAct, Create, Edit, Merge, Restore, Retire
from labeling.taxonomy_entries import BadTaxonomy, TaxonomyEntry, content
from labeling.wording import difference
from tests.factories import MembershipFactory, ProjectFactory, TaxonomyVersionFactory
from tests.labeling.test_taxonomy_history import build, examples, sequences

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db

CARDS = TaxonomyEntry("cards", "Cards", assignable=False)
MONEY = TaxonomyEntry("money", "Money", assignable=False)
LOST = TaxonomyEntry("lost", "Card lost", "cards", "The card is gone.")
FEE = TaxonomyEntry("fee", "Fee", "money", "A fee.")


@pytest.fixture(autouse=True)
def _no_models(monkeypatch):
    monkeypatch.setattr(events.taxonomy_published, "receivers", [])
    events.taxonomy_published.sender_receivers_cache.clear()


@pytest.fixture
def publish(project):
    publishing.publish(project, [CARDS, MONEY, LOST, FEE], actor=None, now=NOON)
    return lambda *acts: publishing.publish_acts(project, acts, actor=None, now=NOON)


@pytest.fixture
def page(client, project, reviewer):
    client.force_login(reviewer)
    return lambda query="": client.get(f"/p/{project.slug}/taxonomy/versions/{query}")


def compared(project, old, new):
    entries = (taxonomy_versions.standing(project, number) for number in (old, new))
    changes = taxonomy_versions.compare(*entries)
    return {each.after.key: list(each.kinds) for each in changes}


@examples
@given(first=sequences, second=sequences)
def test_every_version_stands_as_it_was_published(first, second):
    project = build("single")
    stood = {1: taxonomies.by_key(project)}
    for acts in (first, second):
        try:
            version = publishing.publish_acts(project, acts, actor=None, now=NOON)
        except (BadAct, BadTaxonomy):
            continue
        if version:
            stood[version.number] = taxonomies.by_key(project)

    for number, entries in stood.items():
        assert taxonomy_versions.standing(project, number) == entries
    last = max(stood)
    assert taxonomy_versions.compare(stood[last], stood[last]) == []
    met = {each.after.key for each in taxonomy_versions.compare(stood[1], stood[last])}
    assert met <= {key for key, entry in stood[last].items() if entry != stood[1].get(key)}


@pytest.mark.parametrize(
    ("acts", "kinds"),
    [
        ([Edit("lost", {"name": "Lost"})], {"lost": ["renamed"]}),
        ([Edit("lost", {"parent": "money"})], {"lost": ["moved"]}),
        ([Edit("lost", {"description": "Gone."})], {"lost": ["reworded"]}),
        ([Edit("lost", {"aliases": ("gone",)})], {"lost": ["reworded"]}),
        ([Edit("lost", {"overlaps": ("fee",)})], {"lost": ["reworded"], "fee": ["reworded"]}),
        ([Edit("lost", {"name": "L", "parent": None})], {"lost": ["renamed", "moved"]}),
        ([Create(TaxonomyEntry("new", "New"))], {"new": ["added"]}),
        ([Retire("lost", "fee")], {"lost": ["retired"]}),
        ([Retire("lost"), Restore("lost")], {}),
        ([Create(TaxonomyEntry("new", "New")), Retire("new")], {}),
        ([Merge("lost", "fee")], {"lost": ["retired"], "fee": ["reworded"]}),
        # Its children are still under the same label.
        ([Edit("cards", {"name": "Plastic"})], {"cards": ["renamed"]}),
    ],
)
def test_each_change_has_its_word(publish, project, acts, kinds):
    publish(*acts, Edit("money", {"description": "Another thing, so that there is a version."}))

    assert compared(project, 1, 2) == {**kinds, "money": ["reworded"]}


def test_a_label_restored_in_a_later_version_is_told_so(publish, project):
    publish(Retire("lost"))
    publish(Restore("lost"))

    assert compared(project, 2, 3) == {"lost": ["restored"]}
    assert compared(project, 1, 3) == {}


def test_an_edition_from_before_there_were_aliases_says_nothing_of_them(publish, project):
    edition = LabelEdition.objects.get(label__key="lost")
    del edition.content["aliases"]
    edition.save()
    publish(Edit("fee", {"name": "Fees"}))

    assert compared(project, 1, 2) == {"fee": ["renamed"]}


def test_the_page_shows_what_differs_word_by_word_with_names_as_they_were(publish, page):
    publish(Edit("lost", {"description": "The card is stolen.", "parent": "money"}))
    publish(Edit("money", {"name": "Cash"}))
    text = page("?before=1&after=2").text

    assert "The card is <del>gone</del><ins>stolen</ins>." in text
    assert "<del>Cards</del> <ins>Money</ins>" in text
    assert "moved: 1, reworded: 1" in text
    later = page("?before=1").text  # with the current version
    assert "<del>Cards</del> <ins>Cash</ins>" in later
    assert "From v1 to v3" in later


def test_the_older_version_always_comes_first(publish, page):
    publish(Create(TaxonomyEntry("new", "New one")))

    assert "From v1 to v2" in page("?before=2&after=1").text
    assert page("?before=2&after=1").text.count("added") == page().text.count("added") == 2


def test_a_label_at_the_top_and_a_retired_one_say_where_it_went(publish, page):
    publish(Edit("lost", {"parent": None}), Retire("fee", "lost"))
    text = page().text

    assert "<del>Cards</del> <ins>the top</ins>" in text
    assert "<ins>use Card lost</ins>" in text


def test_where_nothing_differs_the_page_says_so(publish, page):
    publish(Edit("lost", {"name": "Lost"}))
    publish(Edit("lost", {"name": "Card lost"}))

    assert "What was changed between the two was changed back" in page("?before=1").text
    assert "the same version" in page("?before=2&after=2").text


@pytest.mark.parametrize(
    "query",
    ["?before=9", "?before=0", "?after=9", "?before=x", "?before=-1", "?after=" + "9" * 5_000],
)
def test_unknown_versions_do_not_exist(publish, page, query):
    assert page(query).status_code == 404


def test_without_a_version_there_is_nothing_to_compare(page):
    assert page().status_code == 404


def test_versions_of_another_project_are_not_compared(publish, client, project, page):
    other = ProjectFactory(slug="other")
    stranger = MembershipFactory(project=other, role=Membership.Role.OWNER).user
    TaxonomyVersionFactory(project=other, number=2)
    assert page("?after=2").status_code == 404
    client.force_login(stranger)

    assert page().status_code == 404


def test_what_labels_say_is_shown_as_text(publish, page):
    evil = "<script>alert(1)</script>"
    publish(
        Create(TaxonomyEntry("evil", evil, "lost", evil, ((evil, None),), aliases=(evil,))),
        Edit("lost", {"parent": "money"}),
    )
    publish(Edit("fee", {"parent": "evil"}))
    text = page("?before=1").text

    assert "<script>alert" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 5


def test_versions_lead_to_the_comparison(publish, project, client, page):
    publish(Edit("lost", {"name": "Lost"}))
    text = client.get(f"/p/{project.slug}/taxonomy/").text if page() else ""

    assert f"/p/{project.slug}/taxonomy/versions/?before=1" in text
    assert "versions/?before=2" not in text
    assert '<option value="1" selected>v1</option>' in text


def test_five_thousand_labels_are_compared_page_by_page(page, project, django_assert_num_queries):
    labels = Label.objects.bulk_create(
        Label(project=project, key=f"l{n}", name=f"Label {n}", position=n) for n in range(5_000)
    )
    entries = [TaxonomyEntry(label.key, label.name, None, "What it says.") for label in labels]
    for number in (1, 2):
        version = TaxonomyVersionFactory(project=project, number=number)
        LabelEdition.objects.bulk_create(
            LabelEdition(label=label, version=version, content=content(entry))
            for label, entry in zip(labels, entries, strict=True)
        )
        entries = [replace(entry, description="What it said.") for entry in entries]
    with django_assert_num_queries(8):
        text = page().text

    assert "reworded: 5\N{NARROW NO-BREAK SPACE}000" in text
    assert text.count("<del>says</del><ins>said</ins>") == 50
    assert "Label 50</a>" in page("?before=1&after=2&page=2").text
    assert "Label 4999</a>" in page("?page=nonsense&page=100").text


@given(st.text(max_size=300), st.text(max_size=300))
def test_a_difference_gives_both_texts_back(before, after):
    words = list(difference(before, after))

    assert "".join(text for kind, text in words if kind != "added") == before
    assert "".join(text for kind, text in words if kind != "removed") == after


def test_long_texts_are_set_beside_each_other_at_once():
    words = [f"w{n % 97}" for n in range(1_000)]
    before, after = (
        " ".join(words),
        " ".join("x" if n % 10 else each for n, each in enumerate(words)),
    )
    began = time.monotonic()
    list(difference(before, after))

    assert time.monotonic() - began < 1  # it took eight seconds with every space compared
