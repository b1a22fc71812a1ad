"""How fast documents go in, how much memory that takes, and what a second time costs.

    python benchmarks/imports.py [--documents 100000] [--json]

Writes a file of documents of about 1 KB, and imports it into a database of its own: from nothing,
again, and again with ten new ones among them. Each import runs in a process of its own, so that its
peak memory is its own. Reading the file alone is measured beside it; processor seconds stand beside
the clock's, which a busy machine stretches.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORDS = [
    f"{a}{b}" for a in ("card", "pay", "trans", "top", "fee") for b in ("ment", "up", "fer", "s")
]
TARGET_RATE = 10_000  # documents a second, from the issue
TARGET_MEMORY = 300  # MB


def write_documents(path: Path, count: int, *, seed: int, new: int = 0) -> None:
    """Write *count* documents of about 1 KB; the last *new* of them have ids of their own."""
    random_ = random.Random(seed)
    with path.open("w") as file:
        for number in range(count):
            text = " ".join(random_.choices(WORDS, k=140))
            mark = "new" if number >= count - new else "mail"
            row = {
                "id": f"{mark}-{number}",
                "subject": f"Question {number}",
                "text": f"{number} {mark} {text}",
                "metadata": {"channel": "mail", "language": "en"},
            }
            file.write(json.dumps(row) + "\n")


def measure(path: str, *, store: bool) -> dict[str, float]:
    """Read, and with *store* import, the file at *path*; return counts, seconds and peak MB."""
    sys.path.insert(0, str(ROOT))
    import django

    django.setup()
    from django.utils import timezone

    from labeling import events
    from labeling.document_files import DocumentFile
    from labeling.documents import import_documents
    from labeling.models import Project

    events.documents_imported.receivers.clear()  # what listens works in a worker, not here
    now = timezone.now()
    project, _ = Project.objects.get_or_create(
        slug="benchmark", defaults={"name": "Benchmark", "created_at": now}
    )
    started, used, added = time.perf_counter(), time.process_time(), 0
    if store:
        report = import_documents(project, DocumentFile(Path(path)), actor=None, now=now)
        added = report.added
    else:
        for _row in DocumentFile(Path(path)):
            pass
    seconds, cpu = time.perf_counter() - started, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "added": added,
        "seconds": round(seconds, 3),
        "cpu_seconds": round(cpu, 3),
        "peak_mb": round(peak, 1),
    }


def in_own_process(state: Path, path: Path, *, store: bool) -> dict[str, float]:
    command = [sys.executable, __file__, "--measure", str(path), *(["--store"] if store else [])]
    answer = subprocess.run(command, env=environment(state), check=True, stdout=subprocess.PIPE)
    found: dict[str, float] = json.loads(answer.stdout)
    return found


def environment(state: Path) -> dict[str, str]:
    return {
        **os.environ,
        "STATE_DIR": str(state),
        "DATABASE_URL": f"sqlite:///{state / 'benchmark.sqlite3'}",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "CELERY_TASK_ALWAYS_EAGER": "0",
    }


def run(documents: int, *, seed: int) -> dict[str, object]:
    """Return the figures of all four measurements, and whether they meet the targets."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        first, second = state / "documents.jsonl", state / "ten-new.jsonl"
        write_documents(first, documents, seed=seed)
        write_documents(second, documents, seed=seed, new=10)
        migrate = [sys.executable, str(ROOT / "manage.py"), "migrate", "-v0"]
        subprocess.run(migrate, env=environment(state), check=True)
        reading = in_own_process(state, first, store=False)
        fresh = in_own_process(state, first, store=True)
        again = in_own_process(state, first, store=True)
        ten_new = in_own_process(state, second, store=True)
    rate = documents / fresh["seconds"]
    return {
        "documents": documents,
        "reading": reading,
        "fresh": {
            **fresh,
            "per_second": round(rate),
            "per_cpu_second": round(documents / fresh["cpu_seconds"]),
        },
        "again": {**again, "per_second": round(documents / again["seconds"])},
        "ten_new": {
            **ten_new,
            "times_reading": round(ten_new["cpu_seconds"] / reading["cpu_seconds"], 2),
        },
        "meets_rate": rate >= TARGET_RATE,
        "meets_memory": fresh["peak_mb"] < TARGET_MEMORY,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--store", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        sys.stdout.write(json.dumps(measure(options.measure, store=options.store)))
        return
    figures = run(options.documents, seed=options.seed)
    if options.json:
        sys.stdout.write(json.dumps(figures) + "\n")
        return
    for name, value in figures.items():
        sys.stdout.write(f"{name:>12}  {value}\n")


if __name__ == "__main__":
    main()
