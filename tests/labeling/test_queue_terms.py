"""Who takes from a queue, and how long its tasks may wait."""

from datetime import UTC, datetime, timedelta

import pytest

from labeling import memberships, queue_counts, queue_terms, queues
from labeling.models import AuditEntry, ReviewQueue
from tests.factories import MembershipFactory, ReviewQueueFactory, ReviewTaskFactory
from tests.labeling.desk import url

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
pytestmark = pytest.mark.django_db


@pytest.fixture
def queue(project):
    return ReviewQueueFactory(project=project, reason=ReviewQueue.Reason.AUDIT)


@pytest.fixture
def change(queue, admin):
    def change(*people, due_hours=None):
        queue_terms.change(queue, people=people, due_hours=due_hours, actor=admin, now=NOON)

    return change


def test_everybody_takes_from_a_queue_of_nobody(project, reviewer, queue):
    task = ReviewTaskFactory(queue=queue)

    assert queues.lease_next(project, reviewer, now=NOON) == task


def test_only_those_named_take_from_a_queue(project, reviewer, other_reviewer, queue, change):
    task = ReviewTaskFactory(queue=queue)
    change(other_reviewer)

    assert queues.lease_next(project, reviewer, now=NOON) is None
    assert queues.lease_next(project, reviewer, now=NOON, queue=queue) is None
    assert queues.lease_next(project, other_reviewer, now=NOON) == task


def test_nor_by_asking_for_a_task_by_name_but_owners_may(
    project, reviewer, other_reviewer, owner, queue, change
):
    task = ReviewTaskFactory(queue=queue)
    change(other_reviewer)
    with pytest.raises(queues.LeaseLost):
        queues.lease(task, reviewer, now=NOON)

    assert queues.lease(task, owner, now=NOON) == task


def test_who_leaves_the_project_leaves_its_queues(project, reviewer, admin, queue, change):
    ReviewTaskFactory(queue=queue)
    change(reviewer)
    gone = memberships.invite(project, "late@example.org", role="reviewer", actor=admin, now=NOON)
    memberships.remove(project.memberships.get(user=reviewer), actor=admin, now=NOON)

    assert not queue.people.exists()
    assert queues.lease_next(project, gone.user, now=NOON)


def test_who_is_left_out_is_told_so(client, project, reviewer, other_reviewer, queue, change):
    ReviewTaskFactory(queue=queue)
    change(other_reviewer)
    client.force_login(reviewer)

    assert "Others take what waits" in client.get(url("review")).text


def test_others_do_not_see_the_queue(project, reviewer, other_reviewer, queue, change):
    ReviewTaskFactory(queue=queue)
    change(other_reviewer)

    assert queue_counts.of(project, reviewer, NOON) == []
    assert [count.queue for count in queue_counts.of(project, other_reviewer, NOON)] == [queue]


def test_a_change_is_in_the_history_and_no_change_is_not(queue, change, reviewer):
    for _ in range(2):
        change(reviewer, due_hours=24)
    entry = AuditEntry.objects.get()

    assert entry.act == "changed queue"
    assert entry.detail["people"] == {"before": [], "after": [reviewer.username]}
    assert entry.detail["due_hours"] == {"before": None, "after": 24}


def test_age_is_that_of_the_oldest_open_task(queue):
    ReviewTaskFactory(queue=queue, created_at=NOON - 9 * HOUR, status="done")
    for hours in (3, 5, 1):
        ReviewTaskFactory(queue=queue, created_at=NOON - hours * HOUR)

    age = queue_terms.ages([queue], now=NOON)[queue.pk]
    assert (age.oldest, age.overdue) == (NOON - 5 * HOUR, 0)


def test_what_waits_longer_than_the_limit_is_overdue(queue, change):
    for hours in (3, 5, 1):
        ReviewTaskFactory(queue=queue, created_at=NOON - hours * HOUR)
    change(due_hours=2)

    assert queue_terms.ages([queue], now=NOON)[queue.pk].overdue == 2


def test_an_empty_queue_has_no_age(queue, change):
    change(due_hours=2)

    assert queue_terms.ages([queue], now=NOON)[queue.pk] == queue_terms.Age(None, 0)


class TestPage:
    def test_an_admin_names_people_and_a_limit(self, client, admin, reviewer, queue):
        client.force_login(admin)
        answer = client.post(
            url("change-queue", "audit"),
            {"audit-people": [reviewer.pk], "audit-due_hours": "48"},
            follow=True,
        )
        queue.refresh_from_db()

        assert "Audit sample: saved." in answer.text
        assert list(queue.people.all()) == [reviewer]
        assert queue.due_hours == 48

    def test_what_cannot_be_is_refused_and_stays_typed(self, client, admin, outsider, queue):
        client.force_login(admin)
        answer = client.post(
            url("change-queue", "audit"),
            {"audit-people": [outsider.pk], "audit-due_hours": "-3"},
        )
        queue.refresh_from_db()

        assert answer.status_code == 422
        assert 'value="-3"' in answer.text
        assert not queue.people.exists()

    def test_the_desk_tells_how_old_and_how_many_are_overdue(self, client, reviewer, queue, change):
        ReviewTaskFactory(queue=queue, created_at=NOON)
        change(due_hours=1)
        client.force_login(reviewer)
        page = client.get(url("review"))

        assert "Oldest waits" in page.text
        assert "1 overdue" in page.text

    def test_a_project_without_queues_says_when_they_come(self, client, admin):
        client.force_login(admin)

        assert "Queues come with the first predictions" in client.get(url("queues")).text

    def test_it_lists_the_members_by_name(self, client, admin, project, queue):
        MembershipFactory(project=project, user__username="zoe")
        client.force_login(admin)

        assert "zoe" in client.get(url("queues")).text
