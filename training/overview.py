"""What the training room adds to a project's overview: its runs, and the model that serves."""

from collections.abc import Sequence

from django.urls import reverse

from inference.models import Deployment
from labeling.models import Project
from labeling.overview import ServingModel, Waiting
from training.models import ModelVersion, TrainingRun

# The metrics a person asks for first, and what the overview calls them.
SHOWN = {
    "top1": "Right first time",
    "recall_at_5": "Right among five",
    "coverage": "Accepted alone",
}


def unfinished_runs(project_ids: Sequence[int]) -> dict[int, list[Waiting]]:
    """Return the unfinished runs of the projects, in one query."""
    runs = TrainingRun.objects.unfinished().filter(project__in=project_ids)
    found: dict[int, list[Waiting]] = {}
    for run in runs.select_related("project"):
        url = reverse("training:run", args=[run.project.slug, run.pk])
        found.setdefault(run.project_id, []).append(Waiting(f"Training, {run}", url))
    return found


def serving_model(project: Project) -> ServingModel | None:
    """Return the champion as it was registered; a champion never registered has a digest only."""
    deployment = Deployment.objects.live().champions().filter(project=project).first()
    if deployment is None:
        return None
    version = ModelVersion.objects.filter(project=project, bundle=deployment.bundle).first()
    if version is None:
        return ServingModel(
            deployment.bundle[:8], deployment.reason, deployment.since, is_trained=False
        )
    return ServingModel(
        name=str(version),
        origin=version.get_origin_display(),
        since=deployment.since,
        is_trained=version.origin == ModelVersion.Origin.RUN,
        metrics={word: version.metrics.get(name) for name, word in SHOWN.items()},
    )
