"""The documents page as a place to look for documents."""

import json

import pytest
from django.apps import apps
from django.core.cache import cache
from django.utils import timezone

from labeling import document_walk, events, exports, jobs, meaning, saved_views
from labeling.document_fields import NONE_FITS
from labeling.document_filters import DocumentFilter
from labeling.documents import Row, import_documents
from labeling.models import AuditEntry, SavedView
from tests.factories import (
    AnnotationFactory,
    GoldLabelFactory,
    LabelFactory,
    MembershipFactory,
    PredictionFactory,
    ProjectFactory,
    ReviewTaskFactory,
    UserFactory,
)
from tests.labeling.desk import url

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client, owner):
    client.force_login(owner)
    return lambda **asked: client.get(url("documents"), asked)


@pytest.fixture
def stored(project):
    def stored(*texts, subject=""):
        rows = [Row(f"letter-{n}", text, subject=subject) for n, text in enumerate(texts)]
        import_documents(project, rows, actor=None, now=timezone.now())

    return stored


def test_what_was_searched_for_is_marked_and_all_else_is_text(page, stored):
    stored("<script>alert(1)</script> the <b>card</b> was lost", subject="Card & <i>fee</i>")
    text = page(q="card").text
    assert "&lt;b&gt;<mark>card</mark>&lt;/b&gt; was lost" in text
    assert "<mark>Card</mark> &amp; &lt;i&gt;" in text
    assert "1 found, newest first." in text
    assert "<script>alert" not in text


def test_a_long_text_is_not_read_whole_for_its_excerpt(page, stored, django_assert_num_queries):
    stored("card " + "x" * 150_000)
    page(q="card")
    with django_assert_num_queries(15) as queries:
        assert len(page(q="card").content) < 100_000

    assert not any(', "labeling_document"."text"' in query["sql"] for query in queries)


def test_a_search_costs_the_same_whatever_it_finds(page, stored, django_assert_num_queries):
    stored("card 0")
    page(q="card")
    with django_assert_num_queries(15):
        assert "1 found" in page(q="card").text
    stored(*(f"card {number}" for number in range(30)))
    with django_assert_num_queries(15):
        assert "30 found" in page(q="card").text


@pytest.mark.parametrize(
    ("asked", "notice"),
    [
        ({"bucket": "nonsense"}, "Bucket “nonsense” was left out. There is no such choice"),
        ({"label": "nowhere"}, "Label “nowhere” was left out. There is no such label"),
        ({"label": "fee"}, "More than one label is called so; give its id."),
        ({"margin_from": "many"}, "A margin is a number from 0 to 100."),
        ({"margin_from": "nan"}, "Margin from, % “nan” was left out."),
        ({"margin_from": "101"}, "Margin from, % “101” was left out."),
        ({"margin_from": "60", "margin_to": "40"}, "above the other end"),
        ({"since": "yesterday"}, "A day is written 2026-01-31."),
        ({"since": "0000-00-00"}, "A day is written 2026-01-31."),
        ({"since": "2026-02-01", "until": "2026-01-01"}, "above the other end"),
        ({"reviewer": "nobody"}, "Nobody of that name is in this project."),
        ({"reviewer": "the-outsider"}, "Nobody of that name is in this project."),
        ({"queue": "x"}, "There is no such choice"),
        ({"bundle": "xyz"}, "the first 4 to 64 digits of its digest"),
        ({"gold": "maybe"}, "There is no such choice"),
        ({"decided": "x"}, "There is no such choice"),
        ({"order": "x"}, "There is no such choice"),
        ({"colour": "red"}, "“colour” is no filter of this page and was left out."),
        ({"<b>": "red"}, "“&lt;b&gt;” is no filter"),
        ({"q": "???"}, "There is no word in it"),
        ({"q": "'\"*:^("}, "There is no word in it"),
        ({"q": "card\0"}, "Null characters are not allowed."),
        ({"q": "card " * 2_000}, "Searched for the first 300 characters"),
        ({f"x{n}": "y" for n in range(9)}, "And 4 more that cannot be read."),
    ],
)
def test_what_cannot_be_read_is_left_out_and_said(page, stored, project, outsider, asked, notice):
    stored("the card")
    for name in ("fee", "Fee"):
        LabelFactory(project=project, name=name)
    answer = page(**asked)

    assert answer.status_code == 200
    assert notice in answer.text
    assert "letter-0" in answer.text


@pytest.mark.parametrize("typed", ["0001-01-01", "9999-12-31", "1969-12-31", "2026-01-05"])
def test_any_day_may_be_asked_for(page, stored, typed):
    stored("the card")

    assert page(since=typed).status_code == page(until=typed).status_code == 200


@pytest.mark.parametrize("typed", ["lost", "Lost card", "LOST C", "lost-card"])
def test_a_label_is_asked_for_by_id_or_name(page, project, typed):
    label = LabelFactory(project=project, key="lost-card", name="Lost card")
    LabelFactory(project=ProjectFactory(slug="other"), name="Lost card")
    PredictionFactory(document__project=project, document__subject="Gone", first=label)
    text = page(label=typed).text

    assert "Gone" in text
    assert "Lost card, predicted first" in text


def test_a_view_of_a_retired_label_and_of_a_person_gone_opens_and_says_so(page, project, stored):
    stored("the card")
    retired = timezone.now()
    LabelFactory(project=project, key="lost", name="Lost card", retired_at=retired)
    judged = AnnotationFactory(
        task=ReviewTaskFactory(document__project=project), reviewer__username="anna"
    )
    text = page(label="lost", reviewer="anna").text

    assert "Lost card was retired on" in text
    assert "anna is no longer in this project. Their decisions still are." in text
    assert judged.reviewer.username in text


def test_each_filter_is_shown_and_can_be_left_out(page, stored):
    stored("the card")
    text = page(q="card", gold="no", bucket="").text

    assert 'href="?q=card" aria-label="Without Gold"' in text
    assert 'href="?q=card&amp;gold=no&amp;bucket=review"' in text


def test_a_walk_that_was_cut_short_says_so_and_goes_on(page, stored, monkeypatch):
    monkeypatch.setattr(document_walk, "FEW", 0)
    monkeypatch.setattr(document_walk, "MOST_LOOKED_AT", 2)
    stored("card one", "card two", "card three")
    text = page(bundle="aaaa").text

    assert "Of 2 documents looked at, none fits." in text
    assert "Go on looking" in text
    assert "bundle=aaaa&amp;after=" in text


@pytest.mark.parametrize("few", [0, 5_000])
def test_what_is_found_is_downloaded_with_what_is_predicted_and_gold(
    client, page, project, stored, monkeypatch, few
):
    monkeypatch.setattr(document_walk, "FEW", few)
    monkeypatch.setattr(exports, "CHUNK", 2)
    stored("=1+1 card", "card two", "card three", "nothing")
    first, second, *_ = project.documents.order_by("pk")
    label = LabelFactory(project=project, key="lost")
    PredictionFactory(document=first, first=label, margin=0.25, probability=0.5)
    GoldLabelFactory(document=first, label=label)
    GoldLabelFactory(document=second, label=None)
    csv, jsonl = (
        b"".join(client.get(url("export-found", format_), {"q": "card"})).decode()
        for format_ in ("csv", "jsonl")
    )

    assert csv.splitlines() == [
        "id,subject,text,predicted,bucket,probability,margin,labels",
        "letter-2,,card three,,,,,",
        f"letter-1,,card two,,,,,{NONE_FITS}",
        "letter-0,,'=1+1 card,lost,review,0.5,0.25,lost",
    ]
    rows = [json.loads(line) for line in jsonl.splitlines()]
    assert [row["labels"] for row in rows] == [None, [], ["lost"]]
    assert rows[2]["margin"] == 0.25


def test_nothing_is_downloaded_for_an_address_that_cannot_be_read(client, page, stored):
    stored("card")
    answer = client.get(url("export-found", "csv"), {"bucket": "nonsense"})

    assert answer.status_code == 422
    assert "was left out" in answer.text
    assert client.get(url("export-found", "xml")).status_code == 404


def test_a_view_is_saved_opened_and_deleted(client, page, stored, owner, admin):
    stored("the card")
    saved = client.post(url("save-view"), {"name": "Cards", "address": "q=card&gold=no&colour=red"})
    view = SavedView.objects.get()
    client.force_login(admin)
    shown = client.get(saved.url).text

    assert saved.url == f"{url('documents')}?q=card&gold=no"
    assert (view.made_by, view.query) == (owner, "q=card&gold=no")
    assert 'href="?q=card&amp;gold=no" aria-current="page">Cards</a>' in shown
    assert "Save this view" not in shown
    deleted = client.post(url("delete-view", view.pk), follow=True)
    assert "The view “Cards” is deleted; no document is." in deleted.text
    assert not SavedView.objects.exists()
    acts = AuditEntry.objects.order_by("pk").values_list("act", "actor__username", "subject")
    assert list(acts)[-2:] == [
        ("saved the view", "the-owner", "Cards"),
        ("deleted the view", "the-admin", "Cards"),
    ]


@pytest.mark.parametrize("name", ["", "Cards", "x" * 81])
def test_a_view_needs_a_name_of_its_own(client, page, stored, project, owner, name):
    stored("the card")
    saved_views.save(project, "Cards", DocumentFilter(), actor=owner, now=timezone.now())
    answer = client.post(url("save-view"), {"name": name, "address": "q=card"})

    assert answer.status_code == 422
    assert 'class="errorlist"' in answer.text
    assert SavedView.objects.count() == 1


def test_deleting_a_view_twice_is_written_once(project, owner):
    now = timezone.now()
    view = saved_views.save(project, "Cards", DocumentFilter(q="card"), actor=owner, now=now)
    for _ in range(2):
        saved_views.delete(view, actor=owner, now=now)

    assert AuditEntry.objects.filter(act="deleted the view").count() == 1


def test_a_view_outlives_the_person_who_saved_it(project):
    person = MembershipFactory(project=project, role="owner", user=UserFactory()).user
    view = SavedView.objects.create(
        project=project, name="Cards", query="q=card", made_by=person, made_at=timezone.now()
    )
    person.delete()
    view.refresh_from_db()

    assert view.made_by is None


def test_reviewers_and_outsiders_neither_save_nor_delete_views(
    client, project, owner, reviewer, outsider
):
    view = saved_views.save(project, "Cards", DocumentFilter(), actor=owner, now=timezone.now())
    for person in (reviewer, outsider):
        client.force_login(person)
        assert client.post(url("save-view"), {"name": "Mine"}).status_code == 404
        assert client.post(url("delete-view", view.pk)).status_code == 404

    assert list(SavedView.objects.all()) == [view]


# --- by meaning


@pytest.fixture
def searches():
    """The searches by meaning that workers are asked for."""
    asked = []

    def hear(*, project_id, address, **_):
        asked.append((project_id, address))

    events.meaning_wanted.disconnect(dispatch_uid="inference.meaning")
    events.meaning_wanted.connect(hear)
    yield asked
    events.meaning_wanted.disconnect(hear)
    apps.get_app_config("inference").ready()


MEANING = {"q": "lost card", "by": "meaning"}


def test_a_search_by_meaning_asks_a_worker_once_and_looks_again(
    page, project, searches, stored, django_capture_on_commit_callbacks
):
    stored("My card is gone.")
    cache.set(jobs.HEARTBEAT, "now")
    with django_capture_on_commit_callbacks(execute=True):
        first, again = page(**MEANING), page(**MEANING)

    assert searches == [(project.pk, "q=lost+card&by=meaning")]
    for shown in (first, again):
        assert "Looking …" in shown.text
        assert 'hx-get="?q=lost+card&amp;by=meaning"' in shown.text


def test_what_a_worker_found_is_shown_nearest_first(page, project, searches, stored):
    stored("My card is gone.", "Opening hours, please.", "Old news")
    gone, hours, _ = project.documents.order_by("pk").values_list("pk", flat=True)
    elsewhere = PredictionFactory(document__project=ProjectFactory(slug="elsewhere")).document_id
    found = meaning.Nearest([(gone, 0.71), (elsewhere, 0.5), (hours, 0.12)], 3)
    meaning.keep(project.pk, "q=lost+card&by=meaning", found)
    shown = page(**MEANING)

    rows = [(row.document.pk, row.similarity) for row in shown.context["page"].rows]
    assert rows == [(gone, 0.71), (hours, 0.12)]
    assert "My card is gone." in shown.text
    assert "71 %" in shown.text.replace("\N{NO-BREAK SPACE}", " ")
    assert "hx-get" not in shown.text.partition('id="nearest"')[2]
    assert not searches


def test_without_a_worker_it_says_so(page, searches, stored):
    stored("My card is gone.")
    assert "No worker is running" in page(**MEANING).text


def test_what_stopped_a_worker_is_said(page, project, searches, stored):
    stored("My card is gone.")
    meaning.keep(project.pk, "q=lost+card&by=meaning", meaning.Nearest([], 0, "No <model>."))
    assert "No &lt;model&gt;." in page(**MEANING).text


def test_signs_alone_may_be_searched_for_by_meaning_and_nothing_is_all_documents(
    page, searches, stored
):
    stored("My card is gone.")
    assert "was left out" not in page(q="?!", by="meaning").text
    assert page(q="", by="meaning").context["page"].found.number is None
    assert len(searches) == 0


def test_what_is_found_by_meaning_is_no_download(client, owner, project):
    client.force_login(owner)
    assert client.get(url("export-found", "csv"), MEANING).status_code == 422
