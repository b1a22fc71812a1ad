"""Pairs of document and label to logits: the two are read together."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from inference.encode import library
from inference.texts import bounded
from inference.weights import EncoderUnavailable

Floats = NDArray[np.float32]

LONGEST: Final = 192
"""Tokens of a pair; the longer of document and label is cut."""

_PAIRS_AT_ONCE: Final = 32


class CrossEncoder:
    """A sentence-transformers cross-encoder behind one method.

    digest: SHA-256 of its weights, vocabulary and configuration.
    engine: what it computes in, "fp32" or "bf16".
    """

    def __init__(self, model: Any, digest: str, engine: str = "fp32") -> None:
        import torch

        self.model = model
        self.digest = digest
        self.engine = engine
        model.model.to(torch.bfloat16 if engine == "bf16" else torch.float32)

    def score(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """Return the logit of each (document, label), (pairs,), float32; higher fits better."""
        import torch

        if not pairs:
            return np.empty(0, dtype=np.float32)
        known = {text: bounded(text) for pair in pairs for text in pair}
        scores = self.model.predict(
            [(known[document], known[label]) for document, label in pairs],
            batch_size=_PAIRS_AT_ONCE,
            show_progress_bar=False,
            activation_fn=torch.nn.Identity(),
        )
        return np.asarray(scores, dtype=np.float32)


def load_model(directory: Path) -> Any:
    """Load a cross-encoder from a folder, silently and without any hub.

    An encoder may stand there, too: then what turns its first token into a logit begins untaught.

    Returns a sentence_transformers.CrossEncoder of one output, in fp32, in evaluation mode.

    Raises:
        EncoderUnavailable: the folder holds no such model.
    """
    with library() as sentence_transformers:
        try:
            model = sentence_transformers.CrossEncoder(
                str(directory),
                num_labels=1,
                local_files_only=True,
                model_kwargs={"use_safetensors": True},
            )
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise EncoderUnavailable(f"{directory}: cannot be loaded ({error})") from error
    places = getattr(model.model.config, "max_position_embeddings", LONGEST)
    model.max_seq_length = min(LONGEST, places)
    return model.eval()
