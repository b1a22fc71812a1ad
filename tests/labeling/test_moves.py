"""Labels that are moved in the tree: each drop waits in the draft, and can be taken out."""

import re
from datetime import UTC, datetime

import pytest

from labeling import drafts, events, publishing
from labeling.models import Label, Membership, TaxonomyVersion
from labeling.taxonomy_acts import Edit, Retire
from labeling.taxonomy_entries import TaxonomyEntry
from tests.factories import LabelFactory, MembershipFactory, ProjectFactory, TaxonomyVersionFactory

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db

ENTRIES = [
    TaxonomyEntry("cards", "Cards", assignable=False),
    TaxonomyEntry("lost", "Card lost", "cards"),
    TaxonomyEntry("abroad", "Lost abroad", "lost"),
    TaxonomyEntry("money", "<b>Money</b>", assignable=False),
]


@pytest.fixture(autouse=True)
def _no_models(monkeypatch):
    monkeypatch.setattr(events.taxonomy_published, "receivers", [])
    events.taxonomy_published.sender_receivers_cache.clear()


@pytest.fixture
def labels(project):
    publishing.publish(project, ENTRIES, actor=None, now=NOON)
    return {label.key: label for label in project.labels.all()}


@pytest.fixture
def drop(client, project, owner, labels):
    """Drop a label as the page would that was opened before anything was in the draft."""
    client.force_login(owner)

    def send(key, under, **seen):
        given = {"label": labels[key].pk, "under": labels[under].pk if under else ""}
        given |= {"seen_version": 1, "seen_act": 0, **seen}
        return client.post(f"/p/{project.slug}/taxonomy/move/", given)

    return send


@pytest.fixture
def undo(client, project):
    def send(answer, **headers):
        do = re.search(r'value="(remove-\d+)"', answer.text)[1]
        url = f"/p/{project.slug}/taxonomy/draft/change/"
        return client.post(url, {"do": do}, headers={"HX-Request": "true", **headers})

    return send


def places(project):
    return {key: entry.parent for key, entry in drafts.entries(project).items()}


def test_a_dropped_label_waits_in_the_draft_with_all_below_it(drop, project, labels):
    answer = drop("lost", "money")

    assert answer.status_code == 200
    assert "Moved Card lost under &lt;b&gt;Money&lt;/b&gt; in the draft." in answer.text
    assert f"/p/{project.slug}/taxonomy/draft/" in answer.text
    assert f'data-moving="{labels["lost"].pk}"' in answer.text
    assert [row.act for row in project.draft.all()] == [
        {"kind": "edit", "key": "lost", "changes": {"parent": "money"}}
    ]
    assert places(project)["abroad"] == "lost"
    assert TaxonomyVersion.objects.count() == 1


def test_a_label_is_dropped_at_the_top(drop, project):
    assert "Moved Card lost to the top in the draft." in drop("lost", None).text
    assert places(project)["lost"] is None


def test_the_next_drop_is_sent_with_what_the_first_answered(drop, project):
    first = drop("lost", "money")
    act = re.search(r'name="seen_act" value="(\d+)"', first.text)[1]

    assert drop("lost", None, seen_act=act).status_code == 200
    assert places(project)["lost"] is None


def test_a_drop_sent_twice_is_one_act(drop, project):
    drop("lost", "money")
    answer = drop("lost", "money")

    assert answer.status_code == 200
    assert "stands under &lt;b&gt;Money&lt;/b&gt; in the draft already" in answer.text
    assert project.draft.count() == 1


def test_where_it_stands_already_nothing_is_drafted(drop, project):
    assert "Card lost stands under Cards already" in drop("lost", "cards").text
    assert "Cards stands at the top already" in drop("cards", None).text
    assert not project.draft.exists()


@pytest.mark.parametrize("under", ["lost", "abroad"])
def test_no_label_stands_under_itself_or_one_below_it(drop, project, under):
    answer = drop("lost", under)

    assert answer.status_code == 422
    assert "cannot stand under a label below it" in answer.text
    assert not project.draft.exists()


def test_a_circle_that_only_the_draft_would_close_is_refused(drop, project):
    first = drop("money", "abroad")
    act = re.search(r'name="seen_act" value="(\d+)"', first.text)[1]

    assert drop("cards", "money", seen_act=act).status_code == 422
    assert project.draft.count() == 1


def test_who_moved_it_meanwhile_is_told_and_the_drop_can_be_sent_again(drop, project, admin):
    act = Edit("lost", {"parent": None})
    theirs = drafts.add(project, act, author=admin, seen_version=1, seen_act=0, now=NOON)
    answer = drop("lost", "money")

    assert answer.status_code == 409
    assert "the-admin changed the same label in the draft meanwhile" in answer.text
    assert project.draft.get() == theirs
    assert f'name="seen_act" value="{theirs.pk}"' in answer.text
    assert drop("lost", "money", seen_act=theirs.pk).status_code == 200


def test_a_label_published_anew_meanwhile_answers_409(drop, project):
    act = Edit("lost", {"name": "Lost"})
    publishing.publish_acts(project, [act], actor=None, now=NOON)
    answer = drop("lost", "money")

    assert answer.status_code == 409
    assert "was changed in v2" in answer.text
    assert not project.draft.exists()
    assert drop("lost", "money", seen_version=2).status_code == 200


def test_what_was_published_is_no_more_seen_for_a_drop_of_another_label(drop, project):
    publishing.publish_acts(project, [Edit("lost", {"name": "Lost"})], actor=None, now=NOON)
    other = drop("abroad", "money")

    assert 'name="seen_version"' not in other.text  # the tree still shows v1
    assert 'id="seen-version" name="seen_version" value="2"' in drop("lost", "money").text


def test_what_waits_in_the_draft_is_told_in_the_head_of_the_page(client, drop, undo, project):
    head = f'id="draft-waits" href="/p/{project.slug}/taxonomy/draft/"'
    moved = drop("lost", "money")

    assert f'{head} hx-swap-oob="true">Draft, 1 change</a>' in moved.text
    assert f'{head} hidden hx-swap-oob="true">' in undo(moved).text
    assert f"{head} hidden>" in client.get(f"/p/{project.slug}/taxonomy/").text


def test_what_was_retired_meanwhile_takes_nothing_and_goes_nowhere(drop, project):
    publishing.publish_acts(project, [Retire("money")], actor=None, now=NOON)

    assert drop("lost", "money", seen_version=2).status_code == 422
    assert drop("money", "cards", seen_version=2).status_code == 422
    assert not project.draft.exists()


def test_undo_takes_the_move_out_again_and_nothing_else(drop, undo, project, owner):
    act = Edit("lost", {"name": "Lost"})
    edit = drafts.add(project, act, author=owner, seen_version=1, seen_act=0, now=NOON)
    answer = undo(drop("lost", "money", seen_act=edit.pk))

    assert answer.status_code == 200
    assert "It is out of the draft again." in answer.text
    assert 'data-moving=""' in answer.text
    assert project.draft.get() == edit


def test_undo_of_a_second_move_brings_back_the_first(drop, undo, project):
    act = re.search(r'name="seen_act" value="(\d+)"', drop("lost", "money").text)[1]
    undo(drop("lost", None, seen_act=act))

    assert places(project)["lost"] == "money"


def test_undo_twice_or_after_the_draft_was_emptied_says_so(drop, undo, project):
    moved = drop("lost", "money")
    drafts.discard(project)

    assert "The draft has it no more." in undo(moved).text


def test_a_move_that_another_rests_on_stays(drop, undo, project):
    moved = drop("abroad", None)
    act = re.search(r'name="seen_act" value="(\d+)"', moved.text)[1]
    drop("lost", "abroad", seen_act=act)
    answer = undo(moved)

    assert answer.status_code == 422
    assert "A later act rests on it" in answer.text
    assert '<div id="drop"' in answer.text
    assert project.draft.count() == 2


def test_undo_without_htmx_leads_to_the_draft(drop, undo, project):
    answer = undo(drop("lost", "money"), **{"HX-Request": ""})

    assert answer.url == f"/p/{project.slug}/taxonomy/draft/"


@pytest.mark.parametrize(
    "given",
    [{}, {"label": "x"}, {"label": "9" * 40}, {"label": "-1"}, {"label": "1", "seen_version": ""}],
)
def test_nonsense_is_refused(client, project, owner, labels, given):
    client.force_login(owner)

    assert client.post(f"/p/{project.slug}/taxonomy/move/", given).status_code == 422


def test_labels_of_another_project_are_neither_moved_nor_stood_under(drop, project, labels):
    foreign = LabelFactory(project=ProjectFactory(slug="other"))
    labels["foreign"] = foreign

    assert drop("foreign", "cards").status_code == 404
    assert drop("lost", "foreign").status_code == 404
    assert not project.draft.exists()


def test_reviewers_and_owners_of_another_project_move_nothing(client, project, reviewer, drop):
    elsewhere = ProjectFactory(slug="other")
    stranger = MembershipFactory(project=elsewhere, role=Membership.Role.OWNER).user
    for person in (reviewer, stranger):
        client.force_login(person)
        assert drop("lost", "money").status_code == 404
    client.force_login(reviewer)

    assert 'id="move"' not in client.get(f"/p/{project.slug}/taxonomy/").text
    assert not project.draft.exists()


def test_owners_get_what_a_drop_is_sent_with_and_which_labels_move(client, drop, project, labels):
    drop("lost", "money")
    row = project.draft.get()
    text = client.get(f"/p/{project.slug}/taxonomy/").text

    assert f'name="seen_act" value="{row.pk}"' in text
    assert f'data-moving="{labels["lost"].pk}"' in text
    assert f'data-label="{labels["abroad"].pk}"' in text


def test_a_drop_in_a_large_tree_asks_as_little_as_in_a_small_one(
    client, project, owner, django_assert_num_queries
):
    TaxonomyVersionFactory(project=project)
    tops = [Label(project=project, key=f"t{n}", name=f"T{n}", position=n) for n in range(50)]
    Label.objects.bulk_create(tops)
    below = [
        Label(project=project, key=f"l{n}", name=f"L{n}", parent=tops[n % 50], position=100 + n)
        for n in range(4_950)
    ]
    Label.objects.bulk_create(below)
    client.force_login(owner)
    given = {"label": tops[0].pk, "under": tops[1].pk, "seen_version": 1, "seen_act": 0}

    with django_assert_num_queries(18):
        answer = client.post(f"/p/{project.slug}/taxonomy/move/", given)

    assert answer.status_code == 200
    assert places(project)["t0"] == "t1"
