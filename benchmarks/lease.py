"""Measure lease and annotate as reviewers feel them: 20 at once on 100,000 open tasks.

Usage: python benchmarks/lease.py [--tasks N] [--reviewers N] [--turns N] [--think S] [--json]
Works on DATABASE_URL, or on a fresh SQLite file of its own; adds a project and leaves it there.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))
BATCH = 5_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--reviewers", type=int, default=20)
    parser.add_argument("--turns", type=int, default=25, help="Decisions of each reviewer.")
    parser.add_argument(
        "--think",
        type=float,
        default=1.0,
        help="Mean seconds between two decisions of a reviewer; 0 measures saturation.",
    )
    parser.add_argument("--json", action="store_true", help="One JSON line, in milliseconds.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tiebreak-lease-") as folder:
        os.environ.setdefault("STATE_DIR", folder)
        os.environ.setdefault("DATABASE_URL", f"sqlite:///{folder}/lease.sqlite3")
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        import django

        django.setup()
        report(
            measure(options.tasks, options.reviewers, options.turns, options.think),
            as_json=options.json,
        )


def measure(tasks: int, reviewers: int, turns: int, think: float) -> dict[str, float | int | str]:
    """Fill a project, then time every lease and every annotate of all reviewers, in ms."""
    from django.core.management import call_command
    from django.db import connection

    from labeling import events

    call_command("migrate", verbosity=0)
    events.gold_changed.receivers = []  # nobody listens: this measures the desk alone
    project, people, labels = build(tasks, reviewers)
    sittings = [Sitting(person, project, labels, turns, think) for person in people]
    began = time.perf_counter()
    for sitting in sittings:
        sitting.start()
    for sitting in sittings:
        sitting.join()
    seconds = time.perf_counter() - began
    leases = [took for sitting in sittings for took in sitting.leases]
    decisions = [took for sitting in sittings for took in sitting.decisions]
    both = [lease + decision for lease, decision in zip(leases, decisions, strict=True)]
    return {
        "database": connection.vendor,
        "tasks": tasks,
        "reviewers": reviewers,
        "think_seconds": think,
        "decisions": len(both),
        "decisions_per_second": round(len(both) / seconds, 1),
        **{
            f"{name}_p{share}": round(percentile(values, share), 1)
            for name, values in (("lease", leases), ("annotate", decisions), ("both", both))
            for share in (50, 95)
        },
    }


def build(tasks: int, reviewers: int) -> tuple[Any, list[Any], list[Any]]:
    """A project of *tasks* open tasks, its reviewers and its 77 labels."""
    from django.contrib.auth.models import User
    from django.utils import timezone

    from labeling import queues
    from labeling.models import Document, Label, Prediction, Project, TaxonomyVersion

    now, chance = timezone.now(), random.Random(0)
    name = f"lease-{uuid.uuid4().hex[:8]}"
    project = Project.objects.create(slug=name, name=name, created_at=now)
    version = TaxonomyVersion.objects.create(project=project, number=1, published_at=now)
    labels = Label.objects.bulk_create(
        Label(project=project, key=f"label-{n}", name=f"Label {n}") for n in range(77)
    )
    for start in range(0, tasks, BATCH):
        documents = Document.objects.bulk_create(
            Document(
                project=project,
                external_id=str(n),
                text="x" * 1_000,
                fingerprint=f"{n:064x}",
                imported_at=now,
            )
            for n in range(start, min(start + BATCH, tasks))
        )
        predictions = [
            Prediction(
                project=project,
                document=document,
                bundle="a" * 64,
                taxonomy_version=version,
                bucket=Prediction.Bucket.REVIEW,
                margin=chance.random(),
                probability=0.5,
                candidates=[[each.pk, 0.5, 1.0, 0.1] for each in chance.sample(labels, 20)],
                label_ids=[labels[0].pk],
                latency=1,
                predicted_at=now,
            )
            for document in documents
        ]
        queues.enqueue(Prediction.objects.bulk_create(predictions), now=now)
    people = User.objects.bulk_create(User(username=f"{name}-{n}") for n in range(reviewers))
    return project, people, labels


class Sitting(threading.Thread):
    """One reviewer: lease, decide, think, *turns* times. Keeps how long each act took, in ms."""

    def __init__(
        self, person: Any, project: Any, labels: list[Any], turns: int, think: float
    ) -> None:
        super().__init__()
        self.person, self.project, self.labels = person, project, labels
        self.turns, self.think = turns, think
        self.leases: list[float] = []
        self.decisions: list[float] = []

    def run(self) -> None:
        from django.db import connection

        chance = random.Random(self.person.pk)
        for _ in range(self.turns):
            time.sleep(chance.expovariate(1 / self.think) if self.think else 0)
            self.turn(chance.choice(self.labels))
        connection.close()

    def turn(self, label: Any) -> None:
        from django.utils import timezone

        from labeling import annotations, queues

        began = time.perf_counter()
        task = queues.lease_next(self.project, self.person, now=timezone.now())
        leased = time.perf_counter()
        if task is None:
            return
        annotations.annotate(
            task, reviewer=self.person, labels=[label], key=uuid.uuid4(), now=timezone.now()
        )
        self.leases.append(1_000 * (leased - began))
        self.decisions.append(1_000 * (time.perf_counter() - leased))


def percentile(values: list[float], share: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * share // 100)]


def report(figures: dict[str, float | int | str], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(figures) + "\n")
        return
    for name, figure in figures.items():
        sys.stdout.write(f"{name:22} {figure}\n")


if __name__ == "__main__":
    main()
