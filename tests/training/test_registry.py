from types import SimpleNamespace

import pytest
from django.utils import timezone

from inference import deployments
from inference.models import Deployment
from labeling.models import AuditEntry
from tests.factories import DeploymentFactory, ModelVersionFactory, ProjectFactory
from training import registry
from training.gates import Outcome
from training.models import ModelVersion

pytestmark = pytest.mark.django_db

OPEN = [Outcome("No leaks", passed=True, reason="None found.")]
SHUT = [*OPEN, Outcome("Top-1 better", passed=False, reason="Top-1 fell.")]


def register(project, digest="b" * 64, gates=OPEN):
    """The registry asks nothing of a bundle but its digest."""
    return registry.register(
        project,
        SimpleNamespace(digest=digest),
        origin=ModelVersion.Origin.RUN,
        metrics={"top1": 0.9},
        gates=gates,
        gold_count=40,
        now=timezone.now(),
    )


def serves(project):
    return deployments.champion(project).bundle


def test_versions_are_numbered_within_their_project(project):
    elsewhere = ProjectFactory(slug="elsewhere")
    numbers = [
        register(project, "a").number,
        register(elsewhere, "a").number,
        register(project, "b").number,
    ]
    assert numbers == [1, 1, 2]


def test_a_bundle_is_registered_once(project):
    first = register(project)
    again = register(project)

    assert again.pk == first.pk
    assert ModelVersion.objects.count() == 1
    assert AuditEntry.objects.filter(act="registered").count() == 1


def test_the_later_judgement_of_the_same_bundle_stands(project):
    register(project, gates=SHUT)
    assert register(project, gates=OPEN).passed


def test_a_version_whose_gates_opened_is_promoted(project, admin):
    version = register(project)
    registry.promote(version, actor=admin, now=timezone.now())

    assert serves(project) == version.bundle
    assert AuditEntry.objects.get(act="promoted").actor == admin


def test_a_shut_gate_stands_in_the_way_with_its_reason(project, admin):
    DeploymentFactory(project=project)
    with pytest.raises(registry.GatesShut, match="Top-1 better: Top-1 fell"):
        registry.promote(register(project, gates=SHUT), actor=admin, now=timezone.now())

    assert serves(project) == "a" * 64
    assert not AuditEntry.objects.filter(act="promoted").exists()


def test_a_version_nobody_judged_is_not_promoted(project, admin):
    with pytest.raises(registry.GatesShut, match="never judged"):
        registry.promote(register(project, gates=[]), actor=admin, now=timezone.now())


def test_promoting_the_champion_changes_nothing(project, admin):
    version = register(project)
    first = registry.promote(version, actor=admin, now=timezone.now())

    assert registry.promote(version, actor=admin, now=timezone.now()) == first
    assert Deployment.objects.count() == 1


def test_rolling_back_restores_the_former_champion(project, admin):
    former, latter = register(project, "a" * 64), register(project, "b" * 64)
    for version in (former, latter):
        registry.promote(version, actor=admin, now=timezone.now())
    registry.roll_back(project, actor=admin, now=timezone.now())

    assert registry.champion_version(project) == former


def test_there_is_nothing_to_roll_back_to_at_first(project, admin):
    registry.promote(register(project), actor=admin, now=timezone.now())
    with pytest.raises(deployments.NothingToRollBackTo):
        registry.roll_back(project, actor=admin, now=timezone.now())


def test_names_of_bundles_cost_one_query(project, django_assert_num_queries):
    versions = ModelVersionFactory.create_batch(5, project=project)
    with django_assert_num_queries(1):
        names = registry.names_of(project, [version.bundle for version in versions] + ["absent"])
    assert len(names) == 5
