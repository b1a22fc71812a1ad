"""Where gates open: as usual, or where an admin says."""

import pytest
from django.urls import reverse
from django.utils import timezone

from labeling.models import AuditEntry, Membership
from tests.factories import MembershipFactory, ProjectFactory, UserFactory
from training import gate_limits, gates
from training.gates import LIMITS, Evidence
from training.models import GateLimit

pytestmark = pytest.mark.django_db

USUAL = {name: limit.usual for name, limit in LIMITS.items()}


@pytest.fixture
def project():
    return ProjectFactory(slug="support")


@pytest.fixture
def admin(project):
    return MembershipFactory(project=project, role=Membership.Role.ADMIN).user


def outcome(name, evidence, **limits):
    found = gates.judge(gates.slow_loop(multi=False, limits=limits), evidence)
    return next(each for each in found if name in each.gate)


def test_a_gate_opens_where_it_is_told_to():
    slower = Evidence(champion={"latency_p95": 10.0}, challenger={"latency_p95": 25.0})
    assert not outcome("latency", slower).passed
    assert outcome("latency", slower, latency=3.0).passed
    uneven = Evidence(challenger={"ece": 0.08, "ece_by_chance": 0.01})
    assert not outcome("Calibration", uneven).passed
    assert outcome("Calibration", uneven, ece=0.08).passed
    shy = Evidence(champion={"accepted": 0.5}, challenger={"accepted": 0.3})
    assert not outcome("Accepts", shy).passed
    assert outcome("Accepts", shy, accepts=0.5).passed


def test_labels_are_watched_from_as_much_gold_as_it_says():
    [found] = [
        each
        for each in gates.slow_loop(multi=False, limits={"label_gold": 7.0})
        if isinstance(each, gates.NoLabelDrops)
    ]
    assert found.min_gold == 7


def test_what_is_set_to_the_usual_is_not_kept(project, admin):
    now = timezone.now()
    changed = gate_limits.change(project, {**USUAL, "latency": 8.0}, actor=admin, now=now)
    assert changed == ["latency"]
    assert gate_limits.of(project) == {**USUAL, "latency": 8.0}
    assert gate_limits.change(project, {"latency": 8.0}, actor=admin, now=now) == []
    gate_limits.change(project, USUAL, actor=admin, now=now)
    assert not GateLimit.objects.exists()
    acts = AuditEntry.objects.filter(act="changed the gates")
    assert acts.count() == 2
    assert "1.2 → 8" in str(acts.earliest("pk").detail)


@pytest.mark.parametrize("limits", [{"latency": -1.0}, {"magic": 1.0}])
def test_senseless_limits_are_refused(project, limits):
    with pytest.raises(ValueError, match="no limit of a gate"):
        gate_limits.change(project, limits, actor=None, now=timezone.now())


def test_limits_of_another_project_stay(project):
    gate_limits.change(project, {"ece": 0.2}, actor=None, now=timezone.now())
    assert gate_limits.of(ProjectFactory(slug="other"))["ece"] == LIMITS["ece"].usual


def test_an_admin_sets_them_on_the_page(client, project, admin):
    client.force_login(admin)
    url = reverse("training:gates", args=[project.slug])
    page = client.post(url, {**USUAL, "latency": "9"}, follow=True)
    assert "Runs that end from now on" in page.text
    assert gate_limits.of(project)["latency"] == 9
    assert 'value="9.0"' in page.text


def test_a_bad_limit_is_said_beside_its_field_and_changes_nothing(client, project, admin):
    client.force_login(admin)
    url = reverse("training:gates", args=[project.slug])
    page = client.post(url, {**USUAL, "ece": "7", "latency": "9"})
    assert page.status_code == 422
    assert "less than or equal to 1.0" in page.text
    assert gate_limits.of(project) == USUAL


def test_reviewers_and_strangers_do_not_find_it(client, project):
    url = reverse("training:gates", args=[project.slug])
    for user in (MembershipFactory(project=project).user, UserFactory()):
        client.force_login(user)
        assert client.post(url, USUAL).status_code == 404
