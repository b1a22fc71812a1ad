"""Real parts for tests of inference: bundles and an encoder small enough to work out by hand."""

import numpy as np
from django.conf import settings

from inference.buckets import Thresholds
from inference.bundle import Bundle, EncoderReference
from inference.calibrate import Calibration
from inference.head import Head
from inference.retrieve import LabelVectorText, unit
from inference.vectors import store

ENCODER = "w" * 64


class Words:
    """Encodes a text as the words it holds, one dimension each: no text is like another by luck."""

    digest = ENCODER

    def __init__(self, vocabulary):
        self.vocabulary = vocabulary.split()
        self.encoded = []

    def encode(self, texts):
        self.encoded.extend(texts)
        counts = [[text.lower().split().count(word) for word in self.vocabulary] for text in texts]
        return unit(np.array(counts, dtype=np.float32).reshape(-1, len(self.vocabulary)))


def label_text(pk, name="card", description="", situations=()):
    return LabelVectorText(pk, f"label-{pk}", name, description, tuple(situations))


def bundle_of(label_ids=(1, 2, 3), *, kind="single", taxonomy_number=1, **parts):
    """A bundle whose labels point along the first axes: a document's vector is its similarities."""
    count = len(label_ids)
    per_label = (0.5,) * count if kind == "multi" else ()
    values = {
        "encoder": EncoderReference("words", ENCODER),
        "labels": tuple(label_text(pk) for pk in label_ids),
        "label_vectors": np.eye(count, 4, dtype=np.float32),
        "head": Head.zero(count, 4),
        "calibration": Calibration(offset=10.0 if kind == "multi" else 0.0),
        "thresholds": Thresholds(accept=0.9, per_label=per_label),
        **parts,
    }
    return Bundle(kind=kind, taxonomy_number=taxonomy_number, **values)


def written(project, labels, **parts):
    """A bundle for *labels* of *project*, written where this test keeps bundles."""
    return bundle_of([label.pk for label in labels], **parts).write(settings.BUNDLE_DIR)


def place(documents, *vectors):
    """Give each document its vector, so that nothing need be encoded."""
    rows = np.array(vectors, dtype=np.float32)
    store([document.pk for document in documents], rows, ENCODER)
