"""Gold of a label that is split goes where an owner chooses, document by document."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling import document_words, drafts, events, publishing, sharing, taxonomy_acts
from labeling.models import DraftAct, GoldLabel, Job, ReviewTask
from labeling.taxonomy_acts import REVIEW, BadAct, Merge, Retire, Split, Transfer
from labeling.taxonomy_entries import TaxonomyEntry
from tests.factories import DocumentFactory, GoldLabelFactory, JobFactory, ProjectFactory

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)
PARTS = (TaxonomyEntry("home", "At home"), TaxonomyEntry("away", "Away <i>"))
HOME, AWAY, BACK, OTHERS = "1", "2", "3", "0"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_models(monkeypatch):
    monkeypatch.setattr(events.taxonomy_published, "receivers", [])
    events.taxonomy_published.sender_receivers_cache.clear()


@pytest.fixture
def label(project):
    entries = [TaxonomyEntry("lost", "Card lost"), TaxonomyEntry("stolen", "Card stolen")]
    publishing.publish(project, entries, actor=None, now=NOON)
    return project.labels.get(key="lost")


@pytest.fixture
def document(label):
    def document(given=label, **said):
        made = DocumentFactory(project=given.project, gold_at=NOON, **said)
        GoldLabelFactory(document=made, label=given)
        return made

    return document


@pytest.fixture
def split(label, owner):
    def split(act=None):
        act = act or Split("lost", PARTS)
        seen = drafts.seen(label.project)
        return drafts.add(label.project, act, author=owner, now=NOON, **seen)

    return split


@pytest.fixture
def at(label):
    return f"/p/{label.project.slug}/taxonomy/{label.pk}/split/documents/"


@pytest.fixture
def page(client, owner, at):
    client.force_login(owner)
    return lambda asked="": client.get(f"{at}{asked}")


@pytest.fixture
def send(client, owner, at):
    """Choose by document; *was*: what the page had shown."""
    client.force_login(owner)

    def send(choices, *, asked="", was=None, **more):
        said = {f"to-{each.pk}": way for each, way in choices.items()}
        shown = {f"was-{each.pk}": (was or {}).get(each, OTHERS) for each in choices}
        given = {"by_nearest": "", "was_by_nearest": "", **said, **shown, **more}
        return client.post(f"{at}{asked}", given)

    return send


def chosen(project):
    (row,) = project.draft.all()
    return row.act["chosen"]


def publish(project, owner, **more):
    seen = {"seen_acts": [row.pk for row in drafts.rows_of(project)], **more}
    return drafts.publish(project, actor=owner, note="", now=LATER, **seen)


def gold_of(document):
    return set(document.gold.gold().values_list("label__key", flat=True))


def test_the_form_leads_to_the_documents(client, owner, label, document, at):
    document()
    client.force_login(owner)
    path = f"/p/{label.project.slug}/taxonomy/{label.pk}/split/"
    assert "and choose documents" in client.get(path).text
    parts = {"part": ["At home", "Away"], "about": ["a", "b"], "seen_version": 1}

    assert client.post(path, {**parts, "do": "choose"}).url == at
    assert "Where documents of" in client.get(at).text


def test_documents_come_newest_first_fifty_to_a_page(page, split, document):
    split()
    made = [document(subject=f"Number {n}.") for n in range(sharing.PAGE + 2)]
    first, second = page(), page("?page=2")

    assert [row.id for row in first.context["sheet"].rows] == [
        each.pk for each in reversed(made[2:])
    ]
    assert [row.id for row in second.context["sheet"].rows] == [made[1].pk, made[0].pk]
    assert "Page 2 of 2" in second.text
    for beyond in ("?page=99", "?page=0", "?page=x", "?page=" + "9" * 5_000):
        assert page(beyond).status_code == 200


def test_a_page_takes_as_many_queries_however_many_there_are(
    page, split, document, django_assert_num_queries
):
    split()
    for _ in range(30):
        document()
    with django_assert_num_queries(9):
        page()
    for _ in range(40):
        document()
    with django_assert_num_queries(9):
        page()


def test_the_drafts_page_asks_once_more_for_each_split(
    client, owner, label, django_assert_num_queries
):
    project, several = label.project, range(6)
    entries = [TaxonomyEntry(f"old_{n}", f"Old {n}") for n in several]
    publishing.publish(project, entries, actor=None, now=NOON)
    client.force_login(owner)
    for n in several:
        parts = [TaxonomyEntry(f"{side}{n}", f"{side}{n}") for side in ("one", "two")]
        drafts.add_all(project, [Split(f"old_{n}", tuple(parts))], author=owner, now=NOON)
        with django_assert_num_queries(13 + n):
            client.get(f"/p/{project.slug}/taxonomy/draft/")


@pytest.mark.parametrize(
    "before",
    [
        [],
        [Merge("stolen", "lost")],
        [Retire("stolen", "lost")],
        [Retire("stolen")],
        [Merge("eaten", "stolen"), Merge("stolen", "lost")],
        [Merge("stolen", "lost"), Retire("eaten", "lost")],
        [Split("stolen", PARTS, {"home": (1,)}), Merge("home", "lost"), Merge("eaten", "away")],
    ],
)
def test_gold_that_is_shared_out_is_what_the_acts_before_hand_over(before):
    names = ("lost", "stolen", "eaten")
    standing = {key: TaxonomyEntry(key, key) for key in names}
    keys = {"lost"}
    for each in reversed(taxonomy_acts.done(standing, before).transfers):
        keys |= {each.source} if each.target in keys else set()

    assert drafts.sources(before, Split("lost", PARTS)) & {*names} == keys & {*names}


def test_documents_are_found_by_their_words(page, split, document):
    split()
    found = document(subject="The kitchen", text="It fell behind the stove.")
    document(subject="The street")
    document_words.add(above=0)

    assert [row.id for row in page("?find=stove").context["sheet"].rows] == [found.pk]
    assert "holds these words" in page("?find=nothing").text


def test_words_that_too_many_hold_are_looked_for_among_the_newest(
    page, split, document, monkeypatch
):
    monkeypatch.setattr(sharing, "MANY", 2)
    monkeypatch.setattr(sharing, "LOOKED_AT", 2)
    split()
    made = [document(text="It fell behind the stove.") for _ in range(4)]
    document_words.add(above=0)
    told = page("?find=stove")

    assert [row.id for row in told.context["sheet"].rows] == [made[3].pk, made[2].pk]
    assert "2 found among those decided last" in told.text


def test_what_is_chosen_is_kept_in_the_draft_and_shown_again(send, page, split, document):
    split()
    first, second, third = document(), document(), document()
    answer = send({first: HOME, second: BACK, third: OTHERS}, number="2")

    assert answer.url.endswith("?find=&page=2")
    assert chosen(first.project) == {"home": [first.pk], "": [second.pk]}
    assert {row.id: row.choice for row in page().context["sheet"].rows} == {
        first.pk: 1,
        second.pk: 3,
        third.pk: 0,
    }


def test_a_choice_is_changed_and_taken_back(send, split, document):
    split()
    one = document()
    send({one: HOME})
    send({one: AWAY}, was={one: HOME})
    assert chosen(one.project) == {"away": [one.pk]}
    send({one: OTHERS}, was={one: AWAY})
    assert chosen(one.project) == {}


def test_sending_it_twice_is_sending_it_once(send, split, document):
    split()
    one = document()
    send({one: HOME})
    before = DraftAct.objects.get()
    send({one: HOME})

    assert DraftAct.objects.get().made_at == before.made_at
    assert chosen(one.project) == {"home": [one.pk]}


def test_two_tabs_overwrite_nothing_that_they_only_show(send, split, document):
    split()
    first, second = document(), document()
    send({first: HOME, second: OTHERS}, by_nearest="1")
    send({first: OTHERS, second: AWAY})  # opened before the other was sent

    assert chosen(first.project) == {"home": [first.pk], "away": [second.pk]}
    assert DraftAct.objects.get().act["by_nearest"]


def test_a_new_search_starts_at_its_first_page_and_the_same_one_stays(send, split, document):
    split()
    one = document()

    assert send({one: HOME}, number="3", find="stove").url.endswith("?find=stove&page=1")
    assert send({}, asked="?find=a", number="3", find="a").url.endswith("?find=a&page=3")
    assert send({}, do="done").url.endswith("/taxonomy/draft/")


def test_other_documents_are_passed_over(send, page, split, document, label):
    split()
    mine, other = document(), document(label.project.labels.get(key="stolen"))
    elsewhere = DocumentFactory(project=ProjectFactory(slug="elsewhere"))
    send({mine: HOME, other: HOME, elsewhere: HOME})

    assert chosen(mine.project) == {"home": [mine.pk]}
    assert "2 passed over" in page().text


def test_what_was_chosen_for_another_split_is_not_kept(send, page, split, document, label, owner):
    """Two tabs: a digit that meant one label would mean another."""
    split()
    one = document()
    opened = page().context["seen_act"]
    assert f'name="seen_act" value="{opened}"' in page().text
    drafts.discard(label.project)
    split(Split("lost", PARTS[::-1]))
    answer = send({one: HOME}, seen_act=opened)

    assert chosen(one.project) == {}
    assert "splits “Card lost” otherwise by now" in page().text
    assert answer.status_code == 302
    send({one: HOME}, seen_act=drafts.newest(label.project))
    assert chosen(one.project) == {"away": [one.pk]}


def test_no_preview_is_wanted_where_every_document_was_chosen(send, split, document, label, owner):
    split(Split("lost", PARTS, by_nearest=True))
    first, second = document(), document()
    send({first: HOME}, by_nearest="1", was_by_nearest="1")
    with pytest.raises(BadAct, match="Preview the impact first"):
        publish(label.project, owner)
    send({second: BACK}, by_nearest="1", was_by_nearest="1")
    publish(label.project, owner)

    assert (gold_of(first), gold_of(second)) == ({"home"}, set())


def test_what_the_form_does_not_offer_is_chosen_for_nothing(send, split, document, label):
    split()
    one = document()
    send({one: "9"}, **{"to-x": HOME, "to-" + "9" * 5_000: HOME})
    assert chosen(one.project) == {}

    with pytest.raises(BadAct, match="is none of the labels"):
        sharing.choose(label, {one.pk: "stolen"}, now=NOON)


def test_gold_goes_where_it_was_chosen_and_all_other_back_to_review(
    send, split, document, label, owner
):
    split()
    home, away, back, rest = (document() for _ in range(4))
    send({home: HOME, away: AWAY, back: BACK})
    publish(label.project, owner)

    assert [gold_of(each) for each in (home, away, back, rest)] == [
        {"home"},
        {"away"},
        set(),
        set(),
    ]
    waiting = ReviewTask.objects.open().values_list("document", flat=True)
    assert set(waiting) == {back.pk, rest.pk}
    publishing.take_back(label.project, 2, actor=owner, now=LATER)
    assert [gold_of(each) for each in (home, away, back, rest)] == [{"lost"}] * 4


def test_what_was_chosen_goes_before_what_a_worker_found_nearest(
    send, split, document, label, owner
):
    row = split(Split("lost", PARTS, by_nearest=True))
    first, second, third = document(), document(), document()
    sharing.share_out(row, {"home": [first.pk, second.pk], "away": [third.pk]})
    send({first: AWAY, third: BACK}, by_nearest="1", was_by_nearest="1")
    publish(label.project, owner)

    assert [gold_of(each) for each in (first, second, third)] == [{"away"}, {"home"}, set()]


def test_a_worker_keeps_what_is_chosen_while_it_works(send, split, document, label):
    row = split(Split("lost", PARTS, by_nearest=True))
    one = document()
    send({one: AWAY})
    sharing.share_out(row, {"home": [one.pk]})

    assert row.act["chosen"] == DraftAct.objects.get().act["chosen"] == {"away": [one.pk]}
    assert row.act["documents"] == {"home": [one.pk]}


def test_a_worker_that_comes_too_late_writes_nothing(send, split, document, label):
    row = split(Split("lost", PARTS, by_nearest=True))
    one = document()
    send({}, by_nearest="", was_by_nearest="1")
    sharing.share_out(row, {"home": [one.pk]})
    assert DraftAct.objects.get().act["documents"] == {}

    DraftAct.objects.all().delete()
    sharing.share_out(row, {"home": [one.pk]})
    assert not DraftAct.objects.exists()


def test_a_document_decided_anew_meanwhile_is_passed_over(send, split, document, label, owner):
    split()
    anew, gone = document(), document()
    send({anew: HOME, gone: HOME})
    GoldLabel.objects.filter(document=anew).update(label=label.project.labels.get(key="stolen"))
    GoldLabel.objects.filter(document=gone).delete()
    publish(label.project, owner)

    assert gold_of(anew) == {"stolen"}
    assert gold_of(gone) == set()


def test_gold_of_labels_that_the_draft_merges_into_it_is_shared_out_too(
    send, page, split, document, label, owner
):
    split(Merge("stolen", "lost"))
    split()
    merged = document(label.project.labels.get(key="stolen"))
    assert [row.id for row in page().context["sheet"].rows] == [merged.pk]
    client_answer = send({merged: HOME})
    publish(label.project, owner)

    assert client_answer.status_code == 302
    assert gold_of(merged) == {"home"}


def test_the_drafts_page_says_how_many_go_where(client, send, split, document, label):
    split()
    made = [document() for _ in range(5)]
    send({made[0]: HOME, made[1]: AWAY, made[2]: BACK})
    path = f"/p/{label.project.slug}/taxonomy/draft/"
    shares = client.get(path).context["rows"][0][2]["shares"]
    assert shares == sharing.Shares([("At home", 1), ("Away <i>", 1)], review=3, open=0)

    send({}, by_nearest="1")
    text = client.get(path).text
    assert "by what is nearest, which the preview finds out" in text
    assert "Away &lt;i&gt;" in text


def test_a_draft_whose_documents_were_chosen_since_is_not_published_unseen(
    send, split, document, label, owner
):
    split()
    seen = drafts.last_change(drafts.rows_of(label.project))
    send({document(): HOME})

    with pytest.raises(drafts.DraftChanged):
        publish(label.project, owner, seen_change=seen)
    publish(label.project, owner, seen_change=drafts.last_change(drafts.rows_of(label.project)))


def test_a_preview_from_before_is_an_old_one(client, send, split, document, label, owner):
    row = split()
    job = {"draft": row.pk, "acts": [row.pk]}
    JobFactory(project=label.project, kind=Job.Kind.IMPACT, arguments=job, created_at=NOON)
    client.force_login(owner)
    path = f"/p/{label.project.slug}/taxonomy/draft/"
    assert not client.get(path).context["is_old"]

    send({document(): HOME})
    assert client.get(path).context["is_old"]


def test_a_label_that_is_split_no_more_says_so(send, page, split, document, label, owner):
    split()
    one = document()
    publish(label.project, owner)
    answer = send({one: HOME})

    assert answer.url == f"/p/{label.project.slug}/taxonomy/{label.pk}/"
    assert page().status_code == 302


def test_reviewers_and_others_choose_nothing(client, split, document, at, reviewer, outsider):
    split()
    one = document()
    for person in (reviewer, outsider):
        client.force_login(person)
        assert client.get(at).status_code == 404
        assert client.post(at, {f"to-{one.pk}": HOME}).status_code == 404
    assert chosen(one.project) == {}


def test_a_draft_from_before_anybody_chose_is_read():
    told = taxonomy_acts.as_json(Split("lost", PARTS, {"home": (1,)}))
    del told["chosen"]

    assert taxonomy_acts.read(told) == Split("lost", PARTS, {"home": (1,)})


documents = st.lists(st.integers(0, 9), max_size=6, unique=True).map(tuple)
shared = st.dictionaries(st.sampled_from(["home", "away", REVIEW]), documents)


@given(chosen=shared, found=shared, standing=st.sets(st.integers(0, 9)), by_nearest=st.booleans())
def test_the_count_says_what_moving_the_gold_one_by_one_does(chosen, found, standing, by_nearest):
    act = Split("lost", PARTS, found, by_nearest, chosen)
    transfers = taxonomy_acts.apply({"lost": TaxonomyEntry("lost", "Lost")}, [act]).transfers
    where = dict.fromkeys(standing, "lost")
    for each in transfers:
        for pk in standing if each.documents is None else each.documents:
            if where.get(pk) == "lost":
                where[pk] = each.target
    told = sharing.shares(act, standing)

    assert transfers[-1] == Transfer("lost")
    assert dict(told.parts) == {
        "At home": list(where.values()).count("home"),
        "Away <i>": list(where.values()).count("away"),
    }
    assert told.review + told.open == list(where.values()).count(None)
    assert not told.open or (by_nearest and not found)
