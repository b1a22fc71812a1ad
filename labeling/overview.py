"""What waits in a project. The layers above add what waits in theirs, from `AppConfig.ready`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db.models import Count
from django.urls import reverse

from labeling import counting
from labeling.models import (
    Annotation,
    Document,
    GoldLabel,
    Job,
    Label,
    Project,
    ReviewQueue,
    ReviewTask,
)

LARGE = 100_000  # documents


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that waits for somebody or runs, in words, with the page where it goes on."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class ServingModel:
    """The model whose predictions a project shows now."""

    name: str
    origin: str
    since: datetime
    is_trained: bool
    metrics: dict[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of setting a project up."""

    title: str
    hint: str
    url: str
    is_done: bool
    is_next: bool = False


@dataclass(frozen=True, slots=True)
class Totals:
    documents: int
    gold: int
    labels: int
    decisions: int


WaitingSource = Callable[[Sequence[int]], dict[int, list[Waiting]]]
ModelSource = Callable[[Project], ServingModel | None]

# Filled once while the process starts, read-only afterwards.
waiting_sources: list[WaitingSource] = []
model_sources: list[ModelSource] = []


def open_tasks(project_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """Count the open tasks of each project by the reason they wait for, in one query."""
    rows = (
        ReviewTask.objects.open()
        .filter(project__in=project_ids)
        .values_list("project", "queue__reason")
        .annotate(tasks=Count("pk"))
        .order_by("project", "queue__reason")
    )
    counts: dict[int, dict[str, int]] = {pk: {} for pk in project_ids}
    for project_id, reason, tasks in rows:
        counts[project_id][str(ReviewQueue.Reason(reason).label)] = tasks
    return counts


def running(project_ids: Sequence[int]) -> dict[int, list[Waiting]]:
    """Return what runs or waits for a worker in each project, from every layer."""
    found: dict[int, list[Waiting]] = {pk: [] for pk in project_ids}
    for source in (unfinished_jobs, *waiting_sources):
        for pk, things in source(project_ids).items():
            found[pk].extend(things)
    return found


def unfinished_jobs(project_ids: Sequence[int]) -> dict[int, list[Waiting]]:
    jobs = Job.objects.unfinished().filter(project__in=project_ids).select_related("project")
    found: dict[int, list[Waiting]] = {}
    for job in jobs:
        url = reverse("labeling:job", args=[job.project.slug, job.pk])
        found.setdefault(job.project_id, []).append(Waiting(str(job), url))
    return found


def serving_model(project: Project) -> ServingModel | None:
    """Return the model that serves *project*, or None where nothing predicts yet."""
    return next(filter(None, (source(project) for source in model_sources)), None)


def totals(project: Project) -> Totals:
    """Return what there is in *project*; of a large one as it was a moment ago.

    Counting a million documents takes half a second.
    """
    return counting.kept(
        f"totals-{project.pk}",
        lambda: _counted(project),
        is_large=lambda found: found.documents >= LARGE,
    )


def _counted(project: Project) -> Totals:
    gold = GoldLabel.objects.gold().filter(project=project)
    return Totals(
        documents=Document.objects.filter(project=project).count(),
        gold=gold.aggregate(documents=Count("document", distinct=True))["documents"],
        labels=Label.objects.assignable().filter(project=project).count(),
        decisions=Annotation.objects.standing().filter(project=project).count(),
    )


def steps(project: Project, sums: Totals, model: ServingModel | None) -> list[Step]:
    """Return what a new project needs, in order, each with whether it is done."""

    def url(name: str) -> str:
        return reverse(name, args=[project.slug])

    found = [
        Step(
            "Import a taxonomy",
            "Labels with their descriptions and exclusions, from JSON or CSV.",
            url("labeling:taxonomy"),
            sums.labels > 0,
        ),
        Step(
            "Import documents",
            "JSONL or CSV. Predictions follow by themselves.",
            url("labeling:documents"),
            sums.documents > 0,
        ),
        Step(
            "Review",
            f"Decide the close calls. Every {project.refit_every} decisions the model learns.",
            url("labeling:review"),
            sums.decisions >= project.refit_every,
        ),
        Step(
            "Train",
            "Fine-tune the encoder on the gold, and promote the result through the gates.",
            url("training:models"),
            model is not None and model.is_trained,
        ),
    ]
    coming = next((step for step in found if not step.is_done), None)
    return [replace(step, is_next=step is coming) for step in found]
