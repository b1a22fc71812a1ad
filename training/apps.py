import logging
from typing import Any

from django.apps import AppConfig
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


class TrainingConfig(AppConfig):
    name = "training"

    def ready(self) -> None:
        from inference.events import bundle_rebuilt
        from labeling import events
        from labeling.overview import model_sources, waiting_sources
        from training import registry
        from training.overview import serving_model, unfinished_runs

        waiting_sources.append(unfinished_runs)
        model_sources.append(serving_model)
        bundle_rebuilt.connect(registry.register_rebuilt, dispatch_uid="training.register")
        events.gold_changed.connect(_request_refit, dispatch_uid="training.refit")


def _request_refit(*, project_id: int, **_: Any) -> None:
    """Ask a worker whether it is time to learn; without a broker the next decision asks again."""
    from training.tasks import refit

    try:
        refit.delay(project_id)
    except OperationalError as error:
        logger.warning("Project %s learns later: no message broker (%s)", project_id, error)
