import json
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from labeling import queues
from labeling.models import (
    Annotation,
    GoldLabel,
    Job,
    Prediction,
    Project,
    ReviewQueue,
    ReviewTask,
)
from tests.factories import (
    DocumentFactory,
    ExclusionFactory,
    GoldLabelFactory,
    JobFactory,
    LabelFactory,
    MembershipFactory,
    PredictionFactory,
    ProjectFactory,
    ReviewTaskFactory,
    TaxonomyVersionFactory,
)

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def client(client, reviewer):
    client.force_login(reviewer)
    return client


@pytest.fixture
def labels(project):
    group = LabelFactory(name="Cards", is_assignable=False)
    return [
        LabelFactory(name=name, parent=group, description=f"All about {name.lower()}.")
        for name in ("Card arrival", "Card delivery", "Lost card", "Stolen card")
    ]


@pytest.fixture
def waiting(project, labels):
    """Make a task whose prediction ranks the four labels: 46, 41, 8 and 5 %."""

    def waiting(**fields):
        shares = (0.46, 0.41, 0.08, 0.05)
        document = DocumentFactory(
            **{name.partition("__")[2]: fields.pop(name) for name in list(fields) if "__" in name}
        )
        prediction = PredictionFactory(
            document=document,
            first=labels[0],
            second=labels[1],
            bucket=fields.pop("bucket", Prediction.Bucket.REVIEW),
            label_ids=fields.pop("label_ids", [labels[0].pk]),
            candidates=[
                [label.pk, 0.5, 1.0, share] for label, share in zip(labels, shares, strict=True)
            ],
        )
        queue = queues.ensure(document.project)[fields.pop("reason", ReviewQueue.Reason.AMBIGUOUS)]
        return ReviewTaskFactory(document=document, prediction=prediction, queue=queue, **fields)

    return waiting


@pytest.fixture
def held(waiting, reviewer):
    """Make a task that the reviewer holds."""

    def held(**fields):
        return queues.lease(waiting(**fields), reviewer, now=timezone.now())

    return held


def url(name, *args, project="support"):
    return reverse(f"labeling:{name}", args=[project, *args])


def decision(*labels, **fields):
    return {"label": [label.pk for label in labels], "key": uuid4(), **fields}


def multi(project):
    Project.objects.filter(pk=project.pk).update(kind=Project.Kind.MULTI)


# --- taking a task


def test_taking_the_next_task_leads_to_its_page(client, waiting):
    task = waiting(document__text="Where is my card?")

    page = client.post(url("review-next"), follow=True)

    assert page.redirect_chain == [(url("task", task.pk), 302)]
    assert "Where is my card?" in page.text


def test_htmx_gets_the_card_without_the_page_and_the_new_address(client, waiting):
    task = waiting()
    card = client.post(url("review-next"), headers=HTMX)

    assert '<article class="desk" id="task"' in card.text
    assert "<main" not in card.text
    assert card["HX-Push-Url"] == url("task", task.pk)


def test_a_picked_queue_stays_picked(client, waiting, labels):
    waiting(value=0.9)
    audits = [waiting(reason=ReviewQueue.Reason.AUDIT, value=0.1) for _ in range(2)]

    first = client.post(url("review-next"), {"queue": "audit"})
    second = client.post(
        url("annotate", audits[0].pk), decision(labels[0], queue="audit"), follow=True
    )

    assert first.url == url("task", audits[0].pk) + "?queue=audit"
    assert second.redirect_chain == [(url("task", audits[1].pk) + "?queue=audit", 302)]
    assert '<input type="hidden" name="queue" value="audit">' in second.text


def test_unknown_queue_means_all_queues(client, waiting):
    task = waiting()
    answer = client.post(url("review-next"), {"queue": "no-such-queue"})

    assert answer.url == url("task", task.pk)


def test_a_given_task_can_be_taken_again(client, waiting):
    waiting(value=0.9)
    wanted = waiting(value=0.1)

    assert client.post(url("review-next"), {"task": wanted.pk}).url == url("task", wanted.pk)


def test_a_task_somebody_holds_cannot_be_taken(client, waiting, other_reviewer):
    task = waiting()
    queues.lease(task, other_reviewer, now=timezone.now())
    answer = client.post(url("review-next"), {"task": task.pk})

    assert answer.status_code == 409
    assert "Another reviewer has this now" in answer.text


def test_leasing_needs_a_post(client):
    assert client.get(url("review-next")).status_code == 405


# --- the card


def test_close_call_says_so_in_words(client, held):
    page = client.get(url("task", held().pk))

    expected = "Close call between Card arrival and Card delivery: 46\xa0% and 41\xa0%"
    assert expected in page.text


def test_nothing_fits_says_how_near_the_best_came(client, held):
    task = held(bucket=Prediction.Bucket.NONE_FITS, reason=ReviewQueue.Reason.NONE_FITS)

    assert "Nothing fits (best 46\xa0%)" in client.get(url("task", task.pk)).text


def test_audit_says_at_what_probability_it_was_accepted(client, held):
    task = held(bucket=Prediction.Bucket.AUTO, reason=ReviewQueue.Reason.AUDIT)

    assert "Audit sample: accepted at 46\xa0%" in client.get(url("task", task.pk)).text


def test_candidates_stand_in_the_models_order(client, held):
    page = client.get(url("task", held().pk)).text
    places = [page.index(f'choice__name" dir="auto">{name}') for name in (
        "Card arrival", "Card delivery", "Lost card", "Stolen card",
    )]  # fmt: skip

    assert places == sorted(places)


def test_first_two_labels_show_description_exclusions_and_gold(client, held, labels):
    ExclusionFactory(label=labels[0], situation="a card that never came", use=labels[2])
    GoldLabelFactory(
        label=labels[1], document__subject="Post", document__text="It came by post today."
    )
    page = client.get(url("task", held().pk)).text

    assert "All about card arrival." in page
    assert "a card that never came; use <strong>Lost card</strong>" in page
    assert "It came by post today." in page


def test_gold_of_the_document_itself_is_no_example(client, held, labels):
    task = held(document__text="My own words.")
    GoldLabelFactory(label=labels[0], document=task.document)

    assert client.get(url("task", task.pk)).text.count("My own words.") == 1


def test_metadata_is_shown(client, held):
    task = held(document__metadata={"from": "jo@example.org", "thread": [1, 2], "empty": ""})
    page = client.get(url("task", task.pk)).text

    assert "jo@example.org" in page
    assert "[1, 2]" in page
    assert "empty" not in page


def test_quoted_parts_are_folded(client, held):
    task = held(document__text="Any news?\n\n> Dear Jo,\n> we will look.\n-- \nJo")
    page = client.get(url("task", task.pk)).text

    assert page.count('<details class="desk__folded">') == 2
    assert "&gt; we will look." in page


def test_hostile_texts_stay_text(client, held, labels):
    hostile = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    labels[0].name = labels[0].description = hostile
    labels[0].save()
    ExclusionFactory(label=labels[0], situation=hostile)
    task = held(
        document__subject=hostile, document__text=hostile, document__metadata={hostile: hostile}
    )
    GoldLabelFactory(label=labels[0], document__text=hostile, document__subject=hostile)
    page = client.get(url("task", task.pk)).text

    assert "<script>alert" not in page
    assert "<img" not in page
    assert page.count("&lt;script&gt;alert(1)") >= 8


def test_a_huge_text_is_cut_and_says_so(client, held):
    task = held(document__text="x" * 2_000_000)
    page = client.get(url("task", task.pk)).text

    assert len(page) < 200_000
    assert "of 2\u202f000\u202f000 characters" in page


def test_a_document_without_text_says_so(client, held):
    task = held(document__text="", document__subject="")
    page = client.get(url("task", task.pk)).text

    assert "This document has no text." in page
    assert "No subject" in page


def test_retired_candidate_is_not_offered(client, held, labels):
    labels[1].retired_at = timezone.now()
    labels[1].save()
    page = client.get(url("task", held().pk)).text

    assert "Card delivery" not in page
    assert "Lost card" in page


def test_document_without_a_prediction_can_still_be_decided(client, held, reviewer, labels):
    task = queues.lease(ReviewTaskFactory(prediction=None), reviewer, now=timezone.now())
    page = client.get(url("task", task.pk)).text

    assert "Not predicted yet" in page
    assert 'name="none"' in page


def test_labels_can_be_looked_up_without_javascript(client, held):
    other = LabelFactory(name="Refund not shown", description="Money that did not come back.")
    page = client.get(url("task", held().pk), {"q": "refund"}).text

    assert f'name="label" value="{other.pk}"' in page


def test_looking_up_what_is_not_there_says_so(client, held):
    page = client.get(url("task", held().pk), {"q": "zzz<b>"}).text

    assert "No further label has “zzz&lt;b&gt;”" in page


# --- deciding


def test_deciding_saves_and_leads_to_the_next_task(client, held, waiting, labels):
    first, second = held(value=0.9), waiting(value=0.1)

    answer = client.post(url("annotate", first.pk), decision(labels[1]))

    assert answer.url == url("task", second.pk)
    assert GoldLabel.objects.get().label == labels[1]


def test_next_card_tells_what_was_saved_and_offers_undo(client, held, waiting, labels):
    first = held(value=0.9)
    waiting(value=0.1)
    card = client.post(url("annotate", first.pk), decision(labels[1]), headers=HTMX)

    assert "Saved: <strong><bdi>Card delivery</bdi></strong>" in card.text
    assert f'name="annotation" value="{Annotation.objects.get().pk}"' in card.text
    assert 'id="review-status" role="status" hx-swap-oob="innerHTML"' in card.text


def test_nothing_fits_can_be_decided(client, held):
    task = held()
    page = client.post(url("annotate", task.pk), {"none": "1", "key": uuid4()}, follow=True)

    assert Annotation.objects.get().kind == Annotation.Kind.NONE_FITS
    assert "<strong>nothing fits</strong>" in page.text


def test_double_click_is_one_decision_and_both_lead_on(client, held, waiting, labels):
    task, following = held(value=0.9), waiting(value=0.1)
    form = decision(labels[1])

    first, second = (client.post(url("annotate", task.pk), form) for _ in range(2))

    assert first.url == second.url == url("task", following.pk)
    assert Annotation.objects.count() == 1


def test_a_second_tab_that_says_otherwise_is_a_conflict_that_shows_what_stands(
    client, held, labels
):
    task = held()
    client.post(url("annotate", task.pk), decision(labels[1]))
    answer = client.post(url("annotate", task.pk), decision(labels[2]))

    assert answer.status_code == 409
    assert "You decided this already" in answer.text
    assert "<bdi>Card delivery</bdi>" in answer.text
    assert "Undo this decision" in answer.text
    assert "Next task" in answer.text


def test_what_somebody_else_decided_meanwhile_is_shown(client, waiting, other_reviewer, labels):
    task = queues.lease(waiting(), other_reviewer, now=timezone.now())
    client.force_login(other_reviewer)
    client.post(url("annotate", task.pk), decision(labels[2]))
    client.force_login(MembershipFactory(project=task.project).user)
    answer = client.post(url("annotate", task.pk), decision(labels[1]), headers=HTMX)

    assert answer.status_code == 409
    assert "Somebody else decided this meanwhile" in answer.text
    assert "<bdi>Lost card</bdi>" in answer.text
    assert "<main" not in answer.text


def test_a_lease_that_ran_out_is_a_conflict_that_offers_the_task_again(client, held, labels):
    task = held()
    ReviewTask.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    answer = client.post(url("annotate", task.pk), decision(labels[1]))

    assert answer.status_code == 409
    assert "Take it again" in answer.text
    assert not Annotation.objects.exists()


def test_a_withdrawn_task_says_that_it_needs_no_decision(client, held, labels):
    task = held()
    ReviewTask.objects.update(status=ReviewTask.Status.WITHDRAWN, leased_by=None, leased_until=None)
    answer = client.post(url("annotate", task.pk), decision(labels[1]))

    assert answer.status_code == 409
    assert "needs no decision any more" in answer.text


def test_page_of_a_task_one_does_not_hold_is_a_conflict(client, waiting):
    assert client.get(url("task", waiting().pk)).status_code == 409


def test_forms_of_the_next_card_have_another_key(client, held):
    task = held()
    keys = {client.get(url("task", task.pk)).context["key"] for _ in range(2)}

    assert len(keys) == 2
    assert all(isinstance(key, UUID) for key in keys)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({}, "Choose a label"),
        ({"label": "no-number"}, "valid value"),
        ({"label": "987654"}, "not one of this project"),
        ({"label": ["1", "2"], "key": "no-uuid"}, "UUID"),
    ],
)
def test_a_bad_form_shows_the_card_again_with_what_is_wrong(client, held, form, words):
    answer = client.post(url("annotate", held().pk), {"key": uuid4(), **form})

    assert answer.status_code == 422
    assert words in answer.text
    assert 'id="decision"' in answer.text


def test_a_label_of_another_project_is_refused(client, held):
    foreign = LabelFactory(project=ProjectFactory(slug="other"))
    answer = client.post(url("annotate", held().pk), decision(foreign))

    assert answer.status_code == 422
    assert not Annotation.objects.exists()


def test_a_label_that_only_groups_is_refused_in_words(client, held, labels):
    answer = client.post(url("annotate", held().pk), decision(labels[0].parent))

    assert answer.status_code == 422
    assert "only groups other labels" in answer.text


def test_two_labels_are_refused_in_a_single_label_project(client, held, labels):
    answer = client.post(url("annotate", held().pk), decision(*labels[:2]))

    assert answer.status_code == 422
    assert "exactly one label" in answer.text


# --- several labels


def test_multi_label_card_ticks_what_was_predicted(client, project, held, labels):
    multi(project)
    page = client.get(url("task", held(label_ids=[labels[2].pk]).pk)).text

    assert f'name="label" value="{labels[2].pk}" checked' in page
    assert f'name="label" value="{labels[0].pk}" checked' not in page
    assert "Unsure about" in page


def test_multi_label_decision_stores_every_ticked_label(client, project, held, labels):
    multi(project)
    client.post(url("annotate", held().pk), decision(labels[0], labels[3]))

    assert set(Annotation.objects.get().labels.all()) == {labels[0], labels[3]}


def test_multi_label_form_sent_with_nothing_ticked_asks_again_and_keeps_it_so(
    client, project, held, labels
):
    multi(project)
    answer = client.post(url("annotate", held().pk), {"key": uuid4()})

    assert answer.status_code == 422
    assert " checked" not in answer.text


# --- skip, undo, heartbeat


def test_skipping_leads_to_the_next_task(client, held, waiting):
    first, second = held(value=0.9), waiting(value=0.1)

    assert client.post(url("skip", first.pk)).url == url("task", second.pk)


def test_what_one_skipped_can_be_brought_back(client, held):
    task = held()
    empty = client.post(url("skip", task.pk), follow=True)

    assert "Only what you skipped is left" in empty.text
    assert client.post(url("restore-skipped")).url == url("task", task.pk)


def test_undo_leads_back_to_the_task_and_takes_the_gold_away(client, held, waiting, labels):
    task = held(value=0.9)
    waiting(value=0.1)
    client.post(url("annotate", task.pk), decision(labels[1]))
    answer = client.post(url("undo"), {"annotation": Annotation.objects.get().pk})

    assert answer.url == url("task", task.pk)
    assert not GoldLabel.objects.exists()


def test_undo_is_offered_after_a_reload(client, held, waiting, labels):
    task = held(value=0.9)
    following = waiting(value=0.1)
    client.post(url("annotate", task.pk), decision(labels[1]))

    assert "Undo (u)" in client.get(url("task", following.pk)).text
    assert "Undo (u)" in client.get(url("review")).text


def test_undo_pressed_twice_is_one_undo(client, held, labels):
    task = held()
    client.post(url("annotate", task.pk), decision(labels[1]))
    form = {"annotation": Annotation.objects.get().pk}

    answers = [client.post(url("undo"), form, headers=HTMX) for _ in range(2)]

    assert [answer["HX-Push-Url"] for answer in answers] == 2 * [url("task", task.pk)]
    assert "Undone. Choose again." in answers[0].text


def test_somebody_elses_decision_is_not_undone(client, held, labels, other_reviewer):
    task = held()
    client.post(url("annotate", task.pk), decision(labels[1]))
    client.force_login(other_reviewer)
    answer = client.post(url("undo"), {"annotation": Annotation.objects.get().pk})

    assert answer.status_code == 409
    assert "Only the person who decided" in answer.text
    assert GoldLabel.objects.count() == 1


@pytest.mark.parametrize("form", [{}, {"annotation": "987654"}, {"annotation": "x"}])
def test_undoing_nothing_says_so(client, project, form):
    answer = client.post(url("undo"), form)

    assert answer.status_code == 409
    assert "no such decision" in answer.text


def test_heartbeat_prolongs_the_lease(client, held):
    task = held()
    soon = timezone.now() + timedelta(seconds=10)
    ReviewTask.objects.update(leased_until=soon)

    assert client.post(url("heartbeat", task.pk)).status_code == 204
    task.refresh_from_db()
    assert task.leased_until > soon


def test_heartbeat_of_a_lost_task_is_a_conflict(client, waiting, other_reviewer):
    task = queues.lease(waiting(), other_reviewer, now=timezone.now())

    assert client.post(url("heartbeat", task.pk)).status_code == 409


# --- who may


@pytest.mark.parametrize("name", ["task", "annotate", "skip", "heartbeat"])
def test_a_task_of_another_project_does_not_exist_here(client, name, reviewer):
    foreign = ReviewTaskFactory(document__project=ProjectFactory(slug="other"))
    ask = client.get if name == "task" else client.post

    assert ask(url(name, foreign.pk)).status_code == 404


# --- the desk and empty queues


def test_desk_shows_what_waits_and_how_the_day_goes(client, held, waiting, labels):
    task = held()
    waiting(reason=ReviewQueue.Reason.AUDIT)
    client.post(url("annotate", task.pk), decision(labels[0]))
    page = client.get(url("review")).text

    assert "<strong>1</strong> today" in page
    assert 'Audit sample <span class="num">1</span>' in page


def test_project_without_documents_says_so(client, project):
    assert "No documents yet" in client.get(url("review")).text


def test_only_those_who_may_import_are_led_there(client, project, owner):
    assert reverse("labeling:documents", args=["support"]) not in client.get(url("review")).text
    client.force_login(owner)
    assert reverse("labeling:documents", args=["support"]) in client.get(url("review")).text


def test_running_predictions_are_told(client, project):
    DocumentFactory()
    JobFactory(kind=Job.Kind.PREDICT, status=Job.Status.RUNNING)

    assert "Predictions are running" in client.get(url("review")).text


def test_missing_predictions_are_told(client, project):
    DocumentFactory()

    assert "Nothing is predicted yet" in client.get(url("review")).text


def test_empty_queue_beside_a_full_one_offers_all_queues(client, waiting):
    waiting()
    page = client.get(url("review"), {"queue": "audit"}).text

    assert "Audit sample: all done" in page
    assert "Take from all queues" in page


def test_tasks_all_held_by_others_are_told(client, waiting, other_reviewer):
    queues.lease(waiting(), other_reviewer, now=timezone.now())

    assert "Others hold what is left" in client.get(url("review")).text


def test_everything_decided_is_told(client, held, labels):
    page = client.post(url("annotate", held().pk), decision(labels[0]), follow=True)

    assert "Everything is decided" in page.text


def test_htmx_gets_the_empty_queue_in_place_of_the_card(client, held, labels):
    card = client.post(url("annotate", held().pk), decision(labels[0]), headers=HTMX)

    assert 'id="task"' in card.text
    assert "Everything is decided" in card.text
    assert card["HX-Push-Url"] == url("review")


# --- the taxonomy for the typeahead


def test_typeahead_gets_every_assignable_label_with_its_path(client, labels):
    LabelFactory(name="Gone", retired_at=timezone.now())
    rows = json.loads(client.get(url("review-labels")).text)

    assert [row[1:] for row in rows[:1]] == [["Card arrival", "Cards", "All about card arrival."]]
    assert {row[1] for row in rows} == {label.name for label in labels}


def test_typeahead_data_is_sent_once_per_taxonomy_version(client, project, labels):
    TaxonomyVersionFactory(number=1)
    first = client.get(url("review-labels"))
    again = client.get(url("review-labels"), headers={"If-None-Match": first["ETag"]})
    TaxonomyVersionFactory(number=2)
    newer = client.get(url("review-labels"), headers={"If-None-Match": first["ETag"]})

    assert (again.status_code, newer.status_code) == (304, 200)
    assert "private" in first["Cache-Control"]


def test_a_long_taxonomy_costs_two_queries_to_send(client, project, django_assert_num_queries):
    LabelFactory.create_batch(77)
    with django_assert_num_queries(5):  # session, person, project, version, labels
        client.get(url("review-labels"))


# --- what a page costs


@pytest.fixture
def long_queue(waiting, reviewer, labels):
    LabelFactory.create_batch(73, parent=labels[0].parent)
    tasks = [waiting(value=0.5) for _ in range(30)]
    for label in labels:
        ExclusionFactory.create_batch(3, label=label, use=LabelFactory())
        GoldLabelFactory.create_batch(3, label=label)
    return queues.lease(tasks[0], reviewer, now=timezone.now())


def test_task_page_costs_the_same_whatever_the_queue_and_the_taxonomy(
    client, long_queue, django_assert_num_queries
):
    with django_assert_num_queries(17):
        client.get(url("task", long_queue.pk))


def test_deciding_and_getting_the_next_card_costs_the_same_too(
    client, long_queue, labels, django_assert_num_queries
):
    form = decision(labels[1])
    with django_assert_num_queries(35):
        client.post(url("annotate", long_queue.pk), form, headers=HTMX)


def test_desk_costs_the_same_whatever_the_queue(client, long_queue, django_assert_num_queries):
    with django_assert_num_queries(10):
        client.get(url("review"))
