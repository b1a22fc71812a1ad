"""Skipping, snoozing, escalating and commenting, as acts and at the desk."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from labeling import comments, escalations, queue_counts, queue_filling, queues
from labeling.models import AuditEntry, Comment, ReviewTask
from tests.factories import DocumentFactory, PredictionFactory, ProjectFactory, ReviewTaskFactory
from tests.labeling.desk import HTMX, decision, url

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
pytestmark = pytest.mark.django_db


@pytest.fixture
def task(project, reviewer):
    ReviewTaskFactory()
    return queues.lease_next(project, reviewer, now=NOON)


def acts():
    return list(AuditEntry.objects.order_by("pk").values_list("act", flat=True))


class TestSnooze:
    def test_a_snoozed_task_comes_back_when_its_time_is_over(self, project, reviewer, task):
        queues.skip(task, reviewer=reviewer, now=NOON, until=NOON + HOUR)

        assert queues.lease_next(project, reviewer, now=NOON + HOUR - timedelta(seconds=1)) is None
        assert queues.lease_next(project, reviewer, now=NOON + HOUR) == task

    def test_others_may_take_it_before(self, project, reviewer, other_reviewer, task):
        queues.skip(task, reviewer=reviewer, now=NOON, until=NOON + HOUR)

        assert queues.lease_next(project, other_reviewer, now=NOON) == task

    def test_a_later_skip_takes_the_place_of_a_snooze(self, project, reviewer, task):
        queues.skip(task, reviewer=reviewer, now=NOON, until=NOON + HOUR)
        queues.lease_next(project, reviewer, now=NOON + HOUR)
        queues.skip(task, reviewer=reviewer, now=NOON + HOUR)

        assert queues.lease_next(project, reviewer, now=NOON + 99 * HOUR) is None
        assert acts() == ["snoozed", "skipped"]

    def test_a_snooze_that_ended_is_not_counted_as_put_aside(self, project, reviewer, task):
        queues.skip(task, reviewer=reviewer, now=NOON, until=NOON + HOUR)

        (before,) = queue_counts.of(project, reviewer, NOON)
        (after,) = queue_counts.of(project, reviewer, NOON + HOUR)
        assert (before.skipped, before.waiting) == (1, 0)
        assert (after.skipped, after.waiting) == (0, 1)

    @pytest.mark.parametrize(
        ("until", "hours"), [("hour", (0.99, 1)), ("tomorrow", (0, 48)), ("week", (6 * 24, 8 * 24))]
    )
    def test_the_desk_puts_it_off(self, client, reviewer, held, until, hours):
        held()
        client.force_login(reviewer)
        answer = client.post(
            url("snooze", ReviewTask.objects.get().pk), {"until": until}, follow=True
        )
        ends = ReviewTask.objects.get().skips.get().until - timezone.now()

        assert "Snoozed until" in answer.text
        assert "Only what you put aside is left" in answer.text
        assert hours[0] * HOUR < ends <= hours[1] * HOUR

    def test_without_a_time_the_card_says_so(self, client, reviewer, held):
        task = held()
        client.force_login(reviewer)
        answer = client.post(url("snooze", task.pk), {"until": "never"})

        assert answer.status_code == 422
        assert "Choose until when" in answer.text


class TestEscalation:
    def test_reviewers_get_an_escalated_task_no_more(self, project, reviewer, other_reviewer, task):
        escalations.escalate(task, "Card or transfer?", reviewer=reviewer, now=NOON)

        assert queues.lease_next(project, reviewer, now=NOON) is None
        with pytest.raises(queues.LeaseLost):
            queues.lease(task, other_reviewer, now=NOON)

    def test_an_owner_opens_it_and_decides(self, client, owner, project, reviewer, held, labels):
        task = held()
        escalations.escalate(task, "Card or transfer?", reviewer=reviewer, now=timezone.now())
        client.force_login(owner)
        card = client.post(url("review-next"), {"task": task.pk}, follow=True)
        client.post(url("annotate", task.pk), decision(labels[0]))
        task.refresh_from_db()

        assert "Card or transfer?" in card.text
        assert "Hand back" in card.text
        assert task.status == ReviewTask.Status.DONE
        assert not escalations.waiting(project).exists()

    def test_an_answer_hands_it_back_to_its_queue(
        self, client, owner, project, reviewer, other_reviewer, held
    ):
        task = held()
        escalations.escalate(task, "Card or transfer?", reviewer=reviewer, now=timezone.now())
        client.force_login(owner)
        answer = client.post(url("answer", task.pk), {"note": "A transfer."}, follow=True)

        assert answer.redirect_chain == [(url("notes"), 302)]
        assert queues.lease_next(project, other_reviewer, now=timezone.now()) == task
        assert [each.text for each in comments.on(task.document)] == [
            "Card or transfer?",
            "A transfer.",
        ]

    def test_a_double_click_asks_once(self, reviewer, task):
        for _ in range(2):
            escalations.escalate(task, "Card or transfer?", reviewer=reviewer, now=NOON)

        assert Comment.objects.count() == 1
        assert acts() == ["commented", "escalated"]

    def test_who_does_not_hold_the_task_cannot_ask(self, other_reviewer, task):
        with pytest.raises(queues.LeaseLost):
            escalations.escalate(task, "Mine?", reviewer=other_reviewer, now=NOON)

        assert not Comment.objects.exists()

    def test_one_may_take_ones_own_question_back(self, client, project, reviewer, held):
        task = held()
        client.force_login(reviewer)
        said = client.post(url("escalate", task.pk), {"note": "Hm?"}, headers=HTMX)
        back = client.post(url("take-back", task.pk), headers=HTMX)

        assert "Take it back" in said.text
        assert back["HX-Push-Url"] == url("task", task.pk)
        assert not escalations.waiting(project).exists()

    def test_nobody_takes_back_the_question_of_another(
        self, client, project, reviewer, other_reviewer, held
    ):
        task = held()
        escalations.escalate(task, "Hm?", reviewer=reviewer, now=timezone.now())
        client.force_login(other_reviewer)

        assert client.post(url("take-back", task.pk)).status_code == 409
        assert escalations.waiting(project).get() == task

    def test_an_answer_to_what_another_owner_holds_is_refused(self, reviewer, owner, admin, task):
        escalations.escalate(task, "Hm?", reviewer=reviewer, now=NOON)
        queues.lease(task, admin, now=NOON)
        with pytest.raises(queues.LeaseLost):
            escalations.answer(task, "Yes.", owner=owner, now=NOON)

        assert Comment.objects.count() == 1

    def test_a_second_answer_is_kept_as_a_comment(self, reviewer, owner, admin, task):
        escalations.escalate(task, "Hm?", reviewer=reviewer, now=NOON)
        escalations.answer(task, "Yes.", owner=owner, now=NOON)
        escalations.answer(task, "No.", owner=admin, now=NOON)

        assert Comment.objects.count() == 3
        assert acts().count("answered") == 1

    def test_a_new_model_neither_moves_nor_withdraws_it(self, project, reviewer, task):
        escalations.escalate(task, "Hm?", reviewer=reviewer, now=NOON)
        task.document.predictions.update(is_current=False)
        sure = PredictionFactory(document=task.document, bucket="auto", margin=0.9)
        queue_filling.enqueue([sure], now=NOON)

        assert escalations.waiting(project).get() == task

    def test_an_empty_note_is_refused_and_a_long_one_is_not_lost(self, client, reviewer, held):
        task = held()
        client.force_login(reviewer)
        empty = client.post(url("escalate", task.pk), {"note": " \n"})
        long = client.post(url("escalate", task.pk), {"note": "so " * 2_000})

        assert (empty.status_code, long.status_code) == (422, 422)
        assert "Write a few words first." in empty.text
        assert "4000 fit" in long.text.replace(",", "")
        assert "so so so" in long.text

    def test_counts_leave_it_out_and_say_so(self, project, reviewer, task):
        ReviewTaskFactory()
        escalations.escalate(task, "Hm?", reviewer=reviewer, now=NOON)
        (count,) = queue_counts.of(project, reviewer, NOON)

        assert (count.open, count.with_owners, count.waiting) == (2, 1, 1)
        assert count.elsewhere == "1 with owners"


class TestComments:
    def test_a_comment_shows_on_the_card_and_on_the_page_of_its_document(
        self, client, reviewer, owner, held
    ):
        task = held()
        client.force_login(reviewer)
        card = client.post(
            url("comment", task.pk), {"note": "<b>Twice</b>\r\nthis week"}, headers=HTMX
        )
        client.force_login(owner)
        page = client.get(url("document", task.document_id))

        for shown in (card.text, page.text):
            assert "&lt;b&gt;Twice&lt;/b&gt;<br>this week" in shown
        assert task.leased_by == reviewer

    def test_owners_find_it_on_the_page_of_notes_and_jump_to_the_document(
        self, client, owner, project
    ):
        document = DocumentFactory(project=project)
        client.force_login(owner)
        client.post(url("comment-on-document", document.pk), {"note": "See the contract."})
        page = client.get(url("notes"))

        assert "See the contract." in page.text
        assert url("document", document.pk) in page.text

    def test_pages_of_notes_follow_each_other(self, client, owner, project):
        document = DocumentFactory(project=project)
        for number in range(comments.PAGE + 1):
            comments.write(document, owner, f"Note {number}.", now=NOON)
        client.force_login(owner)
        first = client.get(url("notes"))
        last = client.get(url("notes"), {"before": str(Comment.objects.all()[1].pk)})

        assert "Note 0." not in first.text
        assert "Older" in first.text
        assert "Note 0." in last.text
        assert client.get(url("notes"), {"before": "9" * 400}).status_code == 200

    def test_a_page_of_notes_costs_the_same_whatever_it_shows(
        self, client, owner, reviewer, project, django_assert_num_queries
    ):
        for number in range(30):
            task = ReviewTaskFactory()
            queues.lease(task, reviewer, now=NOON)
            escalations.escalate(task, f"Question {number}?", reviewer=reviewer, now=NOON)
        client.force_login(owner)
        with django_assert_num_queries(8):
            page = client.get(url("notes"))

        assert "Question 29?" in page.text

    def test_a_comment_on_a_task_of_another_project_is_not_found(self, client, reviewer):
        elsewhere = ReviewTaskFactory(document__project=ProjectFactory(slug="elsewhere"))
        client.force_login(reviewer)

        assert client.post(url("comment", elsewhere.pk), {"note": "Hi"}).status_code == 404
        assert not Comment.objects.exists()
