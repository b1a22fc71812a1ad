"""How long the instant loop takes between a review and the next batch, encoding aside.

    python benchmarks/instant.py [--gold 2000] [--labels 100] [--documents 10000] [--json]

Works in a database of its own, with random vectors that cluster around their labels and texts of
twelve words, some of which tell. The target, 2 seconds for 2,000 gold documents and 100 labels on
two cores, is for one whole refit: read the gold, its vectors and words, fit head, words,
temperature and thresholds with four folds, write, register and deploy the bundle, choose the next
batch among all open documents, predict and prioritise it.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from scratch import report, set_up

SEED = 7
DIM = 384
TARGET_SECONDS = 2.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gold", type=int, default=2_000)
    parser.add_argument("--labels", type=int, default=100)
    parser.add_argument("--documents", type=int, default=10_000, help="open ones")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        set_up(Path(folder))
        figures = measure(options.gold, options.labels, options.documents, options.repeat)
    report(figures, as_json=options.json)


def measure(gold: int, labels: int, documents: int, repeat: int) -> dict[str, Any]:
    """Refit *repeat* times, each time with a batch more gold; return seconds."""
    from django.utils import timezone

    from training import instant

    project, open_ids = build(gold, labels, documents)
    seconds = []
    for turn in range(repeat):
        started = time.perf_counter()
        version = instant.refit(project, now=timezone.now())
        seconds.append(round(time.perf_counter() - started, 3))
        settle(project, open_ids[turn * 20 : turn * 20 + 20], labels)
    return {
        "gold": gold,
        "labels": labels,
        "documents": documents,
        "seconds": seconds,
        "best_seconds": min(seconds),
        "target_seconds": TARGET_SECONDS,
        "top1": version.metrics["top1"] if version else None,
    }


def build(gold: int, labels: int, documents: int) -> tuple[Any, list[int]]:
    """Return a project with vectors, a zero-shot champion and *gold*; and its open documents."""
    import numpy as np
    from django.conf import settings
    from django.utils import timezone

    from inference import deployments, vectors
    from inference.buckets import Thresholds
    from inference.bundle import Bundle, EncoderReference
    from inference.calibrate import Calibration
    from inference.head import Head
    from inference.rebuild import vector_texts
    from inference.retrieve import unit
    from labeling import taxonomies
    from labeling.models import Document, Label, Project, TaxonomyVersion

    now = timezone.now()
    rng = np.random.default_rng(SEED)
    project = Project.objects.create(slug="instant", name="Instant", created_at=now)
    TaxonomyVersion.objects.create(project=project, number=1, published_at=now)
    Label.objects.bulk_create(
        Label(project=project, key=f"label-{n:03}", name=f"Label {n}") for n in range(labels)
    )
    total = gold + documents
    words = rng.integers(10_000, size=(labels, 4))  # of each label; its documents hold them all
    chance = rng.integers(10_000, size=(total, 8))  # and as many others
    Document.objects.bulk_create(
        Document(
            project=project,
            external_id=str(n),
            text=" ".join(f"word{w}" for w in [*words[n % labels], *chance[n]]),
            fingerprint=f"{n:064x}",
            imported_at=now,
        )
        for n in range(total)
    )
    ids = list(project.documents.order_by("pk").values_list("pk", flat=True))
    centres = unit(rng.normal(size=(labels, DIM)).astype(np.float32))
    noise = rng.normal(size=(total, DIM)).astype(np.float32) / np.sqrt(DIM)
    vectors.store(ids, unit(centres[np.arange(total) % labels] + 6 * noise), "e" * 64)
    bundle = Bundle(
        kind="single",
        encoder=EncoderReference("none", "e" * 64),
        labels=vector_texts(taxonomies.label_texts(project)),
        label_vectors=unit(centres + rng.normal(size=centres.shape).astype(np.float32) / 20),
        head=Head.zero(labels, DIM),
        calibration=Calibration(),
        thresholds=Thresholds(),
        taxonomy_number=1,
    ).write(settings.BUNDLE_DIR)
    deployments.deploy(project, bundle.digest, reason="", actor=None, now=now)
    settle(project, ids[:gold], labels)
    return project, ids[gold:]


def settle(project: Any, ids: list[int], labels: int) -> None:
    """Make documents gold with the label their place says."""
    from django.utils import timezone

    from labeling import gold

    label_ids = list(project.labels.order_by("key").values_list("pk", flat=True))
    first = project.documents.order_by("pk").values_list("pk", flat=True)[0]
    grants = [(pk, [label_ids[(pk - first) % labels]]) for pk in ids]
    gold.grant_imported_bulk(project, grants, timezone.now())


if __name__ == "__main__":
    main()
