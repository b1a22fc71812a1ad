"""The pages where owners change the taxonomy."""

from datetime import UTC, datetime

import pytest

from labeling import drafts, events, jobs, publishing
from labeling.models import Job, TaxonomyVersion
from labeling.taxonomy_acts import Edit
from labeling.taxonomy_entries import TaxonomyEntry
from tests.factories import JobFactory, MembershipFactory

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db

LOST = TaxonomyEntry("lost", "Card lost", description="The card is gone.")
STOLEN = TaxonomyEntry("stolen", "Card stolen", description="Somebody took it.")


@pytest.fixture(autouse=True)
def _no_models(monkeypatch):
    monkeypatch.setattr(events.taxonomy_published, "receivers", [])
    events.taxonomy_published.sender_receivers_cache.clear()


@pytest.fixture
def labels(project):
    publishing.publish(project, [LOST, STOLEN], actor=None, now=NOON)
    return {label.key: label for label in project.labels.all()}


@pytest.fixture
def page(client, project, owner, labels):
    client.force_login(owner)
    return lambda path="": client.get(f"/p/{project.slug}/taxonomy/{path}")


@pytest.fixture
def send(client, project, owner, labels):
    client.force_login(owner)

    def send(path, **given):
        acts = [row.pk for row in drafts.rows_of(project)]
        seen = {"seen_version": 1, "seen_act": max(acts, default=0)}
        seen["seen_acts"] = ",".join(map(str, acts))
        return client.post(f"/p/{project.slug}/taxonomy/{path}", {**seen, **given})

    return send


def test_an_edit_goes_into_the_draft_and_the_page_leads_there(send, page, labels, project):
    answer = send(
        f"{labels['lost'].pk}/edit/", name="Lost", parent="", description="Gone.", do="draft"
    )

    assert answer.url == f"/p/{project.slug}/taxonomy/draft/"
    assert "Edit Card lost: name, description" in page("draft/").text
    assert "Draft, 1 change" in page().text
    assert 'value="Lost"' in page(f"{labels['lost'].pk}/edit/").text


def test_an_edit_that_says_the_same_drafts_nothing(send, labels, project):
    send(f"{labels['lost'].pk}/edit/", name="Card lost", description="The card is gone.")

    assert not project.draft.exists()


def test_examples_and_overlaps_are_edited_too(send, labels, project):
    send(
        f"{labels['lost'].pk}/edit/",
        name="Card lost",
        description="The card is gone.",
        example=["One\nof two lines", ""],
        overlap=["stolen", ""],
        do="publish",
    )

    lost = project.labels.get(key="lost")
    assert lost.examples == ["One\nof two lines"]
    assert lost.overlaps_as_first.get().second.key == "stolen"


def test_a_label_drafted_by_somebody_else_meanwhile_answers_409(send, labels, project, admin):
    act = Edit("lost", {"name": "Theirs"})
    drafts.add(project, act, author=admin, seen_version=1, seen_act=0, now=NOON)
    answer = send(f"{labels['lost'].pk}/edit/", name="Mine", description="", seen_act=0)

    assert answer.status_code == 409
    assert f"{admin} changed this label in the draft" in answer.text
    again = answer.context["form"]["seen_act"].value()
    answer = send(f"{labels['lost'].pk}/edit/", name="Mine", description="", seen_act=again)
    assert answer.status_code == 302


@pytest.mark.parametrize(
    ("path", "given", "words"),
    [
        ("{lost}/merge/", {"into": "stolen"}, "Merge Card lost into Card stolen"),
        ("{lost}/retire/", {"successor": "stolen"}, "Retire Card lost, use Card stolen"),
        ("{lost}/retire/", {"successor": ""}, "Retire Card lost"),
        (
            "{lost}/split/",
            {"part": ["At home", "Away", ""], "about": ["a", "b", ""]},
            "Split Card lost into At home, Away",
        ),
        ("new/", {"name": "Card found", "description": "x"}, "Create Card found"),
    ],
)
def test_each_act_has_a_page_and_goes_into_the_draft(send, page, labels, path, given, words):
    path = path.format(lost=labels["lost"].pk)
    assert page(path).status_code == 200

    assert send(path, **given).status_code == 302
    assert words in page("draft/").text


@pytest.mark.parametrize(
    ("path", "given", "message"),
    [
        ("{lost}/merge/", {"into": "nowhere"}, "No label has the id “nowhere”"),
        ("{lost}/merge/", {"into": ""}, "This field is required"),
        ("{lost}/split/", {"part": ["One"], "about": ["x"]}, "Name two new labels"),
        ("{lost}/split/", {"part": ["", "B"], "about": ["x", "y"]}, "Give each new label a name"),
        ("new/", {"name": "Lost", "key": "lost"}, "stands already"),
    ],
)
def test_what_cannot_be_done_is_explained(send, labels, project, path, given, message):
    answer = send(path.format(lost=labels["lost"].pk), **given)

    assert answer.status_code == 422
    assert message in answer.text
    assert not project.draft.exists()


def test_parts_get_ids_of_their_own_whatever_their_names(send, labels, project):
    send(
        f"{labels['lost'].pk}/split/",
        part=["Card stolen", "\u041a\u0430\u0440\u0442\u0430", "!!", "Card stolen"],
        about=["a", "b", "c", "d"],
    )
    (row,) = project.draft.all()

    keys = [part["key"] for part in row.act["parts"]]
    assert keys == ["card_stolen", "\u043a\u0430\u0440\u0442\u0430", "label", "card_stolen_2"]


def test_numbers_no_row_has_take_nothing_out(send, labels, project):
    send(f"{labels['lost'].pk}/edit/", name="Lost", description="")

    assert send("draft/change/", do="remove-" + "9" * 5_000).status_code == 302
    assert project.draft.count() == 1


def test_a_retired_label_names_its_successor_and_is_restored(send, page, labels, project):
    send(f"{labels['lost'].pk}/retire/", successor="stolen")
    send("draft/change/", do="publish")
    assert "Card stolen</a>" in page(f"{labels['lost'].pk}/").text

    send(f"{labels['lost'].pk}/restore/", seen_version=2)
    send("draft/change/", do="publish")
    assert project.labels.get(key="lost").retired_at is None


def test_the_last_version_is_undone_and_redone_from_the_page(send, page, labels, project):
    send(f"{labels['lost'].pk}/edit/", name="Lost", description="Gone.", do="publish")
    assert "Undo<span" in page().text
    send("versions/2/take-back/")
    assert project.labels.get(key="lost").name == "Card lost"
    assert "Redo<span" in page().text

    send("versions/3/take-back/")
    assert project.labels.get(key="lost").name == "Lost"
    send("versions/1/take-back/")  # nothing: it is not the last one
    assert TaxonomyVersion.objects.count() == 4


def test_an_act_is_taken_out_and_the_draft_is_emptied(send, labels, project):
    send(f"{labels['lost'].pk}/edit/", name="Lost", description="")
    send("draft/change/", do=f"remove-{drafts.newest(project)}")
    assert not project.draft.exists()

    send(f"{labels['lost'].pk}/edit/", name="Lost", description="")
    send("draft/change/", do="discard")
    assert not project.draft.exists()
    assert TaxonomyVersion.objects.count() == 1


def test_a_draft_that_changed_meanwhile_answers_409(send, labels, project):
    send(f"{labels['lost'].pk}/edit/", name="Lost", description="")
    answer = send("draft/change/", do="publish", seen_acts="")

    assert answer.status_code == 409
    assert "changed or published meanwhile" in answer.text


def test_a_preview_needs_a_worker_and_says_so(send, labels):
    send(f"{labels['lost'].pk}/edit/", name="Lost", description="")
    answer = send("draft/change/", do="preview")

    assert answer.status_code == 503
    assert "No worker is running" in answer.text


def test_a_preview_that_runs_is_asked_after_and_one_that_ended_is_shown(
    send, page, labels, project, monkeypatch
):
    send(f"{labels['lost'].pk}/edit/", name="Lost", description="")
    job = JobFactory(
        project=project,
        kind=Job.Kind.IMPACT,
        status="running",
        arguments={"draft": drafts.newest(project), "acts": [drafts.newest(project)]},
    )
    monkeypatch.setattr(jobs, "worker_alive", lambda: True)
    assert 'hx-trigger="every 1s"' in page("draft/impact/").text

    moved = {"before": 0.5, "after": 0.75, "difference": {"value": 0.25, "low": 0.1, "high": 0.4}}
    gold = {
        "documents": 40,
        "again": 0,
        "texts": {"top1": moved, "recall_at_5": moved},
        "learnt": {"top1": moved, "recall_at_5": moved},
        "labels": [],
    }
    recent = {"documents": 9, "flipped": 3, "flips": [], "buckets": {"before": {}, "after": {}}}
    job.report = {"gold": gold, "recent": recent, "again": 7, "seconds": 1.2}
    job.status, job.finished_at = "done", NOON
    job.save()
    told = page("draft/impact/").text
    assert "+25.0 <span" in told
    assert "hx-trigger" not in told
    assert "changed since this was measured" not in told


def test_reviewers_change_nothing(client, project, reviewer, labels):
    client.force_login(reviewer)
    pk = labels["lost"].pk
    for path in (f"{pk}/edit/", f"{pk}/merge/", "new/", "draft/", "draft/impact/"):
        assert client.get(f"/p/{project.slug}/taxonomy/{path}").status_code == 404
    for path in ("draft/change/", f"{pk}/restore/", "versions/1/take-back/", f"{pk}/split/"):
        assert client.post(f"/p/{project.slug}/taxonomy/{path}").status_code == 404
    text = client.get(f"/p/{project.slug}/taxonomy/").text
    assert "New label" not in text
    assert "Undo" not in text


class TestRemarks:
    def test_what_is_doubtful_is_told_while_one_types(self, send, labels):
        lost, stolen = labels["lost"], labels["stolen"]
        answer = send(
            f"remarks/?of={lost.pk}", name="card  STOLEN", description="Somebody took it."
        )

        assert "reads nearly like “Card stolen”" in answer.text
        assert f"/taxonomy/{stolen.pk}/" in answer.text
        assert "target=" in answer.text  # what was typed stays

    def test_a_label_overlapping_in_the_form_may_read_alike(self, send, labels):
        given = {"name": "Card stolen", "description": "Somebody took it.", "overlap": ["stolen"]}

        assert "<li>" not in send(f"remarks/?of={labels['lost'].pk}", **given).text

    def test_an_exclusion_that_contradicts_and_a_missing_description_are_told(
        self, send, labels, project
    ):
        publishing.publish_acts(
            project, [Edit("stolen", {"exclusions": (("Theft", "lost"),)})], actor=None, now=NOON
        )
        given = {"name": "<b>Lost", "situation": [" theft", ""], "use": ["stolen", ""]}
        text = send(f"remarks/?of={labels['lost'].pk}", **given).text

        assert "“&lt;b&gt;Lost” and “Card stolen” send “theft” to each other" in text
        assert "has no description" in text

    def test_a_new_label_is_told_of_what_the_draft_has(self, send, labels):
        send("new/", name="Card found", description="It turned up.")
        text = send("remarks/", name="Card found", description="It turned up again.").text

        assert "reads nearly like “Card found”" in text
        assert "<a " not in text  # it has no page yet

    def test_nothing_is_said_twice_and_nothing_of_nothing(self, send, labels):
        first = send("remarks/", name="Card found")
        again = send("remarks/", name="Card found", told=first.context["told"])
        assert (first.status_code, again.status_code) == (200, 204)
        assert "<li>" not in send("remarks/").text

    def test_forms_that_are_shown_say_it_too(self, send, page, labels):
        assert "<li>" not in page(f"{labels['lost'].pk}/edit/").text
        answer = send(
            f"{labels['lost'].pk}/edit/", name="Card stolen", description="Somebody", do="add"
        )
        assert "reads nearly like “Card stolen”" in answer.text
        assert "has no description" in send("new/", name="New", parent="x" * 300).text

    def test_labels_of_others_are_not_found(self, client, labels, outsider):
        elsewhere = MembershipFactory(project__slug="elsewhere", user=outsider, role="owner")
        client.force_login(outsider)

        for path in (f"remarks/?of={labels['lost'].pk}", "remarks/?of=x"):
            answer = client.post(f"/p/{elsewhere.project.slug}/taxonomy/{path}", {"name": "A"})
            assert answer.status_code == 404

    def test_it_costs_the_same_for_thirty_labels(
        self, send, project, labels, django_assert_num_queries
    ):
        twins = [TaxonomyEntry(f"t{n}", "Card lost", description="Gone.") for n in range(30)]
        publishing.publish(project, twins, actor=None, now=NOON)
        with django_assert_num_queries(10):
            text = send(f"remarks/?of={labels['lost'].pk}", name="Card lost").text
        assert text.count("reads nearly like") > 20
