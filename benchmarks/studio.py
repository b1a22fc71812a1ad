"""How long pages and acts of the taxonomy studio take with 5,000 labels, five levels deep.

    python benchmarks/studio.py [--labels 5000] [--json]

The tree, a search, the remarks while one types, and a publish, each as a person would ask for it,
without the network: the view with its template and its queries. 20,000 gold documents are spread
over the labels. Medians and the slowest of several, in milliseconds. Targets: the tree 300, a
search and the remarks 50, a publish 5,000. Works in a database of its own.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scratch import report, set_up, tell

DEEP = 5
DOCUMENTS = 20_000
HTMX = {"HX-Request": "true"}
WORDS = ("card", "loan", "transfer", "refund", "account", "fee", "limit", "parcel", "invoice")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--labels", type=int, default=5_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        set_up(Path(folder))
        figures = measure(options.labels)
    report(figures, as_json=options.json)


def measure(count: int) -> dict[str, Any]:
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.test import Client
    from django.utils import timezone

    from labeling import memberships, publishing
    from labeling.taxonomy_acts import Edit, Merge

    settings.ALLOWED_HOSTS = ["testserver"]
    plain = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": plain}}
    owner = User.objects.create(username="owner")
    now = timezone.now()
    project = memberships.create_project(
        name="Studio", slug="studio", kind="single", admin=owner, actor=None, now=now
    )
    entries = grown(count)
    started = time.perf_counter()
    publishing.publish(project, entries, actor=None, now=now)
    figures: dict[str, Any] = {"labels": count, "publish_all_ms": ms(started)}
    fill(project)
    client = Client()
    client.force_login(owner)
    address = f"/p/{project.slug}/taxonomy/"
    figures["tree_ms"] = timed(lambda _: client.get(address))
    branch = project.labels.get(key=entries[0].key)
    figures["branch_ms"] = timed(lambda _: client.get(f"{address}{branch.pk}/branch/"))
    figures["search_ms"] = timed(
        lambda n: client.get(f"{address}?q={WORDS[n % len(WORDS)]}", headers=HTMX)
    )
    leaves = [entry for entry in entries if entry.assignable]
    written = project.labels.get(key=leaves[-1].key).pk
    figures["remarks_ms"] = timed(
        lambda n: client.post(
            f"{address}remarks/?of={written}",
            {"name": f"card loan {n}", "description": "About card loan."},
        )
    )

    def edit(n: int) -> None:
        act = Edit(leaves[n].key, {"description": f"Said anew {n}."})
        publishing.publish_acts(project, [act], actor=None, now=timezone.now())

    def merge(n: int) -> None:
        act = Merge(leaves[-n - 1].key, leaves[100].key)
        publishing.publish_acts(project, [act], actor=None, now=timezone.now())

    figures["publish_edit_ms"] = timed(edit, 5)
    figures["publish_merge_ms"] = timed(merge, 5)
    return figures


def grown(count: int) -> list[Any]:
    """Return labels five levels deep: each group has about six below it."""
    from labeling.taxonomy_entries import TaxonomyEntry

    chance = random.Random(0)
    made: list[Any] = []
    level = [None]
    for depth in range(DEEP):
        wide = count if depth == DEEP - 1 else 6 ** (depth + 1)
        here = []
        for n in range(min(wide, count - len(made))):
            name = " ".join(chance.sample(WORDS, 3))
            made.append(
                TaxonomyEntry(
                    f"l{depth}_{n}",
                    f"{name} {depth}.{n}",
                    level[n % len(level)],
                    f"About {name}.",
                    assignable=depth == DEEP - 1,
                )
            )
            here.append(made[-1].key)
        level = here
    return made


def fill(project: Any) -> None:
    """Give the labels gold."""
    from django.utils import timezone

    from labeling.models import Document, GoldLabel

    now = timezone.now()
    labels = list(project.labels.assignable().values_list("pk", flat=True))
    Document.objects.bulk_create(
        Document(
            project=project,
            external_id=str(n),
            text="?",
            fingerprint=f"{n:064x}",
            imported_at=now,
            gold_at=now,
        )
        for n in range(DOCUMENTS)
    )
    documents = project.documents.order_by("pk").values_list("pk", flat=True)
    GoldLabel.objects.bulk_create(
        GoldLabel(project=project, document_id=pk, label_id=labels[n % len(labels)], granted_at=now)
        for n, pk in enumerate(documents)
    )
    tell(f"{len(labels):,} labels with {len(documents):,} gold")


def timed(act: Callable[[int], Any], times: int = 15) -> dict[str, float]:
    act(0)
    took = []
    for n in range(1, times + 1):
        started = time.perf_counter()
        act(n)
        took.append(ms(started))
    return {"p50": round(statistics.median(took), 1), "max": max(took)}


def ms(started: float) -> float:
    return round(1000 * (time.perf_counter() - started), 1)


if __name__ == "__main__":
    main()
