from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from labeling import queues
from labeling.models import (
    Annotation,
    GoldLabel,
    ReviewQueue,
    ReviewTask,
)
from tests.factories import (
    LabelFactory,
    MembershipFactory,
    ProjectFactory,
    ReviewTaskFactory,
)
from tests.labeling.desk import HTMX, decision, url

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(client, reviewer):
    client.force_login(reviewer)
    return client


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


# --- deciding


def test_deciding_saves_and_leads_to_the_next_task(client, held, waiting, labels):
    first, second = held(value=0.9), waiting(value=0.1)

    answer = client.post(url("annotate", first.pk), decision(labels[1]))

    assert answer.url == url("task", second.pk)
    assert GoldLabel.objects.gold().get().label == labels[1]


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


def test_a_task_that_was_given_back_is_a_conflict_that_offers_it_again(client, held, labels):
    task = held()
    ReviewTask.objects.update(leased_by=None, leased_until=None)
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


# --- skip, undo, heartbeat


def test_skipping_leads_to_the_next_task(client, held, waiting):
    first, second = held(value=0.9), waiting(value=0.1)

    assert client.post(url("skip", first.pk)).url == url("task", second.pk)


def test_what_one_skipped_can_be_brought_back(client, held):
    task = held()
    empty = client.post(url("skip", task.pk), follow=True)

    assert "Only what you put aside is left" in empty.text
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

    assert "Undo <kbd" in client.get(url("task", following.pk)).text
    assert "Undo <kbd" in client.get(url("review")).text


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
    assert GoldLabel.objects.gold().count() == 1


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
