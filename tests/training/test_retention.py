"""Files of models that nobody can need go; versions, and what can be brought back, stay."""

import os
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from inference import deployments
from inference.models import Deployment
from labeling.models import AuditEntry
from tests.factories import ModelVersionFactory, ProjectFactory
from training import registry, retention, tasks
from training.models import ModelVersion

pytestmark = pytest.mark.django_db

NOW = timezone.now().replace(hour=18, minute=0)  # half a day earlier is the same day
OPEN = [{"gate": "No leaks", "passed": True, "reason": "None found."}]


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(retention, "NEWEST", 3)


def made(project, settings, *, age=0.0, serves=True, **fields):
    """Return a version of so many days ago, with files, that served from then on."""
    at = NOW - timedelta(days=age)
    version = ModelVersionFactory(project=project, gates=OPEN, registered_at=at, **fields)
    (settings.BUNDLE_DIR / version.bundle).mkdir(parents=True, exist_ok=True)
    (settings.BUNDLE_DIR / version.bundle / "manifest.json").write_text("{}")
    os.utime(settings.BUNDLE_DIR / version.bundle, (at.timestamp(), at.timestamp()))
    if serves:
        deployments.deploy(project, version.bundle, reason="", actor=None, now=at)
    return version


def left(settings):
    return {path.name for path in settings.BUNDLE_DIR.iterdir()}


def test_the_newest_one_of_each_day_and_runs_stay(project, settings):
    noon = (NOW - timedelta(days=2)).replace(hour=12, minute=0)
    ages = [40.2, 40.1, *((NOW - noon) / timedelta(days=1) + late for late in (0.2, 0.1, 0))]
    run = made(project, settings, age=40.15, serves=False, origin=ModelVersion.Origin.RUN)
    old = [made(project, settings, age=age, serves=False) for age in ages]
    ages = (0.003, 0.002, 0.001)
    newest = [made(project, settings, age=age, serves=False) for age in ages]
    assert retention.sweep(NOW) == 4

    assert left(settings) == {version.bundle for version in (old[-1], *newest, run)}
    assert project.model_versions.filter(removed=True).count() == 4
    entry = AuditEntry.objects.get(act="removed models")
    assert len(entry.detail["bundles"]) == 4
    assert retention.sweep(NOW) == 0


def test_no_roll_back_leads_to_what_was_removed(project, settings):
    versions = [made(project, settings, age=50 - number) for number in range(6)]
    tasks.remove_superseded()
    assert left(settings) == {version.bundle for version in versions[3:]}

    for version in (versions[4], versions[3]):
        back = deployments.roll_back(project, actor=None, now=timezone.now())
        assert back.bundle == version.bundle
    with pytest.raises(deployments.CannotRollBack):
        deployments.roll_back(project, actor=None, now=timezone.now())


def test_what_serves_stays_however_old(project, settings):
    old = made(project, settings, age=90)
    for number in range(5):
        made(project, settings, age=80 - number, serves=False)
    retention.sweep(NOW)
    assert old.bundle in left(settings)
    assert len(left(settings)) == 4


def test_a_removed_version_says_so_and_is_not_promoted(client, admin, project, settings):
    version, *_ = [
        made(project, settings, age=60 - number, serves=number > 3) for number in range(6)
    ]
    retention.sweep(NOW)
    client.force_login(admin)
    page = client.get(reverse("training:models", args=[project.slug])).content.decode()
    assert "files removed" in page
    assert reverse("training:promote", args=[project.slug, version.number]) not in page

    with pytest.raises(registry.GatesShut, match="were removed"):
        registry.promote(version, actor=admin, now=NOW)


@pytest.mark.slow
def test_a_removed_version_is_not_measured(small):
    version = ModelVersionFactory(project=small, removed=True)
    with pytest.raises(CommandError, match="were removed"):
        call_command("evaluate", project=small.slug, number=version.number)


@pytest.mark.parametrize("act", ["rebuilt", "rolled_back"])
def test_the_way_back_is_the_same_after_a_sweep(act, project, settings):
    first, second, third = (made(project, settings, age=60 - number) for number in range(3))
    kept = [first, second, third]
    if act == "rebuilt":
        followed = made(project, settings, age=50, serves=False)
        at = NOW - timedelta(days=50)
        deployments.deploy(
            project, followed.bundle, act=Deployment.Act.REBUILT, reason="", actor=None, now=at
        )
        kept[-1] = followed
    else:
        deployments.roll_back(project, actor=None, now=NOW - timedelta(days=50))
        kept.pop()
    way = [version.bundle for version in kept]
    assert deployments.served(project) == way
    for number in range(5):  # none of them ever served
        made(project, settings, age=40 - number, serves=False)
    for _ in range(2):
        retention.sweep(NOW)
        assert deployments.served(project) == way
    assert third.bundle not in left(settings)


def test_what_served_long_may_come_back_for_as_long(project, settings):
    long, short = made(project, settings, age=40), made(project, settings, age=5.5)
    for number in range(5):
        made(project, settings, age=5 - number / 100)
    deployments.roll_back(project, actor=None, now=NOW - timedelta(minutes=30))
    undone = project.deployments.order_by("pk")[6]
    retention.sweep(NOW)
    assert {long.bundle, undone.bundle} <= left(settings)
    assert short.bundle not in left(settings)


def test_what_was_just_written_stays_until_it_is_registered(project, settings):
    version = made(project, settings, age=60, serves=False)
    for number in range(5):
        made(project, settings, age=50 - number, serves=False)
    again = (NOW.timestamp(), NOW.timestamp())  # a refit made the same
    os.utime(settings.BUNDLE_DIR / version.bundle, again)
    retention.sweep(NOW)
    assert version.bundle in left(settings)
    assert retention.sweep(NOW + timedelta(hours=2)) == 1


def test_a_bundle_the_taxonomy_brings_back_is_no_longer_removed(project, settings):
    version = made(project, settings, age=60)
    for number in range(6):
        made(project, settings, age=50 - number)
    retention.sweep(NOW)
    live = deployments.deploy(project, version.bundle, reason="", actor=None, now=NOW)
    registry.register_rebuilt(project=project, digest=version.bundle, former=None)
    version.refresh_from_db()
    assert not version.removed
    assert deployments.served(project)[-1] == live.bundle


def test_a_bundle_that_is_made_again_is_there_again(project, settings):
    version, *_ = [made(project, settings, age=60 - number) for number in range(6)]
    retention.sweep(NOW)
    (settings.BUNDLE_DIR / version.bundle).mkdir()
    again = registry.register(
        project,
        version.bundle,
        origin=version.origin,
        metrics={},
        gates=OPEN,
        gold_count=1,
        now=NOW,
    )
    assert (again.pk, again.removed) == (version.pk, False)
    registry.promote(again, actor=None, now=NOW)
    retention.sweep(NOW)
    assert version.bundle in left(settings)


def test_files_that_another_project_needs_stay(project, settings):
    shared = made(project, settings, age=60, serves=False)
    for number in range(5):
        made(project, settings, age=50 - number, serves=False)
    other = ProjectFactory(slug="other")
    ModelVersionFactory(project=other, bundle=shared.bundle, registered_at=NOW)
    retention.sweep(NOW)
    shared.refresh_from_db()
    assert shared.removed
    assert shared.bundle in left(settings)


def test_a_sweep_that_died_is_ended_by_the_next(project, settings, monkeypatch):
    for number in range(6):
        made(project, settings, age=60 - number, serves=False)
    with monkeypatch.context() as patch:
        patch.setattr("training.retention.shutil.rmtree", lambda *_, **__: None)
        retention.sweep(NOW)
    assert any(name.startswith(".removed-") for name in left(settings))
    retention.sweep(NOW)
    assert len(left(settings)) == 3
