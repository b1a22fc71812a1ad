from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from labeling import events, taxonomy_tree
from labeling.models import Label, TaxonomyVersion
from labeling.publishing import publish, publish_acts
from labeling.taxonomy_acts import Merge
from labeling.taxonomy_entries import TaxonomyEntry
from tests.factories import (
    AnnotationFactory,
    DocumentFactory,
    GoldLabelFactory,
    LabelFactory,
    PredictionFactory,
    ProjectFactory,
    ReviewTaskFactory,
)
from tests.plans import plan

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db

CARDS = TaxonomyEntry("cards", "Cards", assignable=False)
LOST = TaxonomyEntry(
    "lost",
    "Card lost",
    parent="cards",
    description="The card is gone.",
    exclusions=(("stolen cards", "stolen"),),
)
STOLEN = TaxonomyEntry("stolen", "Card stolen", parent="cards")


@pytest.fixture(autouse=True)
def _no_models(monkeypatch):
    monkeypatch.setattr(events.taxonomy_published, "receivers", [])
    events.taxonomy_published.sender_receivers_cache.clear()


@pytest.fixture
def taxonomy(project):
    publish(project, [CARDS, LOST, STOLEN], actor=None, now=NOON)
    return {label.key: label for label in project.labels.all()}


@pytest.fixture
def page(client, project, owner):
    client.force_login(owner)
    return lambda path="": client.get(f"/p/{project.slug}/taxonomy/{path}")


@pytest.fixture
def edit(client, project, owner, taxonomy):
    client.force_login(owner)

    def send(**changes):
        given = {
            "do": "publish", "seen_version": 1, "name": "Card lost", "parent": "cards",
            "description": "Gone.",
            "situation": ["stolen cards"], "use": ["stolen"], **changes,
        }  # fmt: skip
        return client.post(f"/p/{project.slug}/taxonomy/{taxonomy['lost'].pk}/edit/", given)

    return send


def test_the_tree_shows_labels_with_their_counts_below_their_parents(page, project, taxonomy):
    GoldLabelFactory(document=DocumentFactory(project=project), label=taxonomy["lost"])
    prediction = PredictionFactory(
        document=DocumentFactory(project=project), first=taxonomy["lost"]
    )
    ReviewTaskFactory(document=prediction.document, prediction=prediction)
    cards, lost, stolen = taxonomy_tree.nodes(project)

    assert (cards.counts, lost.counts) == (taxonomy_tree.Counts(1, 1), taxonomy_tree.Counts(1, 1))
    assert stolen.counts == taxonomy_tree.Counts()
    assert [node.depth for node in (cards, lost, stolen)] == [0, 1, 1]
    assert "1 gold, 1 open" in page().text


def decide(label, *, said, times=1):
    """Let people decide *times* documents on a label of which the model had said *said* first."""
    for _ in range(times):
        document = DocumentFactory(project=label.project)
        made = PredictionFactory(document=document, first=said, bucket="auto")
        task = ReviewTaskFactory(document=document, prediction=made, status="done")
        AnnotationFactory(task=task, prediction=made).labels.set([label])


def test_each_label_says_how_often_it_was_told_right_and_how_much_is_accepted(
    page, project, taxonomy
):
    lost, stolen = taxonomy["lost"], taxonomy["stolen"]
    decide(lost, said=lost, times=3)
    decide(lost, said=stolen)
    PredictionFactory(document=DocumentFactory(project=project), first=lost, bucket="review")
    cards, *below = (node.counts for node in taxonomy_tree.nodes(project))

    assert below == [
        taxonomy_tree.Counts(accepted=3, decided=4, right=3),
        taxonomy_tree.Counts(accepted=1),
    ]
    assert cards == taxonomy_tree.Counts(accepted=4, decided=4, right=3)
    text = page().text.replace("\N{NO-BREAK SPACE}", " ")
    # Wilson's interval of 3 of 4, by hand.
    assert text.count("75 % of 4 decisions told right first (30 % to 95 %)") == 4
    assert "1 accepted without a person, not decided with a prediction yet" in text
    assert "<span>75 %</span><span>3</span>" in text
    assert "<span>\N{EN DASH}</span><span>1</span>" in text


def test_decisions_on_a_label_that_was_merged_count_for_the_other(project, taxonomy):
    decide(taxonomy["stolen"], said=taxonomy["lost"])
    publish_acts(project, [Merge("stolen", "lost")], actor=None, now=NOON)
    _, lost = taxonomy_tree.nodes(project)

    assert (lost.counts.decided, lost.counts.right) == (1, 1)


def test_what_is_superseded_or_of_another_project_is_not_counted(project, taxonomy):
    lost = taxonomy["lost"]
    PredictionFactory(
        document=DocumentFactory(project=project), first=lost, bucket="auto", is_current=False
    )
    decide(LabelFactory(project=ProjectFactory(slug="other")), said=lost)

    assert {node.counts for node in taxonomy_tree.nodes(project)} == {taxonomy_tree.Counts()}


def test_the_figures_of_a_large_project_are_counted_now_and_then(project, taxonomy, monkeypatch):
    monkeypatch.setattr(taxonomy_tree, "LARGE", 2)
    lost = taxonomy["lost"]
    for seen in (1, 2, 2):
        PredictionFactory(document=DocumentFactory(project=project), first=lost, bucket="auto")
        assert taxonomy_tree.counts_by_label(project)[lost.pk].accepted == seen


def test_a_large_project_is_not_asked_again_on_the_next_view(
    page, project, taxonomy, monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr(taxonomy_tree, "LARGE", 1)
    decide(taxonomy["lost"], said=taxonomy["lost"])
    page()

    with django_assert_num_queries(9):
        page()


@pytest.mark.parametrize("where", ["taxonomy/", ""])
def test_without_redis_the_figures_are_counted_each_time(
    client, project, reviewer, taxonomy, monkeypatch, settings, tmp_path, where
):
    gone = f"unix://{tmp_path}/gone.sock"
    backend = "django.core.cache.backends.redis.RedisCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": gone}}
    monkeypatch.setattr(taxonomy_tree, "LARGE", 1)
    decide(taxonomy["lost"], said=taxonomy["lost"])
    client.force_login(reviewer)

    assert client.get(f"/p/{project.slug}/{where}").status_code == 200


def test_what_is_accepted_is_counted_by_an_index(project, taxonomy):
    decide(taxonomy["lost"], said=taxonomy["lost"], times=30)
    with CaptureQueriesContext(connection) as asked:
        taxonomy_tree.counts_by_label(project)
    (sql,) = (each["sql"] for each in asked if "'auto'" in each["sql"])

    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL reads thirty rows whole whatever index there is")
    assert "USING INDEX prediction_by_bucket_and_label" in " / ".join(plan(sql))


def test_every_list_of_the_tree_that_opens_closes(page, project):
    parents = {"b": "a", "c": "b", "d": "c", "e": "b", "g": "f", "h": "f"}
    entries = [TaxonomyEntry(key, key.upper(), parent=parents.get(key)) for key in "abcdefghi"]
    publish(project, entries, actor=None, now=NOON)
    tree = page().text.split('<ul class="tree" id="tree">')[1].split("</section>")[0]

    assert tree.count("<li>") == tree.count("</li>") == 9
    assert tree.count("<details") == tree.count("</details>") == 4
    assert tree.count("<ul>") + 1 == tree.count("</ul>")


def test_a_label_under_a_retired_parent_is_still_shown(project, taxonomy):
    publish(project, [replace(CARDS, retired=True)], actor=None, now=NOON)

    assert [node.label.key for node in taxonomy_tree.nodes(project)] == ["lost", "stolen"]


def test_the_tree_costs_the_same_whatever_its_size(page, project, django_assert_num_queries):
    publish(
        project, [TaxonomyEntry(f"l{n}", f"Label {n}") for n in range(30)], actor=None, now=NOON
    )
    page()

    with django_assert_num_queries(13):
        page()


@pytest.fixture
def large(project):
    """Five thousand labels under one, and some under one of these."""
    top = LabelFactory(project=project, key="top", name="Top")
    below = [
        Label(project=project, key=f"l{n}", name=f"Label {n}", parent=top, position=n)
        for n in range(5_000)
    ]
    Label.objects.bulk_create(below)
    LabelFactory(project=project, key="deep", name="Deep down", parent=below[7])
    return top, below[7]


def test_five_thousand_labels_open_closed_up(page, large, django_assert_num_queries):
    page()
    with django_assert_num_queries(13):
        text = page().text

    assert "Top</a>" in text
    assert "Label 4000" not in text
    assert f"{large[0].pk}/branch/" in text


def test_a_branch_of_a_large_tree_is_shown_when_it_is_opened(page, large):
    top, seventh = large
    text = page(f"{top.pk}/branch/").text
    assert text.count("<a href") == 5_000 + 1  # and one to look at what stands below
    assert "Deep down" not in text

    assert "Deep down</a>" in page(f"{seventh.pk}/branch/").text


def test_labels_are_found_by_any_of_their_words(page, project):
    publish(
        project,
        [
            TaxonomyEntry("money", "Money & <more>"),
            TaxonomyEntry("refund", "Refund", "money", "The shop owes it.", aliases=("Zürich",)),
            TaxonomyEntry("shop", "Shop", "money"),
        ],
        actor=None,
        now=NOON,
    )

    def found(asked):
        return [each.label.key for each in taxonomy_tree.search(project, asked)]

    assert found("SHOP") == ["shop", "refund"]  # by name before by description
    assert found("ZÜRICH shop") == ["refund"]
    assert found("[") == []
    assert (found("nothing like it"), found("")) == ([], [])
    text = page("?q=refund").text
    assert "Refund</a>" in text
    assert "Money &amp; &lt;more&gt;" in text
    assert "No label has “&lt;b&gt;”" in page("?q=<b>").text


def test_who_types_into_the_search_gets_the_labels_alone(client, page, project, taxonomy):
    page()
    url = f"/p/{project.slug}/taxonomy/?q=lost"
    text = client.get(url, headers={"HX-Request": "true"}).text

    assert "Card lost</a>" in text
    assert "<html" not in text
    tree = client.get(f"/p/{project.slug}/taxonomy/?q=", headers={"HX-Request": "true"}).text
    assert 'id="tree"' in tree
    assert "<html" not in tree


def test_a_project_without_labels_says_how_to_begin(page):
    assert "Import a taxonomy" in page().text


def test_a_label_shows_its_texts_and_what_points_to_it(page, taxonomy):
    lost, stolen = (page(f"{taxonomy[key].pk}/").text for key in ("lost", "stolen"))

    assert "The card is gone." in lost
    assert "stolen cards" in lost
    assert "Sent here by others" in stolen
    assert "stolen cards" in stolen


def test_a_label_shows_where_it_stands_and_what_may_be_right_with_it(page, project, taxonomy):
    publish(project, [replace(LOST, overlaps=("stolen",))], actor=None, now=NOON)
    around = taxonomy_tree.surroundings(taxonomy["lost"])

    assert (around.above, around.overlaps) == ([taxonomy["cards"]], [taxonomy["stolen"]])
    assert taxonomy_tree.surroundings(taxonomy["cards"]).below == [
        taxonomy["lost"], taxonomy["stolen"],
    ]  # fmt: skip
    assert "May be right together with" in page(f"{taxonomy['lost'].pk}/").text


def test_a_label_lists_its_editions_with_what_changed(page, project, taxonomy):
    publish(project, [replace(LOST, description="Gone.")], actor=None, now=NOON)
    text = page(f"{taxonomy['lost'].pk}/").text

    assert "<strong>v2</strong> description" in text
    assert "<strong>v1</strong> new" in text


def test_a_label_page_costs_the_same_whatever_is_around_it(
    page, project, django_assert_num_queries
):
    hub = TaxonomyEntry("hub", "Hub", exclusions=tuple((f"x{n}", f"l{n}") for n in range(30)))
    spokes = [
        TaxonomyEntry(f"l{n}", f"L{n}", parent="hub", exclusions=(("y", "hub"),),
                      overlaps=("hub",))
        for n in range(30)
    ]  # fmt: skip
    publish(project, [hub, *spokes], actor=None, now=NOON)
    pk = project.labels.get(key="hub").pk
    page(f"{pk}/")

    with django_assert_num_queries(15):
        page(f"{pk}/")


def test_texts_of_a_label_are_shown_as_text(page, project):
    evil = "<script>alert(1)</script>"
    publish(
        project,
        [TaxonomyEntry("a", evil, description=evil, exclusions=((evil, None),), examples=(evil,))],
        actor=None,
        now=NOON,
    )
    pk = project.labels.get().pk
    text = page().text + page(f"{pk}/").text + page(f"{pk}/edit/").text

    assert "<script>alert" not in text


def test_reviewers_read_but_do_not_edit(client, project, reviewer, taxonomy):
    client.force_login(reviewer)
    pk = taxonomy["lost"].pk
    text = client.get(f"/p/{project.slug}/taxonomy/{pk}/").text

    assert client.get(f"/p/{project.slug}/taxonomy/").status_code == 200
    assert "/edit/" not in text
    for path in (f"{pk}/edit/", "export.json"):
        assert client.get(f"/p/{project.slug}/taxonomy/{path}").status_code == 404
    assert client.post(f"/p/{project.slug}/taxonomy/{pk}/edit/", {}).status_code == 404


def test_labels_of_another_project_do_not_exist_here(page):
    foreign = LabelFactory(project=ProjectFactory(slug="other"))

    assert page(f"{foreign.pk}/").status_code == 404
    assert page(f"{foreign.pk}/edit/").status_code == 404


@pytest.mark.parametrize("format_", ["json", "csv"])
def test_the_taxonomy_is_downloaded_as_a_file(page, taxonomy, format_):
    answer = page(f"export.{format_}")

    assert b"Card lost" in b"".join(answer)
    assert answer["Content-Disposition"] == f'attachment; filename="support-taxonomy.{format_}"'


# --- editing --------------------------------------------------------------------------------------


def test_the_form_opens_with_what_stands(page, taxonomy):
    text = page(f"{taxonomy['lost'].pk}/edit/").text

    assert "The card is gone." in text
    assert ">stolen cards</textarea>" in text
    assert '<option value="cards">Cards</option>' in text


def test_publishing_an_edit_leads_back_to_the_label(edit, project, owner):
    answer = edit()
    lost = project.labels.get(key="lost")

    assert answer.status_code == 302
    assert lost.description == "Gone."
    assert TaxonomyVersion.objects.latest().published_by == owner


def test_adding_a_row_keeps_what_was_typed_and_publishes_nothing(edit):
    answer = edit(do="add", situation=["typed so far"], use=[""])

    assert ">typed so far</textarea>" in answer.text
    assert answer.text.count('name="situation"') == 2
    assert TaxonomyVersion.objects.count() == 1


def test_removing_a_row_removes_that_row(edit):
    answer = edit(do="remove-0", situation=["one", "two"], use=["", "stolen"])

    assert ">two</textarea>" in answer.text
    assert ">one</textarea>" not in answer.text


@pytest.mark.parametrize(
    "act", ["remove-99", "remove-" + "9" * 5_000, "remove-x", "remove-", "nonsense"]
)
def test_an_unknown_button_changes_nothing(edit, act):
    assert edit(do=act).status_code == 200
    assert TaxonomyVersion.objects.count() == 1


def test_empty_rows_are_dropped(edit, project):
    edit(situation=["a", "", "b"], use=["", "", "cards"])

    exclusions = project.labels.get(key="lost").exclusions
    assert list(exclusions.values_list("situation", flat=True)) == ["a", "b"]


@pytest.mark.parametrize(
    ("situation", "use", "message"),
    [
        ("", "stolen", "Say which situation"),
        ("x", "nowhere", "No label has the id “nowhere”"),
        ("x", "lost", "This is the label itself"),
        ("x" * 3_000, "", "Shorten it"),
    ],
)
def test_a_row_that_cannot_stand_is_explained_beside_it(edit, situation, use, message):
    answer = edit(situation=[situation], use=[use])

    assert answer.status_code == 422
    assert message in answer.text
    assert TaxonomyVersion.objects.count() == 1


def test_an_edit_without_its_version_is_refused(edit):
    assert edit(seen_version="").status_code == 422


def test_the_second_of_two_editors_gets_409_with_the_difference(edit, project):
    publish(project, [replace(LOST, description="Somebody else was here.")], actor=None, now=NOON)
    answer = edit(description="Somebody like me was here.")

    assert answer.status_code == 409
    assert "<del>else</del><ins>like me</ins>" in answer.text
    assert 'name="seen_version" value="2"' in answer.text
    assert project.labels.get(key="lost").description == "Somebody else was here."


def test_publishing_again_after_the_difference_was_seen_goes_through(edit, project):
    publish(project, [replace(LOST, description="Theirs.")], actor=None, now=NOON)
    edit(description="Mine.")

    assert edit(description="Mine.", seen_version=2).status_code == 302
    assert project.labels.get(key="lost").description == "Mine."


def test_a_retired_label_is_not_edited(page, project, taxonomy):
    publish(project, [replace(LOST, retired=True)], actor=None, now=NOON)

    assert page(f"{taxonomy['lost'].pk}/edit/").status_code == 404


def test_aliases_are_edited_one_a_line_and_shown_on_the_labels_page(edit, page, project, taxonomy):
    assert edit(aliases=" gone \n\nvanished  card\ngone").status_code == 302
    lost = project.labels.get(key="lost")

    assert lost.aliases == ["gone", "vanished card"]
    assert "<bdi>gone</bdi>, <bdi>vanished card</bdi>" in page(f"{lost.pk}/").text
    assert "gone\nvanished card</textarea>" in page(f"{lost.pk}/edit/").text


def test_too_many_aliases_are_refused_with_what_to_do(edit, project):
    answer = edit(aliases="\n".join(f"name {n}" for n in range(21)))

    assert answer.status_code == 422
    assert "aliases: there are more than 20" in answer.text
    assert project.labels.get(key="lost").aliases == []


def test_an_edition_from_before_there_were_aliases_differs_in_nothing_but_what_changed(
    edit, page, project, taxonomy
):
    first = taxonomy["lost"].editions.get()
    del first.content["aliases"]
    first.save()
    edit()

    assert "v2</strong> description<div" in page(f"{taxonomy['lost'].pk}/").text
