"""What training hands to serving: one directory with everything a prediction depends on."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from inference import folders, terms
from inference.buckets import NEVER, Thresholds
from inference.calibrate import Calibration
from inference.features import Features
from inference.head import Head
from inference.lexical import Lexical, Vocabulary
from inference.rerank import Reranker
from inference.retrieve import LabelVectorText

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
TENSORS: Final = "tensors.safetensors"

Kind = Literal["single", "multi"]


class BundleCorrupt(Exception):
    """The files of a bundle are missing, damaged, or not those its digest names."""


@dataclass(frozen=True, slots=True)
class EncoderReference:
    """The encoder a bundle was made with; its weights are kept once, outside the bundle.

    source: what weights.directory_of understands.
    digest: SHA-256 of its files; its name in the cache of document vectors.
    """

    source: str
    digest: str


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """An immutable, self-describing model.

    kind: "single" or "multi".
    labels: the texts of each label, in the order of all rows and columns; its ids are rows of
        labeling.Label.
    label_vectors: unit vectors, (labels, dim), float32.
    taxonomy_number: of the taxonomy version the labels come from.
    lexical: what words add to the logits; None where that does not help.
    self_trains: whether its head learns from silver too, whenever it is fitted.
    reranker: a second look at what is not clear; None where it did not earn its place.
    digest: SHA-256 over the digests of its files; empty until written.

    Raises:
        ValueError: its parts do not speak of the same labels.
    """

    kind: Kind
    encoder: EncoderReference
    labels: tuple[LabelVectorText, ...]
    label_vectors: NDArray[np.float32]
    head: Head
    calibration: Calibration
    thresholds: Thresholds
    taxonomy_number: int
    reranker: Reranker | None = None
    lexical: Lexical | None = None
    self_trains: bool = False
    digest: str = ""

    def __post_init__(self) -> None:
        if self.label_vectors.shape != self.head.delta.shape:
            raise ValueError("head and label vectors do not match")
        if len(self.labels) != len(self.label_vectors):
            raise ValueError(f"{len(self.labels)} labels, {len(self.label_vectors)} vectors")
        if self.lexical is not None and self.lexical.weights.shape[1] != len(self.labels):
            raise ValueError("the lexical channel and the labels do not match")
        if self.reranker is not None and len(self.reranker.cards) != len(self.labels):
            raise ValueError("a reranker reads a card of each label")
        if len(self.thresholds.per_label) != (len(self.labels) if self.multi else 0):
            raise ValueError("one threshold per label for multi-label bundles, none for others")

    @property
    def multi(self) -> bool:
        return self.kind == "multi"

    @property
    def label_ids(self) -> tuple[int, ...]:
        """Rows of labeling.Label, in the order of all rows and columns."""
        return tuple(label.id for label in self.labels)

    @property
    def label_keys(self) -> tuple[str, ...]:
        return tuple(label.key for label in self.labels)

    def logits(self, features: Features) -> NDArray[np.float32]:
        """Return uncalibrated scores of every label, (documents, labels), float32.

        Raises:
            ValueError: the bundle reads words, and *features* counts none.
        """
        dense = self.head.logits(features.vectors, self.label_vectors)
        if self.lexical is None:
            return dense
        if features.counts is None:
            raise ValueError("this bundle reads words, and none were counted")
        return dense + self.lexical.logits(features.counts)

    def write(self, root: Path) -> Bundle:
        """Write it below *root* in a folder named by its digest, and return it with that digest.

        The same content gives the same digest and is written once, or again where what stands was
        damaged; two writers at once are harmless, and no reader ever sees half a bundle.
        """
        files = {MANIFEST: _manifest(self), TENSORS: _tensors(self)}
        digest = digest_of_files(files)
        if _stands_whole(root, digest):
            return replace(self, digest=digest)
        with tempfile.TemporaryDirectory(dir=root, prefix=".bundle-") as scratch:
            folder = Path(scratch) / "bundle"
            folder.mkdir()
            for name, content in files.items():
                (folder / name).write_bytes(content)
            folders.put(folder, root / digest)
        return replace(self, digest=digest)

    @classmethod
    def read(cls, root: Path, digest: str) -> Bundle:
        """Read the bundle *digest* below *root* and check it against its name.

        Raises:
            BundleCorrupt: it is missing, damaged, or not what its name says.
        """
        try:
            files = {name: (root / digest / name).read_bytes() for name in (MANIFEST, TENSORS)}
        except OSError as error:
            raise BundleCorrupt(f"bundle {digest[:12]} cannot be read: {error}") from error
        if digest_of_files(files) != digest:
            raise BundleCorrupt(f"bundle {digest[:12]} was changed after it was written")
        try:
            return _assemble(json.loads(files[MANIFEST]), load_tensors(files[TENSORS]), digest)
        except (KeyError, TypeError, ValueError, SafetensorError) as error:
            raise BundleCorrupt(f"bundle {digest[:12]} is not understood: {error}") from error


def digest_of_files(files: dict[str, bytes]) -> str:
    """Return the SHA-256 over names and SHA-256 of *files*, in hexadecimal."""
    listing = "".join(
        f"{name} {hashlib.sha256(files[name]).hexdigest()}\n" for name in sorted(files)
    )
    return hashlib.sha256(listing.encode()).hexdigest()


def _manifest(bundle: Bundle) -> bytes:
    content = {
        "format": FORMAT,
        "kind": bundle.kind,
        "encoder": asdict(bundle.encoder),
        "taxonomy_number": bundle.taxonomy_number,
        "labels": [asdict(label) for label in bundle.labels],
        "scale": bundle.head.scale,
        "calibration": asdict(bundle.calibration),
        "thresholds": asdict(bundle.thresholds),
        "reranker": None if bundle.reranker is None else asdict(bundle.reranker),
        "self_trains": bundle.self_trains,
        "lexical": None
        if bundle.lexical is None
        else {"terms": len(bundle.lexical.vocabulary), "edition": terms.EDITION},
    }
    return json.dumps(content, sort_keys=True, ensure_ascii=True, indent=1).encode()


def _tensors(bundle: Bundle) -> bytes:
    arrays: dict[str, NDArray[Any]] = {
        "label_vectors": bundle.label_vectors.astype(np.float32),
        "head.delta": bundle.head.delta.astype(np.float32),
        "head.bias": bundle.head.bias.astype(np.float32),
    }
    if bundle.lexical is not None:
        arrays |= {
            "lexical.terms": bundle.lexical.vocabulary.terms.astype(np.int32),
            "lexical.idf": bundle.lexical.vocabulary.idf.astype(np.float32),
            "lexical.weights": bundle.lexical.weights.astype(np.float16),
        }
    return save_tensors({name: np.ascontiguousarray(array) for name, array in arrays.items()})


def _stands_whole(root: Path, digest: str) -> bool:
    """Whether the bundle was written already; a damaged one is set aside."""
    root.mkdir(parents=True, exist_ok=True)
    if not (root / digest).is_dir():
        return False
    try:
        Bundle.read(root, digest)
    except BundleCorrupt:
        folders.set_aside(root / digest)
        return False
    os.utime(root / digest)  # whoever removes old ones sees that it is wanted again
    return True


def _assemble(manifest: dict[str, Any], tensors: dict[str, NDArray[Any]], digest: str) -> Bundle:
    if manifest["format"] != FORMAT:
        raise ValueError(f"format {manifest['format']}, this code reads {FORMAT}")
    return Bundle(
        kind=manifest["kind"],
        encoder=EncoderReference(**manifest["encoder"]),
        labels=tuple(
            LabelVectorText(**{**label, "situations": tuple(label["situations"])})
            for label in manifest["labels"]
        ),
        label_vectors=tensors["label_vectors"],
        head=Head(tensors["head.delta"], tensors["head.bias"], manifest["scale"]),
        calibration=_calibration(manifest["calibration"]),
        thresholds=_thresholds(manifest),
        taxonomy_number=manifest["taxonomy_number"],
        lexical=_lexical(tensors) if manifest.get("lexical") else None,
        self_trains=manifest.get("self_trains", False),
        reranker=_reranker(manifest.get("reranker")),
        digest=digest,
    )


def _thresholds(manifest: dict[str, Any]) -> Thresholds:
    """Return the thresholds; nothing is accepted where words were counted otherwise than now."""
    kept = manifest["thresholds"]
    found = Thresholds(**{**kept, "per_label": tuple(kept["per_label"])})
    words = manifest.get("lexical")
    if words and words.get("edition", 1) != terms.EDITION:
        return replace(found, accept=NEVER)
    return found


def _reranker(values: dict[str, Any] | None) -> Reranker | None:
    return None if values is None else Reranker(**values | {"cards": tuple(values["cards"])})


def _lexical(tensors: dict[str, NDArray[Any]]) -> Lexical:
    vocabulary = Vocabulary(tensors["lexical.terms"], tensors["lexical.idf"])
    return Lexical(vocabulary, tensors["lexical.weights"].astype(np.float32))


def _calibration(values: dict[str, Any]) -> Calibration:
    curve = values.get("curve")
    return Calibration(values["temperature"], values["offset"], tuple(curve) if curve else None)
