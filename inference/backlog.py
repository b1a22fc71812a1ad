"""Predict the open documents of a project that lack a prediction by what serves them now."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from inference import deployments, predictions, rebuild, serving
from inference.encode import EncoderUnavailable
from inference.models import Deployment
from labeling.jobs import JobRefused, Progress
from labeling.models import Document, Job, Prediction, Project

TellOf = Callable[[int, int], None]


def predict_all(project: Project, *, progress: TellOf | None = None) -> int:
    """Predict every open document with the bundle that serves it; return how many.

    The champion is made first where there is none for the current taxonomy, and the deployments
    are read again after each batch: a new champion takes over at once, and no document is
    predicted with a bundle that no longer serves. Ends when no open document lacks a prediction.
    It may take hours, so each batch is stamped with its own time.

    Args:
        progress: told how many documents are done and how many there are.
    """
    predicted = total = after = 0
    served: list[str] = []

    def tell() -> None:
        if progress:
            progress(predicted, total)

    while rebuild.champion_bundle(project, now=timezone.now(), tell=tell) is not None:
        live = deployments.live(project)
        if served != (served := [each.bundle for each in live]):
            total = predicted + sum(_unpredicted(project, each, live).count() for each in live)
            after = 0
        digest, ids = _next_batch(project, live, after)
        if not ids and after:  # once more from the beginning, for what came meanwhile
            after = 0
            continue
        if not ids:
            break
        after = ids[-1]
        told = partial(_tell_total, progress, predicted, total)
        predicted += predictions.predict_documents(
            project,
            ids,
            bundle=serving.load(digest),
            now=timezone.now(),
            progress=told,
            while_serving=True,
        )
    return predicted


def _tell_total(progress: TellOf | None, before: int, total: int, done: int) -> None:
    if progress:
        progress(before + done, total)


def _next_batch(project: Project, live: Sequence[Deployment], after: int) -> tuple[str, list[int]]:
    """Return some documents that lack a prediction and the digest of the bundle serving them.

    Args:
        after: the id behind which to look, so that what is done is not looked at again each time.
    """
    for deployment in live:
        waiting = _unpredicted(project, deployment, live).filter(pk__gt=after).order_by("pk")
        if ids := list(waiting.values_list("pk", flat=True)[: predictions.BATCH]):
            return deployment.bundle, ids
    return "", []


def _unpredicted(
    project: Project, deployment: Deployment, live: Sequence[Deployment]
) -> QuerySet[Document]:
    """Open documents that *deployment* serves and its bundle has not predicted."""
    done = Prediction.objects.current().by_bundle(deployment.bundle)
    return project.documents.open().filter(
        serving.serves(deployment, live), ~Exists(done.filter(document=OuterRef("pk")))
    )


def lack(project: Project) -> bool:
    """Whether any open document lacks a prediction by what serves it now."""
    live = deployments.live(project)
    return any(_unpredicted(project, each, live).exists() for each in live)


def run(job: Job, progress: Progress) -> dict[str, Any]:
    """Do a job of kind PREDICT; what it did before it died is not done again.

    Raises:
        JobRefused: the project's encoder is not on this machine.
    """
    started = time.perf_counter()
    try:
        predicted = predict_all(job.project, progress=progress)
    except EncoderUnavailable as error:
        raise JobRefused(str(error)) from error
    return {"predicted": predicted, "seconds": round(time.perf_counter() - started, 1)}
