"""Train a challenger and let the gates decide."""

import json
from argparse import ArgumentParser, BooleanOptionalAction
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from kombu.exceptions import OperationalError

from labeling.models import Project
from training import executor, recipes, schedule, tasks
from training.models import TrainingRun
from training.progress import Progress
from training.trainers.recipes import RECIPES, STAGES, BadRecipe, named


class Command(BaseCommand):
    help = "Train a challenger by a recipe, compare it with the champion, promote it if it wins."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", help="Its slug.")
        parser.add_argument(
            "--recipe", choices=RECIPES, help="The project's own, as saved on its page, if absent."
        )
        parser.add_argument("--epochs", type=int, help="As in the recipe, if absent.")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument(
            "--wait",
            action=BooleanOptionalAction,
            default=True,
            help="Train in this process, the default; --no-wait hands the run to a worker.",
        )
        parser.add_argument("--json", action="store_true", help="Print the result as one line.")
        parser.add_argument("--run", type=int, help="Carry out a run that waits; for workers.")

    def handle(self, **options: Any) -> None:
        if options["run"] is not None:
            executor.carry_out(options["run"])
            return
        run = self.request(options)
        if not options["wait"]:
            try:
                tasks.train.delay(run.pk)
            except OperationalError as error:
                schedule.cancel(run, actor=None, now=timezone.now())
                raise CommandError(f"No worker can be reached: {error}") from error
            self.say(options, {"run": run.pk, "status": run.status}, f"{run}.")
            return
        told = executor.carry_out(run.pk, Progress if options["json"] else Spoken)
        if told is None:
            raise CommandError(f"Run {run.pk} was taken by a worker.")
        if told.status != TrainingRun.Status.DONE:
            raise CommandError(f"{told}. {told.error}".strip())
        self.say(options, result_of(told), in_words(told))

    def request(self, options: dict[str, Any]) -> TrainingRun:
        if not options["project"]:
            raise CommandError("Say which project: --project SLUG.")
        project = project_of(options["project"])
        name, epochs = options["recipe"], options["epochs"]
        try:
            recipe = named(name) if name else recipes.recipe_of(project)
            changed = {} if epochs is None else {"epochs": epochs}
            return schedule.request(
                project,
                actor=None,
                now=timezone.now(),
                parameters=recipe.as_json() | changed,
                seed=options["seed"],
            )
        except (schedule.AlreadyTraining, BadRecipe) as error:
            raise CommandError(str(error)) from error

    def say(self, options: dict[str, Any], result: dict[str, Any], words: str) -> None:
        self.stdout.write(json.dumps(result) if options["json"] else words)


class Spoken(Progress):
    """Progress that is also printed."""

    def stage(self, name: str, steps: int = 0) -> None:
        print(f"{timezone.now():%H:%M:%S}  {name}", flush=True)  # noqa: T201
        super().stage(name, steps)

    def evaluated(self, step: int, epoch: float, metrics: dict[str, float]) -> None:
        hits = f"Hit@1 {metrics['hit_at_1']:.2%}, Hit@5 {metrics['hit_at_5']:.2%}"
        print(f"{timezone.now():%H:%M:%S}    step {step}, epoch {epoch:.2f}: {hits}", flush=True)  # noqa: T201
        super().evaluated(step, epoch, metrics)


def project_of(slug: str) -> Project:
    """Return the project *slug*.

    Raises:
        CommandError: there is none.
    """
    try:
        return Project.objects.get(slug=slug)
    except Project.DoesNotExist:
        raise CommandError(f"There is no project {slug}.") from None


def result_of(run: TrainingRun) -> dict[str, Any]:
    """Return a finished run as plain JSON."""
    version = executor.version_of(run)
    took = run.finished_at - run.started_at if run.finished_at and run.started_at else None
    return {
        "run": run.pk,
        "status": run.status,
        "seconds": round(took.total_seconds(), 1) if took else None,
        "version": version.number if version else None,
        "bundle": version.bundle if version else None,
        **run.report,
    }


def in_words(run: TrainingRun) -> str:
    """Return what the gates said and what follows, for people."""
    version = executor.version_of(run)
    lines = [f"{run}. Registered as {version}."]
    lines += [
        f"  {STAGES[trial['stage']].title}: {trial['reason']}" for trial in run.report["stages"]
    ]
    lines += [
        f"  {'open' if gate['passed'] else 'SHUT'}  {gate['gate']}: {gate['reason']}"
        for gate in run.report["gates"]
    ]
    lines += [
        f"{finding['cause']}. {finding['evidence']} {finding['advice']}"
        for finding in run.report["diagnosis"]
    ]
    promoted = run.report["promoted"]
    lines.append("It serves now." if promoted else "Not promoted; the champion goes on serving.")
    return "\n".join(lines)
