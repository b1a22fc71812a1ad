import pytest

from tests.factories import (
    DeploymentFactory,
    ModelVersionFactory,
    ProjectFactory,
    TrainingRunFactory,
)
from training.models import TrainingRun
from training.overview import serving_model, unfinished_runs

pytestmark = pytest.mark.django_db


def test_an_unfinished_run_waits_on_its_page(project):
    run = TrainingRunFactory(project=project)
    TrainingRunFactory(project=project, status=TrainingRun.Status.DONE)
    other = ProjectFactory(slug="elsewhere")
    [waiting] = unfinished_runs([project.pk, other.pk])[project.pk]

    assert waiting.url == f"/p/support/models/runs/{run.pk}/"


def test_no_model_serves_a_project_without_champion(project):
    ModelVersionFactory(project=project)

    assert serving_model(project) is None


def test_the_champion_serves_as_it_was_registered(project):
    version = ModelVersionFactory(project=project, number=4, origin="run", metrics={"top1": 0.9})
    DeploymentFactory(project=project, bundle=version.bundle)
    model = serving_model(project)

    assert (model.name, model.is_trained) == ("Model 4", True)
    assert model.metrics["Right first time"] == 0.9
    assert model.metrics["Accepted alone"] is None


def test_a_champion_that_was_never_registered_goes_by_its_digest(project):
    DeploymentFactory(project=project, bundle="b" * 64)

    assert serving_model(project).name == "bbbbbbbb"
