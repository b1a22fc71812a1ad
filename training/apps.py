from typing import Any

from django.apps import AppConfig


class TrainingConfig(AppConfig):
    name = "training"

    def ready(self) -> None:
        from labeling import events
        from labeling.overview import model_sources, waiting_sources
        from training.overview import serving_model, unfinished_runs

        waiting_sources.append(unfinished_runs)
        model_sources.append(serving_model)
        events.gold_changed.connect(_request_refit, dispatch_uid="training.refit")


def _request_refit(*, project_id: int, **_: Any) -> None:
    """Ask a worker whether it is time to learn."""
    from training.tasks import refit

    refit.delay(project_id)
