"""Several people judge a document without seeing each other; an owner rules where they differ."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from labeling import (
    adjudication,
    annotations,
    comments,
    escalations,
    queue_counts,
    queue_filling,
    queues,
)
from labeling.models import Annotation, GoldLabel, ReviewTask
from tests.factories import MembershipFactory, OverlapFactory, PredictionFactory
from tests.labeling.desk import HTMX, decision, multi, url

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def shared(waiting):
    """A task that two people are to judge."""
    return waiting(wanted=2)


@pytest.fixture
def say(project):
    """Have somebody take the next task and give it labels; None where there is none for them."""

    def say(person, *labels, now=NOON):
        task = queues.lease_next(project, person, now=now)
        if task is None:
            return None
        return annotations.annotate(task, reviewer=person, labels=labels, key=uuid4(), now=now)

    return say


def gold():
    return list(GoldLabel.objects.gold().values_list("label__name", flat=True))


class TestJudging:
    def test_after_the_first_answer_the_task_waits_for_somebody_else(
        self, shared, say, project, reviewer, other_reviewer, labels
    ):
        say(reviewer, labels[0])

        assert gold() == []
        assert say(reviewer, labels[0]) is None
        assert queues.lease_next(project, other_reviewer, now=NOON) == shared

    def test_the_second_sees_nothing_of_the_first(
        self, client, shared, say, reviewer, other_reviewer, labels
    ):
        say(reviewer, labels[3], now=timezone.now())
        client.force_login(other_reviewer)
        card = client.post(url("review-next"), follow=True)

        assert reviewer.username not in card.text
        assert "Answers" not in card.text
        client.post(url("skip", shared.pk))
        assert "Stolen card" not in client.get(url("task", shared.pk), headers=HTMX).text

    def test_nor_reads_the_first_in_a_comment_in_the_history_or_among_definitions(
        self, client, shared, say, project, reviewer, other_reviewer, owner, labels
    ):
        say(reviewer, labels[3], now=timezone.now())
        comments.write(shared.document, reviewer, "I say STOLEN", now=NOON)
        client.force_login(other_reviewer)
        assert client.get(url("definitions", shared.pk)).status_code == 404
        card = client.post(url("review-next"), follow=True)
        client.force_login(owner)
        document = client.get(url("document", shared.document_id))

        assert "STOLEN" not in card.text
        assert labels[3].key not in client.get(url("history")).text
        assert "Stolen card" not in document.text.partition("Decisions")[2]

    def test_all_are_shown_the_prediction_that_the_first_was_shown(
        self, shared, say, project, reviewer, other_reviewer, labels
    ):
        say(reviewer, labels[0])
        shared.document.predictions.update(is_current=False)
        PredictionFactory(document=shared.document)
        task = queues.lease_next(project, other_reviewer, now=NOON)

        assert task.prediction_id == shared.prediction_id

    def test_one_that_was_escalated_goes_on_once_the_owner_judged(
        self, shared, say, project, reviewer, owner, labels
    ):
        task = queues.lease_next(project, reviewer, now=NOON)
        escalations.escalate(task, "Hm?", reviewer=reviewer, now=NOON)
        task = queues.lease(task, owner, now=NOON)
        annotations.annotate(task, reviewer=owner, labels=labels[:1], key=uuid4(), now=NOON)

        assert say(reviewer, labels[0]).task == shared
        assert gold() == ["Card arrival"]

    def test_an_owner_who_judged_is_not_offered_it_again_after_looking_at_the_dispute(
        self, shared, say, project, reviewer, owner, labels
    ):
        say(owner, labels[0])
        say(reviewer, labels[1])
        queues.lease(shared, owner, now=NOON)
        queues.release(shared, reviewer=owner, now=NOON)

        assert shared.skips.filter(reviewer=owner, is_judged=True).exists()

    def test_what_is_settled_leaves_no_rows_behind(
        self, shared, say, reviewer, other_reviewer, labels
    ):
        say(reviewer, labels[0])
        say(other_reviewer, labels[0])

        assert not shared.skips.exists()

    def test_where_all_agree_it_becomes_gold(self, shared, say, reviewer, other_reviewer, labels):
        say(reviewer, labels[0])
        say(other_reviewer, labels[0])
        shared.refresh_from_db()

        assert gold() == ["Card arrival"]
        assert shared.status == ReviewTask.Status.DONE

    def test_where_they_differ_nobody_but_an_owner_gets_it(
        self, shared, say, project, reviewer, other_reviewer, owner, labels
    ):
        say(reviewer, labels[0])
        say(other_reviewer, labels[1])
        third = MembershipFactory(project=project).user

        assert gold() == []
        assert adjudication.waiting(project).get() == shared
        assert queues.lease_next(project, third, now=NOON) is None
        with pytest.raises(queues.LeaseLost):
            queues.lease(shared, third, now=NOON)
        assert queues.lease(shared, owner, now=NOON) == shared

    def test_nothing_fits_is_an_answer_like_others(
        self, shared, say, project, reviewer, other_reviewer, labels
    ):
        say(reviewer)
        say(other_reviewer, labels[1])

        assert adjudication.waiting(project).exists()

    def test_with_several_labels_the_sets_are_compared(
        self, shared, say, project, reviewer, other_reviewer, labels
    ):
        multi(project)
        say(reviewer, labels[1], labels[0])
        say(other_reviewer, labels[0], labels[1])

        assert sorted(gold()) == ["Card arrival", "Card delivery"]

    def test_three_may_be_wanted(self, waiting, say, project, reviewer, other_reviewer, labels):
        task = waiting(wanted=3)
        third = MembershipFactory(project=project).user
        for person in (reviewer, other_reviewer):
            say(person, labels[0])
        assert gold() == []
        say(third, labels[0])
        task.refresh_from_db()

        assert gold() == ["Card arrival"]
        assert task.status == ReviewTask.Status.DONE

    def test_sent_twice_it_is_one_answer(self, shared, project, reviewer, labels):
        task, key = queues.lease_next(project, reviewer, now=NOON), uuid4()
        for _ in range(2):
            annotations.annotate(task, reviewer=reviewer, labels=labels[:1], key=key, now=NOON)

        assert Annotation.objects.count() == 1
        assert gold() == []

    def test_what_one_put_aside_comes_back_and_what_one_judged_does_not(
        self, shared, say, project, reviewer, labels
    ):
        say(reviewer, labels[0])
        queues.restore_skipped(project, reviewer, now=NOON)

        assert queues.lease_next(project, reviewer, now=NOON) is None

    def test_the_empty_desk_says_that_others_are_still_to_judge(
        self, client, shared, say, reviewer, labels
    ):
        say(reviewer, labels[0], now=timezone.now())
        client.force_login(reviewer)
        page = client.get(url("review"))

        assert "You judged all that is left" in page.text

    def test_counts_tell_judged_from_with_owners(
        self, waiting, say, project, reviewer, other_reviewer, labels
    ):
        waiting(wanted=2, value=0.9)
        say(reviewer, labels[0])
        mine, *_ = queue_counts.of(project, reviewer, NOON)
        theirs, *_ = queue_counts.of(project, other_reviewer, NOON)
        say(other_reviewer, labels[1])
        after, *_ = queue_counts.of(project, reviewer, NOON)

        assert (mine.judged, mine.waiting, theirs.waiting) == (1, 0, 1)
        assert (after.judged, after.with_owners, after.waiting) == (0, 1, 0)


class TestSettling:
    def test_one_answer_becomes_gold_where_nobody_else_will_come(
        self, client, shared, say, owner, reviewer, labels
    ):
        say(reviewer, labels[0], now=timezone.now())
        client.force_login(owner)
        page = client.get(url("notes"))
        client.post(url("settle"))
        shared.refresh_from_db()

        assert "1 more was judged and waits for further people" in page.text
        assert gold() == ["Card arrival"]
        assert (shared.status, shared.wanted) == (ReviewTask.Status.DONE, 1)
        assert "further people" not in client.get(url("notes")).text

    def test_answers_that_differ_wait_for_a_ruling(
        self, waiting, say, project, owner, reviewer, other_reviewer, labels
    ):
        task = waiting(wanted=5)
        say(reviewer, labels[0])
        say(other_reviewer, labels[1])

        assert adjudication.settle(project, owner=owner, now=NOON) == 1
        assert adjudication.waiting(project).get() == task
        assert gold() == []

    def test_what_somebody_is_judging_is_left_to_them(
        self, shared, say, project, owner, reviewer, other_reviewer, labels
    ):
        say(reviewer, labels[0])
        queues.lease_next(project, other_reviewer, now=NOON)

        assert adjudication.settle(project, owner=owner, now=NOON) == 0
        assert adjudication.settle(project, owner=owner, now=NOON + timedelta(minutes=5)) == 1
        assert adjudication.settle(project, owner=owner, now=NOON + timedelta(minutes=5)) == 0

    def test_who_answered_may_take_back_what_was_settled(
        self, shared, say, project, owner, reviewer, labels
    ):
        annotation = say(reviewer, labels[0])
        adjudication.settle(project, owner=owner, now=NOON)
        annotations.undo(annotation, reviewer=reviewer, now=NOON)

        assert gold() == []
        assert say(reviewer, labels[1]).task == shared
        assert gold() == ["Card delivery"]


class TestRuling:
    @pytest.fixture
    def disputed(self, shared, say, reviewer, other_reviewer, labels):
        say(reviewer, labels[2], now=timezone.now())
        say(other_reviewer, labels[1], now=timezone.now())
        shared.refresh_from_db()
        return shared

    def test_the_owner_sees_both_answers_before_all_others(
        self, client, owner, reviewer, other_reviewer, disputed
    ):
        client.force_login(owner)
        page = client.get(url("notes"))
        card = client.post(url("review-next"), {"task": disputed.pk}, follow=True)
        tie = card.text.partition('class="tie"')[2].partition('class="others')[0]

        assert "2 people differ" in page.text
        assert f"<strong>{reviewer}</strong> said <bdi>Lost card</bdi>" in card.text
        assert f"<strong>{other_reviewer}</strong> said <bdi>Card delivery</bdi>" in card.text
        assert "Lost card" in tie
        assert "Card delivery" in tie
        assert "Card arrival" not in tie

    def test_a_ruling_is_gold_and_rules_the_others_out(self, client, owner, disputed, labels):
        client.force_login(owner)
        client.post(url("review-next"), {"task": disputed.pk})
        client.post(url("annotate", disputed.pk), decision(labels[2]))
        disputed.refresh_from_db()

        assert gold() == ["Lost card"]
        assert list(GoldLabel.objects.ruled_out().values_list("label", flat=True)) == [labels[1].pk]
        assert disputed.status == ReviewTask.Status.DONE
        assert Annotation.objects.get(reviewer=owner).kind == Annotation.Kind.RULING

    def test_what_overlaps_with_the_ruling_is_not_ruled_out(self, client, owner, disputed, labels):
        OverlapFactory(first=labels[1], second=labels[2])
        client.force_login(owner)
        client.post(url("review-next"), {"task": disputed.pk})
        client.post(url("annotate", disputed.pk), decision(labels[2]))

        assert not GoldLabel.objects.ruled_out().exists()

    def test_an_owner_who_judged_may_rule_too(self, shared, say, project, owner, reviewer, labels):
        say(owner, labels[0])
        say(reviewer, labels[1])
        task = queues.lease(shared, owner, now=NOON)
        annotations.annotate(task, reviewer=owner, labels=labels[1:2], key=uuid4(), now=NOON)

        assert gold() == ["Card delivery"]

    def test_a_ruling_undone_is_to_be_made_again(self, client, owner, project, disputed, labels):
        client.force_login(owner)
        client.post(url("review-next"), {"task": disputed.pk})
        client.post(url("annotate", disputed.pk), decision(labels[2]))
        ruling = Annotation.objects.get(reviewer=owner)
        back = client.post(url("undo"), {"annotation": ruling.pk}, follow=True)

        assert gold() == []
        assert adjudication.waiting(project).get() == disputed
        assert "2 people judged this, and they differ" in back.text


class TestUndo:
    def test_an_answer_may_be_taken_back_while_others_are_still_to_judge(
        self, shared, say, project, reviewer, other_reviewer, labels
    ):
        annotation = say(reviewer, labels[0])
        task = annotations.undo(annotation, reviewer=reviewer, now=NOON)

        assert task.is_leased_to(reviewer, at=NOON)
        assert say(reviewer, labels[1]).task == shared
        assert say(other_reviewer, labels[1]).task == shared
        assert gold() == ["Card delivery"]

    def test_one_that_somebody_else_is_judging_is_not_taken_from_them(
        self, shared, say, project, reviewer, other_reviewer, labels
    ):
        annotation = say(reviewer, labels[0])
        queues.lease_next(project, other_reviewer, now=NOON)
        with pytest.raises(annotations.UndoRefused, match="at this moment"):
            annotations.undo(annotation, reviewer=reviewer, now=NOON)

    def test_once_people_differ_nobody_changes_their_answer(
        self, shared, say, project, reviewer, other_reviewer, labels
    ):
        say(reviewer, labels[0])
        annotation = say(other_reviewer, labels[1])
        with pytest.raises(annotations.UndoRefused, match="an owner rules"):
            annotations.undo(annotation, reviewer=other_reviewer, now=NOON)

        assert adjudication.waiting(project).get() == shared

    def test_one_that_was_escalated_since_waits_for_the_answer(
        self, shared, say, project, reviewer, other_reviewer, labels
    ):
        annotation = say(reviewer, labels[0])
        task = queues.lease_next(project, other_reviewer, now=NOON)
        escalations.escalate(task, "Hm?", reviewer=other_reviewer, now=NOON)
        with pytest.raises(annotations.UndoRefused, match="an owner's answer"):
            annotations.undo(annotation, reviewer=reviewer, now=NOON)

    def test_the_last_of_those_who_agreed_may_take_back(
        self, shared, say, project, reviewer, other_reviewer, labels
    ):
        first = say(reviewer, labels[0])
        last = say(other_reviewer, labels[0], now=NOON + timedelta(seconds=1))
        with pytest.raises(annotations.UndoRefused):
            annotations.undo(first, reviewer=reviewer, now=NOON)
        annotations.undo(last, reviewer=other_reviewer, now=NOON)

        assert gold() == []
        assert say(reviewer, labels[0]) is None
        assert say(other_reviewer, labels[0]).task == shared


def test_a_new_model_leaves_a_task_that_somebody_judged(shared, say, project, reviewer, labels):
    say(reviewer, labels[0])
    shared.document.predictions.update(is_current=False)
    sure = PredictionFactory(document=shared.document, bucket="auto", margin=0.9)
    queue_filling.enqueue([sure], now=NOON)
    shared.refresh_from_db()

    assert (shared.status, shared.judged) == (ReviewTask.Status.OPEN, 1)
    assert shared.prediction_id != sure.pk
