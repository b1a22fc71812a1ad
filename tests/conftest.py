"""The people in every test, and settings that keep tests on this machine alone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import hypothesis
import pytest
from hypothesis import HealthCheck

from labeling.management.commands.redis_server import answers
from labeling.models import Membership
from tests.factories import MembershipFactory, ProjectFactory, UserFactory

# How quick a machine is, is no property of the code; one folder serves all examples of a test.
hypothesis.settings.register_profile(
    "any machine",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
hypothesis.settings.load_profile("any machine")

ROOT = Path(__file__).parents[1]
BROWSER_TESTS = Path(__file__).parent / "e2e"


def pytest_collection_modifyitems(items):
    """Tests of one file share a process, and all browser tests the one that runs their demo."""
    for test in items:
        group = "e2e" if BROWSER_TESTS in test.path.parents else test.path
        test.add_marker(pytest.mark.xdist_group(str(group)))


@pytest.fixture(autouse=True)
def _isolated(settings, tmp_path):
    """Jobs run at once, files and cache are the test's own, pages need no collectstatic."""
    settings.CELERY_TASK_ALWAYS_EAGER = True
    settings.BUNDLE_DIR = tmp_path / "bundles"
    settings.RUN_DIR = tmp_path / "runs"
    settings.ENCODER_ENGINE = "fp32"  # no probe: it would be kept outside the test
    settings.MEDIA_ROOT = tmp_path / "uploads"
    settings.STATIC_ROOT = tmp_path  # WhiteNoise warns of a folder that is not there
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick
    memory = "django.core.cache.backends.locmem.LocMemCache"
    settings.CACHES = {"default": {"BACKEND": memory, "LOCATION": str(tmp_path)}}
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


@pytest.fixture
def embedded_redis(tmp_path):
    """The socket of a real embedded Redis in a folder of its own."""
    environment = {**os.environ, "STATE_DIR": str(tmp_path), "REDIS_URL": ""}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "redis_server"], cwd=ROOT, env=environment
    )
    path = tmp_path / "redis.sock"
    deadline = time.monotonic() + 30
    while not answers(path):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield path
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=20)


@pytest.fixture
def project(db):
    return ProjectFactory()


def member(project, role):
    return MembershipFactory(project=project, role=role, user__username=f"the-{role}").user


@pytest.fixture
def reviewer(project):
    return member(project, Membership.Role.REVIEWER)


@pytest.fixture
def other_reviewer(project):
    return MembershipFactory(project=project, user__username="the-other-reviewer").user


@pytest.fixture
def owner(project):
    return member(project, Membership.Role.OWNER)


@pytest.fixture
def admin(project):
    return member(project, Membership.Role.ADMIN)


@pytest.fixture
def outsider(db):
    return UserFactory(username="the-outsider")


@pytest.fixture
def site_administrator(db):
    return UserFactory(username="the-site-administrator", is_superuser=True, is_staff=True)
