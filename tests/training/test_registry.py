import pytest
from django.utils import timezone

from inference import deployments, events
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
    return registry.register(
        project,
        digest,
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


@pytest.mark.parametrize("origin", ["zero_shot", "taxonomy"])
def test_a_bundle_made_for_the_taxonomy_gets_a_number_with_its_deployment(project, origin):
    former = DeploymentFactory(project=project) if origin == "taxonomy" else None
    parent = register(project, former.bundle) if former else None
    events.bundle_rebuilt.send(sender=None, project=project, digest="c" * 64, former=former)

    version = registry.version_of(project, "c" * 64)
    assert (version.origin, version.parent, version.passed) == (origin, parent, False)
    assert version.gold_count == (40 if parent else 0)


def test_a_bundle_made_again_keeps_what_the_gates_said_of_it(project):
    version = register(project, gates=OPEN)
    events.bundle_rebuilt.send(sender=None, project=project, digest=version.bundle, former=None)

    assert ModelVersion.objects.get().passed


def test_names_of_bundles_cost_one_query(project, django_assert_num_queries):
    versions = ModelVersionFactory.create_batch(5, project=project)
    with django_assert_num_queries(1):
        names = registry.names_of(project, [version.bundle for version in versions] + ["absent"])
    assert len(names) == 5
