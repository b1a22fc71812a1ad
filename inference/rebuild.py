"""Make a project's bundle speak of its current taxonomy."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

import numpy as np
from django.conf import settings
from django.db import transaction
from numpy.typing import NDArray

from inference import deployments, events, serving
from inference.buckets import NEVER, Thresholds
from inference.bundle import Bundle, BundleCorrupt, EncoderReference, Kind
from inference.calibrate import Calibration
from inference.encode import digest_of
from inference.head import Head
from inference.lexical import Lexical
from inference.models import Deployment
from inference.rerank import Reranker, card_of
from inference.retrieve import Embeddings, LabelVectorText, label_vectors
from inference.vectors import TextEncoder
from labeling import taxonomies
from labeling.models import Project
from labeling.taxonomies import LabelText

logger = logging.getLogger(__name__)

UNTAUGHT: Final[dict[Kind, Calibration]] = {
    "single": Calibration(temperature=1.0),
    "multi": Calibration(temperature=1.75, offset=9.75),
}
"""How logits are read before there is any gold: what fits the training texts of public sets.

Single: the lowest log loss of 0.6 to 1.2 on both BANKING77 (ECE 4.4 %) and newsgroups20 (6.2 %).
Multi: the lowest log loss on nlupp.
"""

LIKELY: Final = 0.2
"""Threshold of a label of a multi-label project before gold says better: the best micro-F1 on the
training texts of nlupp (42 %), reached at a cosine of 0.37."""


def vector_texts(labels: Sequence[LabelText]) -> tuple[LabelVectorText, ...]:
    """Return what each label's vector is made of: exclusions go to the label they point to."""
    routed: dict[int, list[str]] = {label.id: [] for label in labels}
    for label in labels:
        for situation, use in label.exclusions:
            if use in routed:
                routed[use].append(situation)
    return tuple(
        LabelVectorText(label.id, label.key, label.name, label.description, tuple(routed[label.id]))
        for label in labels
    )


def cards(labels: Sequence[LabelText]) -> tuple[str, ...]:
    """Return what a cross-encoder reads of each label, its own exclusions among it."""
    names = {label.id: label.name for label in labels}
    return tuple(
        card_of(
            label.name,
            label.description,
            [(situation, names.get(use or 0, "")) for situation, use in label.exclusions],
        )
        for label in labels
    )


def zero_shot(
    kind: Kind,
    labels: Sequence[LabelText],
    encoder: TextEncoder,
    *,
    reference: EncoderReference,
    taxonomy_number: int,
) -> Bundle:
    """Return the bundle that knows the labels' texts and nothing else. It accepts nothing.

    Args:
        labels: at least one.
        encoder: the one that *reference* names.
    """
    described = vector_texts(labels)
    vectors = label_vectors(described, encoder.encode)
    return Bundle(
        kind=kind,
        encoder=reference,
        labels=described,
        label_vectors=vectors,
        head=Head.zero(*vectors.shape),
        calibration=UNTAUGHT[kind],
        thresholds=Thresholds(NEVER, None, (LIKELY,) * len(described) if kind == "multi" else ()),
        taxonomy_number=taxonomy_number,
    )


def for_taxonomy(
    bundle: Bundle, labels: Sequence[LabelText], encoder: TextEncoder, *, taxonomy_number: int
) -> Bundle:
    """Return *bundle* for the labels as they are now, unwritten.

    What was learnt of a label stays with it, whatever its texts now say; a new label starts with
    nothing learnt and works by its texts; a retired one is gone. Thresholds stay, unless there is
    a new label: its documents were never among those that `accept` was measured on, so nothing is
    accepted until the head is fitted again, and nothing is looked at twice until the next run:
    it would be every document. Only texts that changed are encoded.

    Args:
        labels: at least one.
    """
    described = vector_texts(labels)
    rows = {label_id: row for row, label_id in enumerate(bundle.label_ids)}
    origin = np.array([rows.get(label.id, -1) for label in described])  # row before, or -1
    known = origin >= 0
    dim = bundle.label_vectors.shape[1]
    delta = np.zeros((len(described), dim), np.float32)
    bias = np.zeros(len(described), np.float32)
    delta[known] = bundle.head.delta[origin[known]]
    bias[known] = bundle.head.bias[origin[known]]
    return replace(
        bundle,
        labels=described,
        label_vectors=_vectors(bundle, described, encoder),
        head=Head(delta, bias, bundle.head.scale),
        lexical=_lexical(bundle, origin),
        thresholds=_thresholds(bundle, origin),
        reranker=None if (origin < 0).any() else _reranker(bundle, labels),
        taxonomy_number=taxonomy_number,
        digest="",
    )


def _vectors(bundle: Bundle, labels: Sequence[LabelVectorText], encoder: TextEncoder) -> Embeddings:
    """Return label vectors, (labels, dim), making only those whose texts changed."""
    known = {_said(label): row for row, label in enumerate(bundle.labels)}
    changed = [label for label in labels if _said(label) not in known]
    made = iter(label_vectors(changed, encoder.encode) if changed else ())
    return np.stack(
        [
            bundle.label_vectors[known[_said(label)]] if _said(label) in known else next(made)
            for label in labels
        ]
    )


def _lexical(bundle: Bundle, origin: NDArray[np.int64]) -> Lexical | None:
    """Return the lexical channel for labels that had the rows *origin* before, -1 for new ones."""
    if bundle.lexical is None:
        return None
    known = origin >= 0
    weights = np.zeros((len(bundle.lexical.weights), len(origin)), np.float32)
    weights[:, known] = bundle.lexical.weights[:, origin[known]]
    return Lexical(bundle.lexical.vocabulary, weights)


def _reranker(bundle: Bundle, labels: Sequence[LabelText]) -> Reranker | None:
    """Return the bundle's reranker for *labels* as they are now; what it accepted was others'."""
    if bundle.reranker is None:
        return None
    return replace(bundle.reranker, cards=cards(labels), accept=NEVER)


def _said(label: LabelVectorText) -> tuple[str, str, tuple[str, ...]]:
    """Return all that decides the label's vector."""
    return label.name, label.description, label.situations


def _thresholds(bundle: Bundle, origin: NDArray[np.int64]) -> Thresholds:
    """Return thresholds for labels that had the rows *origin* before, -1 for new ones."""
    kept, rows = bundle.thresholds, origin.tolist()
    cuts = tuple(kept.per_label[row] if row >= 0 else LIKELY for row in rows if bundle.multi)
    return Thresholds(NEVER if -1 in rows else kept.accept, kept.floor, cuts)


def champion_bundle(
    project: Project, *, now: datetime, tell: Callable[[], object] | None = None
) -> Bundle | None:
    """Return the champion's bundle, made and deployed first if there is none for this taxonomy.

    A champion whose files are damaged is made anew from the taxonomy. Returns None while the
    project has no published labels a document may be given.

    Args:
        tell: called now and then while thousands of label texts are encoded, which takes minutes.

    Raises:
        EncoderUnavailable: the project's encoder is not on this machine.
    """
    version = project.taxonomy_versions.first()
    champion = deployments.champion(project)
    bundle = _readable(champion)
    if version is None or (bundle and bundle.taxonomy_number == version.number):
        return bundle
    labels = taxonomies.label_texts(project)
    if not labels:
        return None
    made = _made_for(project, labels, bundle, taxonomy_number=version.number, tell=tell)
    written = made.write(settings.BUNDLE_DIR)
    reason = f"Follows {version} of the taxonomy." if bundle else f"From {version} alone."
    if champion and not bundle:
        reason = f"From {version} alone: the files of {champion} are missing or damaged."
    if not _deploy_in_place_of(champion, written, project, reason=reason, now=now):
        return champion_bundle(project, now=now, tell=tell)
    return written


def _readable(champion: Deployment | None) -> Bundle | None:
    try:
        return serving.load(champion.bundle) if champion else None
    except BundleCorrupt:
        logger.exception("%s cannot serve", champion)
        return None


@transaction.atomic
def _deploy_in_place_of(
    former: Deployment | None, bundle: Bundle, project: Project, *, reason: str, now: datetime
) -> bool:
    """Deploy *bundle* unless another took *former*'s place while it was made."""
    Project.objects.select_for_update().get(pk=project.pk)
    if deployments.champion(project) != former:
        return False
    events.bundle_rebuilt.send(sender=None, project=project, digest=bundle.digest, former=former)
    act = Deployment.Act.REBUILT
    deployments.deploy(project, bundle.digest, act=act, reason=reason, actor=None, now=now)
    return True


def _made_for(
    project: Project,
    labels: Sequence[LabelText],
    bundle: Bundle | None,
    *,
    taxonomy_number: int,
    tell: Callable[[], object] | None,
) -> Bundle:
    if bundle is not None:
        encoder = Telling(serving.encoder(bundle), tell)
        return for_taxonomy(bundle, labels, encoder, taxonomy_number=taxonomy_number)
    source = project.encoder or settings.DEFAULT_ENCODER
    reference = EncoderReference(source, digest_of(source, settings.BUNDLE_DIR))
    return zero_shot(
        "multi" if project.is_multi else "single",
        labels,
        Telling(serving.WarmEncoder(reference), tell),
        reference=reference,
        taxonomy_number=taxonomy_number,
    )


class Telling:
    """An encoder that says after every few texts that it is still at work."""

    AT_ONCE: Final = 256

    def __init__(self, encoder: TextEncoder, tell: Callable[[], object] | None) -> None:
        self.encoder, self.tell = encoder, tell
        self.digest = encoder.digest

    def encode(self, texts: Sequence[str]) -> Embeddings:
        """Return unit vectors, (texts, dim)."""
        parts = []
        for start in range(0, len(texts), self.AT_ONCE):
            parts.append(self.encoder.encode(texts[start : start + self.AT_ONCE]))
            if self.tell:
                self.tell()
        return np.concatenate(parts)
