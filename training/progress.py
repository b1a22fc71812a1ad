"""Tell a run's row how far it is, and so keep hold of it."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import OperationalError, close_old_connections, connection
from django.utils import timezone

from training.models import TrainingRun

logger = logging.getLogger(__name__)

EVERY = 1.0  # seconds between two writes: a page that polls each second misses nothing
BEAT = 5.0  # seconds between heartbeats while a stage says nothing; see schedule.SILENCE


class HoldLost(Exception):
    """Another process holds the run now; this one stops and writes no more."""


class Cancelled(Exception):
    """Somebody asked for the run to be cancelled."""


class Progress:
    """Writes stage, step, loss, Hit@5, curve and time left of one run held by one process.

    Every write is conditional on the hold, so that of two processes at most one goes on. It serves
    the trainer as its `Watch`.
    """

    def __init__(self, run: TrainingRun) -> None:
        self.run = run
        self.values: dict[str, Any] = {}
        self.curve: list[dict[str, Any]] = [{"stage": "", **point} for point in run.curve]
        self.loss: float | None = None
        self.name = ""  # of the stage
        self._written = 0.0
        self._started = (time.monotonic(), 0)
        self._lock = threading.Lock()

    def stage(self, name: str, steps: int = 0) -> None:
        """Enter the stage *name* with *steps* steps, 0 if unknown."""
        self._started, self.name = (time.monotonic(), 0), name
        self._write(stage=name, step=0, steps=steps, seconds_left=None)

    def stepped(self, step: int, steps: int) -> None:
        """Report a finished step; written at most once a second."""
        now = time.monotonic()
        began, first = self._started
        if not first:  # the first step seen; after a resumption it is not number one
            began, first = self._started = (now, step)
        self.values |= {"step": step, "steps": steps}
        if step > first:
            pace = (now - began) / (step - first)  # seconds a step
            self.values["seconds_left"] = pace * (steps - step)
        if now - self._written >= EVERY:
            self._write()

    def logged(self, loss: float) -> None:
        self.loss = loss
        self.values["loss"] = loss

    def evaluated(self, step: int, epoch: float, metrics: dict[str, float]) -> None:
        """Add a point to the curve of this stage; steps done again are replaced."""
        known = [old for old in self.curve if old["stage"] != self.name or old["step"] < step]
        point = {"stage": self.name, "step": step, "epoch": round(epoch, 3), "loss": self.loss}
        self.curve = [*known, point | metrics]
        self._write(curve=self.curve, hit_at_5=metrics["hit_at_5"])

    def beat(self) -> None:
        """Say that the process lives."""
        self._write()

    def _write(self, **values: Any) -> None:
        """Write what is new; where the database does not answer, with the next word.

        Raises:
            HoldLost: another process holds the run, or it is over.
            Cancelled: somebody asked for that.
        """
        with self._lock:
            fresh, self.values = {**self.values, **values}, {}
        self._written = time.monotonic()
        held = TrainingRun.objects.filter(
            pk=self.run.pk, status=TrainingRun.Status.RUNNING, process=self.run.process
        )
        try:
            is_held = held.update(heartbeat_at=timezone.now(), **fresh)
            is_cancelled = held.filter(cancel_requested=True).exists()
        except OperationalError as error:
            logger.warning("Run %s goes on unheard: %s", self.run.pk, error)
            connection.close()
            with self._lock:
                self.values = {**fresh, **self.values}
            return
        if not is_held:
            raise HoldLost(self.run)
        if is_cancelled:
            raise Cancelled(self.run)


class Unheard(Progress):
    """Progress of a run that nobody asked for: it is told, and not written down."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        super().__init__(TrainingRun())
        self.tell = tell

    def stage(self, name: str, steps: int = 0) -> None:
        self.tell(name)
        super().stage(name, steps)

    def _write(self, **values: Any) -> None:
        pass


class Heartbeat(threading.Thread):
    """Beats while a long stage says nothing, on a connection of its own. Use it as a context."""

    def __init__(self, progress: Progress) -> None:
        super().__init__(daemon=True, name="heartbeat")
        self.progress = progress
        self.over = threading.Event()

    def __enter__(self) -> "Heartbeat":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.join()

    def run(self) -> None:
        while not self.over.wait(BEAT):
            close_old_connections()
            try:
                self.progress.beat()
            except (HoldLost, Cancelled):
                break  # the main thread meets the same at its next word
        connection.close()
