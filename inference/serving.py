"""Which bundle answers for a document, and the warm models of this process."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import numpy as np
from django.conf import settings
from django.db.models import Q
from numpy.typing import NDArray

from inference import deployments, weights
from inference.bundle import Bundle, EncoderReference
from inference.cross_encode import CrossEncoder, load_model
from inference.encode import Embeddings, Encoder, load_encoder
from inference.engine import probe
from inference.models import Deployment
from labeling.models import Document


def deployment_for(fingerprint: str, live: Sequence[Deployment]) -> Deployment | None:
    """Return the deployment that serves the document with *fingerprint*, or None.

    The canary takes its share by the document's hash, so a document stays where it is and a
    growing share only adds documents. All others are the champion's. A shadow serves none.

    Args:
        fingerprint: 64 lower-case hexadecimal digits, evenly spread.
        live: the project's live deployments.
    """
    for deployment in live:
        if deployment.role == Deployment.Role.CANARY and fingerprint < _end_of(deployment):
            return deployment
    return next((each for each in live if each.role == Deployment.Role.CHAMPION), None)


def serves(deployment: Deployment, live: Sequence[Deployment]) -> Q:
    """Return deployment_for as a question to the database: the documents *deployment* serves."""
    if deployment.role == Deployment.Role.CANARY:
        return Q(fingerprint__lt=_end_of(deployment))
    if deployment.role == Deployment.Role.SHADOW:
        return Q(pk=None)
    canaries = (each for each in live if each.role == Deployment.Role.CANARY)
    return Q(*(Q(fingerprint__gte=_end_of(canary)) for canary in canaries))


def _end_of(canary: Deployment) -> str:
    """Return the fingerprint at which the documents of *canary* end; hexadecimal sorts as text."""
    return f"{int(canary.share * 16**8):08x}" if canary.share < 1 else "g"


def bundle_for(document: Document) -> Bundle | None:
    """Return the bundle that answers for *document*, or None while nothing serves."""
    deployment = deployment_for(document.fingerprint, deployments.live(document.project))
    return load(deployment.bundle) if deployment else None


@lru_cache(maxsize=8)
def load(digest: str) -> Bundle:
    """Return the bundle named *digest*, checked against its name on the first call.

    Raises:
        BundleCorrupt: it is missing, damaged, or not what its name says.
    """
    return Bundle.read(settings.BUNDLE_DIR, digest)


class WarmEncoder:
    """An encoder that is loaded when the first text comes, and once per process."""

    def __init__(self, reference: EncoderReference) -> None:
        self.source = reference.source
        self.digest = reference.digest

    def encode(self, texts: Sequence[str]) -> Embeddings:
        """Return unit vectors, (texts, dim); see Encoder.encode.

        Raises:
            EncoderUnavailable: it is not on this machine, or not what its name promises.
        """
        return _loaded(self.source, self.digest).encode(texts)


def encoder(bundle: Bundle) -> WarmEncoder:
    """Return the encoder *bundle* was made with; cheap until it encodes."""
    return WarmEncoder(bundle.encoder)


class WarmCrossEncoder:
    """A cross-encoder that is loaded when the first pair comes, and once per process.

    Args:
        engine: "fp32" or "bf16".
    """

    def __init__(self, source: str, digest: str, engine: str) -> None:
        self.source, self.digest, self.engine = source, digest, engine

    def score(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        """Return the logit of each (document, label), (pairs,); see CrossEncoder.score.

        Raises:
            EncoderUnavailable: it is not on this machine, or not what its name promises.
        """
        return _loaded_reader(self.source, self.digest, self.engine).score(pairs)


def cross_encoder(bundle: Bundle) -> WarmCrossEncoder | None:
    """Return the cross-encoder of *bundle*, cheap until it reads; None where it has none."""
    if bundle.reranker is None:
        return None
    engine = engine_for(bundle.encoder.digest)  # what suits the one transformer suits the other
    return WarmCrossEncoder(bundle.reranker.source, bundle.reranker.digest, engine)


@lru_cache(maxsize=2)
def _loaded_reader(source: str, digest: str, engine: str) -> CrossEncoder:
    directory = weights.directory_of(source, settings.BUNDLE_DIR)
    if weights.digest_of(source, settings.BUNDLE_DIR) != digest:
        raise weights.EncoderUnavailable(f"{source}: the files are not those of {digest[:12]}")
    return CrossEncoder(load_model(directory), digest, engine)


def engine_for(digest: str, unknown: str = "fp32") -> str:
    """Return what the encoder *digest* computes in here: what is set, or what the probe chose.

    Args:
        unknown: what to return where the probe never ran.
    """
    if settings.ENCODER_ENGINE != "auto":
        return str(settings.ENCODER_ENGINE)
    return str(kept_probe(digest).get("engine", unknown))


@lru_cache(maxsize=2)
def _loaded(source: str, digest: str) -> Encoder:
    engine = engine_for(digest, "auto")
    if engine != "auto":
        return load_encoder(source, engine, settings.BUNDLE_DIR)
    plain = load_encoder(source, "fp32", settings.BUNDLE_DIR)
    found = probe(plain)
    keep_probe(digest, asdict(found))
    return plain.in_engine(found.engine)


def kept_probe(digest: str) -> dict[str, Any]:
    """Return what the probe found here for the encoder *digest*; empty if it never ran."""
    try:
        probes = json.loads((settings.STATE_DIR / "engine.json").read_text())
        return dict(probes[_machine(digest)])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def keep_probe(digest: str, found: dict[str, Any]) -> None:
    """Remember a probe for this machine and torch version, so that it runs once, not per start."""
    path = settings.STATE_DIR / "engine.json"
    try:
        probes = dict(json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        probes = {}
    probes[_machine(digest)] = found
    scratch = path.with_suffix(f".{platform.node()}-{os.getpid()}.new")
    scratch.write_text(json.dumps(probes, indent=1, sort_keys=True))
    scratch.replace(path)


def _machine(digest: str) -> str:
    return f"{platform.node()} torch {version('torch')} {digest[:16]}"
