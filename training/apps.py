import logging
import time
from typing import Any, Final

from django.apps import AppConfig
from django.conf import settings
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

TOGETHER: Final = 1.0
"""Seconds of decisions that one message to the workers speaks of."""

_asked: dict[int, float] = {}
"""When this process last asked workers to look at a project."""


class TrainingConfig(AppConfig):
    name = "training"

    def ready(self) -> None:
        from inference.events import bundle_rebuilt
        from labeling import events, jobs
        from labeling.overview import model_sources, waiting_sources
        from training import registry
        from training.overview import serving_model, unfinished_runs

        jobs.register("impact", "training.impact.run")
        waiting_sources.append(unfinished_runs)
        model_sources.append(serving_model)
        bundle_rebuilt.connect(registry.register_rebuilt, dispatch_uid="training.register")
        bundle_rebuilt.connect(_offer_newcomers, dispatch_uid="training.newcomers")
        events.gold_changed.connect(_request_refit, dispatch_uid="training.refit")


def _offer_newcomers(*, project: Any, former: Any, **_: Any) -> None:
    """Have documents looked for that belong to labels the former bundle did not know."""
    from django.db import transaction

    from training.tasks import offer_newcomers

    def ask() -> None:
        try:
            offer_newcomers.delay(project.pk, former.bundle)
        except OperationalError as error:
            logger.warning("No documents are offered: no message broker (%s)", error)

    if former is not None:
        transaction.on_commit(ask)


def _request_refit(*, project_id: int, **_: Any) -> None:
    """Ask a worker to see in two seconds whether it is time to learn.

    It will then see what is decided meanwhile, too, so that none of that need ask: twenty people
    decide thirty times a second. Without a broker a decision a second later asks again.
    """
    from training.tasks import refit

    now, last = time.monotonic(), _asked.get(project_id)
    alone = settings.CELERY_TASK_ALWAYS_EAGER  # the job has looked by the time it is asked
    if last is not None and now - last < TOGETHER and not alone:
        return
    _asked[project_id] = now
    try:
        refit.apply_async((project_id,), countdown=2 * TOGETHER)  # a worker's clock may be ahead
    except OperationalError as error:
        logger.warning("Project %s learns later: no message broker (%s)", project_id, error)
