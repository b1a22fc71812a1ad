import pytest
from django.utils import timezone

from inference import deployments
from inference.deployments import CannotRollBack
from inference.models import Deployment
from labeling.models import AuditEntry, Job

pytestmark = pytest.mark.django_db


def deploy(project, digest, actor=None, **values):
    return deployments.deploy(
        project, digest, reason="It passed.", actor=actor, now=timezone.now(), **values
    )


def test_a_new_champion_ends_the_former(project, admin):
    former = deploy(project, "a" * 64, admin)
    present = deploy(project, "b" * 64, admin)
    former.refresh_from_db()
    assert former.until is not None
    assert deployments.champion(project) == present
    assert deployments.previous(project) == former.bundle


def test_deploying_what_serves_changes_nothing(project):
    first = deploy(project, "a" * 64)
    assert deploy(project, "a" * 64) == first
    assert AuditEntry.objects.filter(act="deployed").count() == 1


def test_who_deployed_what_and_why_is_written_down(project, admin):
    deploy(project, "a" * 64, admin)
    entry = AuditEntry.objects.get(act="deployed")
    assert (entry.actor, entry.project) == (admin, project)
    assert entry.detail["reason"] == "It passed."


def test_a_new_champion_asks_for_predictions_once(project, admin):
    deploy(project, "a" * 64, admin)
    deploy(project, "b" * 64, admin)
    assert Job.objects.filter(kind=Job.Kind.PREDICT).count() == 1  # the second joins the first


def test_a_canary_serves_beside_the_champion(project):
    champion = deploy(project, "a" * 64)
    canary = deploy(project, "b" * 64, role=Deployment.Role.CANARY, share=0.1)
    assert set(deployments.live(project)) == {champion, canary}
    assert deployments.champion(project) == champion


def test_a_canary_may_grow(project):
    deploy(project, "b" * 64, role=Deployment.Role.CANARY, share=0.1)
    grown = deploy(project, "b" * 64, role=Deployment.Role.CANARY, share=0.5)
    assert [each.share for each in deployments.live(project)] == [grown.share] == [0.5]


def roll_back(project, actor=None, **values):
    return deployments.roll_back(project, actor=actor, now=timezone.now(), **values)


def test_each_roll_back_leads_one_step_further(project, admin):
    for digest in "abc":
        deploy(project, digest)
    back = roll_back(project, admin)
    assert (back.bundle, back.act, back.deployed_by) == ("b", "rolled_back", admin)
    assert roll_back(project).bundle == "a"
    assert deployments.previous(project) is None


def test_after_a_roll_back_the_next_leads_past_what_was_taken_back(project):
    for digest in "ab":
        deploy(project, digest)
    roll_back(project)
    deploy(project, "c")
    assert roll_back(project).bundle == "a"


def test_a_bundle_that_follows_the_taxonomy_stands_for_the_one_it_follows(project):
    for digest in "ab":
        deploy(project, digest)
    deploy(project, "b for v2", act=Deployment.Act.REBUILT)
    assert roll_back(project).bundle == "a"


def test_asking_twice_rolls_back_once(project):
    for digest in "abc":
        deploy(project, digest)
    roll_back(project, serving="c")
    with pytest.raises(CannotRollBack, match="Another model serves by now"):
        roll_back(project, serving="c")
    assert deployments.champion(project).bundle == "b"


def test_without_a_former_champion_there_is_nothing_to_roll_back_to(project):
    deploy(project, "a" * 64)
    with pytest.raises(CannotRollBack, match="no former champion"):
        roll_back(project)


def test_a_clock_that_stood_still_turns_nothing_round(project):
    start = timezone.now()
    deploy(project, "a")
    deployments.deploy(project, "b", reason="", actor=None, now=start)
    first, second = Deployment.objects.order_by("pk")

    assert first.since <= first.until == second.since
    assert roll_back(project).bundle == "a"
