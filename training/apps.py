from django.apps import AppConfig


class TrainingConfig(AppConfig):
    name = "training"

    def ready(self) -> None:
        from labeling.overview import model_sources, waiting_sources
        from training.overview import serving_model, unfinished_runs

        waiting_sources.append(unfinished_runs)
        model_sources.append(serving_model)
