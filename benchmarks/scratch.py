"""What benchmarks share: an installation that is thrown away after one, and how it is told."""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any


def set_up(folder: Path) -> None:
    """Make an empty installation in *folder*; nothing of the real one is touched."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    os.environ["STATE_DIR"] = str(folder)
    os.environ["REDIS_URL"] = "memory://localhost"  # what is sent to workers stays unheard
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in a worker
    for name in ("DATABASE_URL", "BUNDLE_DIR"):
        os.environ.pop(name, None)
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def set_up_served(folder: str, database: str) -> None:
    """Make an installation in *folder* that a server can run from, its database at *database*.

    Without one it is an SQLite file there. Redis runs with the server.
    """
    os.environ["STATE_DIR"] = folder
    os.environ["DATABASE_URL"] = database or f"sqlite:///{folder}/served.sqlite3"
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    os.environ.pop("REDIS_URL", None)
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def play_all(directory: Path, seed: int) -> Any:
    """Return a backtest's play of *directory*, every text of train.jsonl being gold, encoded."""
    from training import backtest

    plan = backtest.Plan(directory, "single", (0,), 50, seed, float("inf"))
    play = backtest.Play(plan, "margin-kmeans")
    play.encode(tell)
    return play


def tell(what: str) -> None:
    """Say how far it is."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')}  {what}\n")


def report(figures: dict[str, Any], *, as_json: bool) -> None:
    """Print *figures*, a line each or as one line of JSON."""
    lines = [f"{name}: {value}" for name, value in figures.items()]
    sys.stdout.write((json.dumps(figures) if as_json else "\n".join(lines)) + "\n")
