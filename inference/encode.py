"""Texts to unit vectors."""

import copy
import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from inference import texts as preparation
from inference.engine import probe
from inference.weights import (
    PACKAGED,
    EncoderUnavailable,
    digest_of,
    directory_of,
)

__all__ = [
    "PACKAGED",
    "Embeddings",
    "Encoder",
    "EncoderUnavailable",
    "digest_of",
    "load_encoder",
    "load_model",
]

Embeddings = NDArray[np.float32]

TOKENS_A_BATCH: Final = 2_048
"""Padded tokens encoded at once: 117 documents a second against 90 with 8,192 (2 cores, bf16,
171 tokens a document), for the activations then stay in the processor's cache."""

TOKENS_A_BATCH_ON_GPU: Final = 65_536

_CHUNK: Final = 4_096
"""Texts tokenized and sorted by length at once: bounds memory, and mixes lengths enough."""


class Encoder:
    """A sentence-transformers model behind one method.

    digest: SHA-256 of its weights, vocabulary and configuration.
    dim: length of its vectors.
    engine: what the transformer computes in, "fp32" or "bf16".
    """

    def __init__(self, model: Any, digest: str, engine: str = "fp32") -> None:
        self.model = model
        self.digest = digest
        self.engine = engine
        self.dim = int(model.get_embedding_dimension())
        self._device = str(model.device)
        self._budget = TOKENS_A_BATCH if self._device == "cpu" else TOKENS_A_BATCH_ON_GPU

    def in_engine(self, engine: str) -> Self:
        """Turn the transformer, but not its pooling, to "bf16" or "fp32", in place."""
        import torch

        self.model[0].to(torch.bfloat16 if engine == "bf16" else torch.float32)
        self.engine = engine
        return self

    def copy_in(self, engine: str) -> Self:
        """Return a copy that computes in *engine*; this one stays as it is."""
        return type(self)(copy.deepcopy(self.model), self.digest).in_engine(engine)

    def encode(self, texts: Sequence[str]) -> Embeddings:
        """Return the unit vectors of *texts*, shape (texts, dim), float32, in their order.

        Texts are cut at texts.MAX_CHARACTERS and at the model's own limit. Batches hold texts of
        like length. Pooling and normalising are in fp32, whatever the engine.
        """
        vectors = np.empty((len(texts), self.dim), dtype=np.float32)
        for start in range(0, len(texts), _CHUNK):
            chunk = [preparation.bounded(text) for text in texts[start : start + _CHUNK]]
            vectors[start : start + len(chunk)] = self._encode_chunk(chunk)
        return vectors

    def _encode_chunk(self, texts: list[str]) -> Embeddings:
        tokens = self.model.tokenizer(
            texts, truncation=True, max_length=self.model.max_seq_length, padding=False
        )
        lengths = [len(ids) for ids in tokens["input_ids"]]
        vectors = np.empty((len(texts), self.dim), dtype=np.float32)  # (texts, dim)
        for batch in batches(lengths, self._budget):
            rows = [{name: tokens[name][row] for name in tokens} for row in batch]
            vectors[batch] = self._encode_batch(rows)
        return vectors

    def _encode_batch(self, rows: list[dict[str, list[int]]]) -> Embeddings:
        import torch

        padded = self.model.tokenizer.pad(rows, return_tensors="pt").to(self._device)
        transformer, *rest = self.model
        with torch.inference_mode():
            features = transformer(dict(padded))
            features["token_embeddings"] = features["token_embeddings"].float()  # (rows, length, d)
            for module in rest:
                features = module(features)
            pooled = features["sentence_embedding"].float()  # (rows, dim)
            unit = torch.nn.functional.normalize(pooled, dim=1)
        vectors: Embeddings = unit.cpu().numpy()
        return vectors


def batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Group positions by like length, each group at most *budget* when padded to its longest.

    Args:
        lengths: tokens of each text.
        budget: tokens of a padded group; a single text may exceed it.
    """
    batch: list[int] = []
    for position in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[position] > budget:
            yield batch
            batch = []
        batch.append(position)
    if batch:
        yield batch


def load_encoder(source: str, engine: str = "auto", root: Path | None = None) -> Encoder:
    """Load the encoder named by *source* for encoding.

    Args:
        source: see weights.directory_of.
        engine: "fp32", "bf16", or "auto" for what engine.probe finds best here.
        root: the folder of bundles, for encoders kept there.

    Raises:
        EncoderUnavailable: it is not on this machine, or not what its name promises.
        ValueError: no such engine.
    """
    if engine not in {"auto", "fp32", "bf16"}:
        raise ValueError(f"no engine {engine!r}: auto, fp32 or bf16")
    digest = digest_of(source, root)
    encoder = Encoder(load_model(directory_of(source, root)), digest)
    if engine == "auto":
        engine = probe(encoder).engine
    return encoder.in_engine(engine)


def load_model(directory: Path) -> Any:
    """Load a sentence-transformers model from a folder, silently and without any hub.

    Returns a SentenceTransformer in fp32, in evaluation mode, on the GPU where there is one.

    Raises:
        EncoderUnavailable: the folder holds no model that starts with a text transformer.
    """
    with library() as sentence_transformers:
        try:
            model = sentence_transformers.SentenceTransformer(
                str(directory), local_files_only=True, model_kwargs={"use_safetensors": True}
            )
        except (OSError, ValueError, KeyError) as error:
            raise EncoderUnavailable(f"{directory}: cannot be loaded ({error})") from error
    if not hasattr(model[0], "auto_model") or not hasattr(model.tokenizer, "pad"):
        raise EncoderUnavailable(f"{directory}: does not start with a text transformer")
    return model.eval()


@contextmanager
def library() -> Iterator[Any]:
    """Lend sentence-transformers to load a model by: silent, and kept from asking any hub."""
    os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries' own making, at import and load
        sentence_transformers = import_module("sentence_transformers")
        _hush()
        yield sentence_transformers


def _hush() -> None:
    """Progress bars and advice of the libraries are noise in a worker's log."""
    transformers_logging = import_module("transformers.utils.logging")
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    logging.getLogger("sentence_transformers").setLevel(logging.ERROR)
