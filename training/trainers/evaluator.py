"""Hit@k of right labels on validation documents, measured while the encoder trains."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers.base.evaluation import BaseEvaluator

from inference.encode import Encoder
from inference.retrieve import LabelVectorText, label_vectors
from training.examples import Examples

HIT = "hit_at_5"
MEASURED = ("hit_at_1", HIT, "right_label_cosine")
CHOICE = "choice"  # what the best checkpoint is chosen by, and early stopping


def autocast(engine: str, device: str) -> AbstractContextManager[Any]:
    """Return a context in which the transformer computes in bf16, where *engine* says so."""
    if engine == "bf16":
        return torch.autocast(device, dtype=torch.bfloat16)
    return nullcontext()


class HitEvaluator(BaseEvaluator):
    """Encodes documents and labels as inference does and ranks all labels by cosine.

    Args:
        examples: validation documents; those that fit no label are left out.
        labels: in the order of the examples' targets.
        engine: "fp32" or "bf16".
    """

    def __init__(
        self, examples: Examples, labels: Sequence[LabelVectorText], engine: str = "fp32"
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.examples = examples.take(np.flatnonzero(examples.fits))
        self.labels = labels
        self.engine = engine
        self.primary_metric = CHOICE

    def __call__(
        self,
        model: Any,
        output_path: str | None = None,  # noqa: ARG002 - nothing is written
        epoch: float = -1,  # noqa: ARG002
        steps: int = -1,  # noqa: ARG002
    ) -> dict[str, float]:
        """Return Hit@1, Hit@5, the mean cosine to the right labels, and what to choose by.

        The choice is Hit@5; of equals, Hit@1: it is scaled below what one document adds to Hit@5.
        With few labels Hit@5 is soon perfect and would tell checkpoints no longer apart.
        """
        model.eval()
        encoder = Encoder(model, digest="")
        with autocast(self.engine, model.device.type):
            documents = encoder.encode(self.examples.texts)  # (documents, dim)
            vectors = label_vectors(self.labels, encoder.encode)  # (labels, dim)
        similarities = documents @ vectors.T  # (documents, labels)
        right = similarities[self.examples.targets]
        first, fifth = (hits(similarities, self.examples.targets, k) for k in (1, 5))
        return {
            CHOICE: fifth + first / (len(self.examples) + 1),
            "hit_at_1": first,
            HIT: fifth,
            "right_label_cosine": float(right.mean()) if right.size else float("nan"),
        }


def hits(similarities: NDArray[np.float32], targets: NDArray[np.bool_], k: int) -> float:
    """Return the share of documents with a right label among their *k* most similar; NaN of none.

    Args:
        similarities, targets: (documents, labels).
    """
    if not len(targets):
        return float("nan")
    best = np.argsort(-similarities, axis=1, kind="stable")[:, :k]  # (documents, k)
    return float(np.take_along_axis(targets, best, axis=1).any(axis=1).mean())
