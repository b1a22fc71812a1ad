"""Measure the desk over HTTP: annotators without a pause, server and clients on one machine.

Usage: python benchmarks/desk.py [--pending N] [--annotators N] [--seconds S] [--database URL]
                                 [--json]
Works on an empty SQLite file of its own or on the database at URL, where it leaves its project. The
production server runs as in the Procfile, with a Redis of its own and no worker.
"""

import argparse
import http.client
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

APART = 0.05  # seconds between two who come
ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(Path(__file__).parent), str(ROOT)]
from pending import Pending, make  # noqa: E402
from scratch import report, set_up_served, tell  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pending", type=int, default=100_000, help="Open tasks to begin with.")
    parser.add_argument("--annotators", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=30, help="How long they decide.")
    parser.add_argument("--database", default="", help="Its URL; a new SQLite file without one.")
    parser.add_argument("--json", action="store_true", help="One JSON line.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tiebreak-desk-") as folder:
        set_up_served(folder, options.database)
        tell(f"making {options.pending:,} tasks")
        pending = make(options.pending, options.annotators)
        with served("redis", "web") as port:
            sittings = sit(pending, port, options.seconds)
        report(figures(options, pending, sittings), as_json=options.json)


@contextmanager
def served(*names: str) -> Iterator[int]:
    """Run these of the Procfile; yield the port once the web server answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PORT": str(port), "PATH": path}
    started = [
        subprocess.Popen(["sh", "-c", lines[name]], cwd=ROOT, env=environment) for name in names
    ]
    try:
        wait_for(port)
        yield port
        if ended := [each.args for each in started if each.poll() is not None]:
            raise SystemExit(f"{ended} did not run to the end.")
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(timeout=30)


def wait_for(port: int) -> None:
    """Wait until the server answers; two minutes are enough on the slowest machine."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise SystemExit("The web server did not start.")


@dataclass
class Sitting(threading.Thread):
    """One annotator: next, decide, next, … until the time is over. Milliseconds of each request."""

    token: str
    pending: Pending
    connection: http.client.HTTPConnection
    until: float
    next: list[float] = field(default_factory=list)
    submit: list[float] = field(default_factory=list)
    handed: list[int] = field(default_factory=list)  # tasks, as they came
    stored: list[int] = field(default_factory=list)  # annotations, as they were acknowledged
    errors: list[str] = field(default_factory=list)

    __hash__ = threading.Thread.__hash__

    def __post_init__(self) -> None:
        super().__init__()
        self.chance = random.Random(self.token)

    def run(self) -> None:
        address = f"/api/v1/projects/{self.pending.slug}/tasks/next"
        while time.monotonic() < self.until:
            told = self.ask(address, {"count": 1}, self.next)
            if told is None:
                continue
            if not told["tasks"]:
                return
            task = told["tasks"][0]["id"]
            self.handed.append(task)
            decision = {"labels": [self.chance.choice(self.pending.labels)], "kind": "corrected"}
            decision["key"] = str(uuid.uuid4())
            told = self.ask(f"/api/v1/tasks/{task}/annotations", decision, self.submit)
            if told is not None:
                self.stored.append(told["id"])

    def ask(self, address: str, body: dict[str, Any], times: list[float]) -> Any:
        """Send *body*; return what came back, or None after noting an error."""
        headers = {"Authorization": f"Token {self.token}", "Content-Type": "application/json"}
        began = time.perf_counter()
        try:
            self.connection.request("POST", address, json.dumps(body), headers)
            answer = self.connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.errors.append(repr(error))
            self.connection.close()
            return None
        times.append(1_000 * (time.perf_counter() - began))
        if answer.status >= 300:
            self.errors.append(f"{answer.status} {text[:200]!r}")
            return None
        return json.loads(text)


def sit(pending: Pending, port: int, seconds: float) -> list[Sitting]:
    """Let everybody decide for a time; a short sitting before warms the server up.

    To that they come one after the other, as people do: connections made within the same
    millisecond all go to that process of the server which wakes first.
    """
    connections = [
        http.client.HTTPConnection("127.0.0.1", port, timeout=60) for _ in pending.tokens
    ]
    for name, length, apart in (("warming up", min(3.0, seconds), APART), ("deciding", seconds, 0)):
        tell(f"{name}: {len(pending.tokens)} annotators, {length:.0f} s")
        until = time.monotonic() + length
        sittings = [
            Sitting(token, pending, connection, until)
            for token, connection in zip(pending.tokens, connections, strict=True)
        ]
        for each in sittings:
            each.start()
            time.sleep(apart)
        for each in sittings:
            each.join()
    return sittings


def figures(options: Any, pending: Pending, sittings: list[Sitting]) -> dict[str, Any]:
    """Sum up what annotators felt, and put what was acknowledged beside what is stored."""
    from django.db import connection

    from labeling.models import Annotation

    for error in [error for each in sittings for error in each.errors][:5]:
        tell(error)
    stored = [pk for each in sittings for pk in each.stored]
    handed = [pk for each in sittings for pk in set(each.handed)]
    standing = Annotation.objects.standing().filter(project__slug=pending.slug)
    kept = set(standing.values_list("pk", flat=True))
    twice = len(stored) - len(set(stored)) + len(handed) - len(set(handed))
    return {
        "database": connection.vendor,
        "pending": options.pending,
        "annotators": len(sittings),
        "next": spread([ms for each in sittings for ms in each.next]),
        "submit": spread([ms for each in sittings for ms in each.submit]),
        "decisions": len(stored),
        "decisions_per_second": round(len(stored) / options.seconds, 1),
        "duplicates": twice + kept_twice(standing),
        "errors": sum(len(each.errors) for each in sittings),
        "lost": len(set(stored) - kept),
    }


def kept_twice(standing: Any) -> int:
    """Return how many standing annotations share their task with another."""
    tasks = list(standing.values_list("task", flat=True))
    return len(tasks) - len(set(tasks))


def spread(times: list[float]) -> dict[str, float]:
    ordered = sorted(times) or [float("nan")]
    at = {"p50_ms": 0.5, "p95_ms": 0.95, "max_ms": 1.0}
    last = len(ordered) - 1
    return {
        name: round(ordered[min(last, int(share * len(ordered)))], 1) for name, share in at.items()
    }


if __name__ == "__main__":
    main()
