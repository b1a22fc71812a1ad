"""An encoder small enough to train in a test."""

import warnings

import pytest


def built(folder, **options):
    from tests.training.small import build_encoder

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries' own making
        return build_encoder(folder, **options)


@pytest.fixture(scope="session")
def small_encoder(tmp_path_factory):
    return built(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def blind_encoder(tmp_path_factory):
    return built(tmp_path_factory.mktemp("blind"), blind=True)


@pytest.fixture(autouse=True)
def _engine(settings):
    """A probe of a second in every test would be a waste, and its choice differs by machine."""
    settings.ENCODER_ENGINE = "fp32"


@pytest.fixture
def one_connection(monkeypatch):
    """The test's database lives in memory and belongs to one thread: no heartbeat beside it."""
    monkeypatch.setattr("training.progress.BEAT", 3600)


@pytest.fixture
def small(small_encoder):
    from tests.training.small import build_project

    return build_project(small_encoder)
