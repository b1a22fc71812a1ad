import pytest
from django.core.cache import cache

from labeling.models import Job, Membership, ReviewQueue, ReviewTask
from tests.factories import (
    JobFactory,
    MembershipFactory,
    ProjectFactory,
    ReviewQueueFactory,
    ReviewTaskFactory,
    TrainingRunFactory,
)

pytestmark = pytest.mark.django_db


def test_a_person_sees_their_projects_and_no_others(client, reviewer):
    ProjectFactory(slug="secret", name="Secret merger")
    client.force_login(reviewer)
    page = client.get("/").text

    assert "Support mail" in page
    assert "Secret merger" not in page


def test_what_waits_is_counted_by_queue(client, reviewer, project):
    audit = ReviewQueueFactory(project=project, reason=ReviewQueue.Reason.AUDIT)
    ReviewTaskFactory.create_batch(3, document__project=project)
    ReviewTaskFactory(document__project=project, queue=audit)
    ReviewTaskFactory(document__project=project, status=ReviewTask.Status.DONE)
    client.force_login(reviewer)
    [card] = client.get("/").context["cards"]

    assert card.queues == {"Close calls": 3, "Audit sample": 1}


def test_projects_with_something_to_do_come_first(client, reviewer, project):
    later = ProjectFactory(slug="zebra", name="Zebra")
    MembershipFactory(project=later, user=reviewer)
    ReviewTaskFactory(document__project=later)
    client.force_login(reviewer)

    assert [card.project for card in client.get("/").context["cards"]] == [later, project]


def test_owners_see_unfinished_jobs_and_runs_and_reviewers_do_not(client, owner, reviewer, project):
    JobFactory(project=project, status=Job.Status.RUNNING)
    JobFactory(project=project, status=Job.Status.DONE)
    TrainingRunFactory(project=project)
    client.force_login(owner)
    [card] = client.get("/").context["cards"]
    assert len(card.running) == 2

    client.force_login(reviewer)
    [card] = client.get("/").context["cards"]
    assert card.running == []


def test_whoever_is_in_no_project_is_told_what_to_do(client, outsider):
    client.force_login(outsider)
    page = client.get("/").text

    assert "Ask an admin" in page
    assert outsider.email in page


def test_the_first_site_administrator_is_shown_the_way(client, site_administrator):
    client.force_login(site_administrator)

    assert "/projects/new/" in client.get("/").text


def test_the_page_costs_the_same_for_thirty_projects(client, reviewer, django_assert_num_queries):
    for number in range(30):
        project = ProjectFactory(slug=f"project-{number}")
        MembershipFactory(project=project, user=reviewer, role=Membership.Role.OWNER)
        ReviewTaskFactory(document__project=project)
        JobFactory(project=project)
    client.force_login(reviewer)

    with django_assert_num_queries(7):  # session, person, projects, roles, tasks, jobs, runs
        client.get("/")


def test_owners_are_told_when_no_worker_runs(client, owner):
    cache.clear()
    client.force_login(owner)
    assert "No worker is running" in client.get("/p/support/").text

    cache.set("worker-heartbeat", "alive", 30)
    assert "No worker is running" not in client.get("/p/support/").text


def test_reviewers_are_not_troubled_about_workers(client, reviewer):
    cache.clear()
    client.force_login(reviewer)

    assert "No worker is running" not in client.get("/p/support/").text


def test_health_is_answered_to_anybody(client, db):
    answer = client.get("/healthz")

    assert answer.json() == {"status": "ok"}
