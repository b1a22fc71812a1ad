"""How fast predictions are written and texts are encoded.

Run as `python benchmarks/predict.py [--documents 20000] [--labels 77] [--encode 400] [--json]`.
It works in a database of its own, in a temporary folder.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SEED = 7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--labels", type=int, default=77)
    parser.add_argument("--encode", type=int, default=400, help="texts to encode; 0 for none")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        _set_up(Path(folder))
        figures = {**_writing(options.documents, options.labels), **_encoding(options.encode)}
    lines = [f"{name}: {value}" for name, value in figures.items()]
    sys.stdout.write(json.dumps(figures) if options.json else "\n".join(lines))
    sys.stdout.write("\n")


def _set_up(folder: Path) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    os.environ["STATE_DIR"] = str(folder)
    os.environ["CELERY_TASK_ALWAYS_EAGER"] = "true"
    for name in ("DATABASE_URL", "BUNDLE_DIR"):  # nothing of the real installation is touched
        os.environ.pop(name, None)
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def _writing(count: int, labels: int) -> dict[str, Any]:
    """Predict documents whose vectors are known, first afresh, then by another bundle."""
    import numpy as np
    from django.utils import timezone

    from inference import predictions, vectors
    from inference.retrieve import unit
    from labeling.models import Document, Project

    generator = np.random.default_rng(SEED)
    project = Project.objects.create(slug="bench", name="Bench", created_at=timezone.now())
    first = _bundle(project, labels, generator, scale=20.0)
    second = _bundle(project, labels, generator, scale=19.0)
    Document.objects.bulk_create(
        Document(
            project=project,
            external_id=str(number),
            text=f"Document {number}",
            fingerprint=f"{number:064x}",
            imported_at=timezone.now(),
        )
        for number in range(count)
    )
    ids = list(project.documents.values_list("pk", flat=True))
    embeddings = unit(generator.normal(size=(count, 384)).astype(np.float32))
    vectors.store(ids, embeddings, first.encoder.digest)

    def predict(bundle: Any) -> None:
        predictions.predict_documents(project, ids, bundle=bundle, now=timezone.now())

    return {
        **_rate("new", count, lambda: predict(first)),
        **_rate("again", count, lambda: predict(second)),
        "documents": count,
        "labels": labels,
    }


def _rate(name: str, count: int, work: Callable[[], None]) -> dict[str, Any]:
    """Return units a second by the clock and by the processor's own time, which load spares."""
    before = time.process_time()
    seconds = _seconds(work)
    return {
        f"predictions_per_second_{name}": round(count / seconds),
        f"predictions_per_cpu_second_{name}": round(count / (time.process_time() - before)),
    }


def _bundle(project: Any, count: int, generator: Any, *, scale: float) -> Any:
    import numpy as np
    from django.conf import settings
    from django.utils import timezone

    from inference.buckets import Thresholds
    from inference.bundle import Bundle, EncoderReference
    from inference.calibrate import Calibration
    from inference.head import Head
    from inference.retrieve import LabelVectorText, unit
    from labeling.models import Label, TaxonomyVersion

    TaxonomyVersion.objects.get_or_create(
        project=project, number=1, defaults={"published_at": timezone.now()}
    )
    if not project.labels.exists():
        Label.objects.bulk_create(
            Label(project=project, key=f"label-{number}", name=f"Label {number}")
            for number in range(count)
        )
    labels = project.labels.order_by("pk")
    vectors = unit(generator.normal(size=(count, 384)).astype(np.float32))
    return Bundle(
        kind="single",
        encoder=EncoderReference("none", "bench"),
        labels=tuple(LabelVectorText(label.pk, label.key, label.name) for label in labels),
        label_vectors=vectors,
        head=Head.zero(*vectors.shape, scale=scale),
        calibration=Calibration(),
        thresholds=Thresholds(accept=0.05),  # both ways are taken: accepted, and queued
        taxonomy_number=1,
    ).write(settings.BUNDLE_DIR)


def _encoding(count: int) -> dict[str, Any]:
    """Encode mails of about 170 tokens."""
    if not count:
        return {}
    from django.conf import settings

    from inference.encode import PACKAGED, load_encoder

    encoder = load_encoder(PACKAGED, settings.ENCODER_ENGINE)
    sentence = "Please check transfer {} again, as the amount on my statement of May differs. "
    texts = ["".join(sentence.format(n * 10 + part) for part in range(9)) for n in range(count)]
    seconds = _seconds(lambda: encoder.encode(texts))
    return {
        "encoded_per_second": round(count / seconds, 1),
        "tokens_per_text": len(encoder.model.tokenizer(texts[0])["input_ids"]),
        "engine": encoder.engine,
        "threads": os.environ.get("OMP_NUM_THREADS", "all"),
    }


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
