"""Gather what a run works on: the frozen gold, the labels, and the encoders that compete."""

from dataclasses import dataclass

import numpy as np
from django.conf import settings
from django.utils import timezone
from numpy.typing import NDArray

from inference import deployments, rebuild, serving, vectors, weights
from inference.bundle import Bundle, EncoderReference
from inference.serving import WarmEncoder
from labeling import taxonomies
from labeling.models import Project
from training import curation, registry
from training.contenders import Terms
from training.examples import Examples, Flags
from training.models import DatasetSnapshot, ModelVersion
from training.progress import Progress

POOL = 4000
"""Open documents a run looks at: half of them carry silver, for the others precision is promised,
and more would change that by little."""


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What a run works on.

    ruled_out: (documents, labels), what people saw proposed and did not choose.
    champion: the encoder that serves, or the project's own while nothing does.
    serving: what serves as it is, with the champion's encoder; None while nothing does.
    base: the project's own encoder, from which fine-tuning starts, so that no run inherits what
        an earlier one memorised.
    pool: prepared texts of open documents, and pool_ids, theirs.
    cards: what a cross-encoder reads of each label.
    """

    project: Project
    snapshot: DatasetSnapshot
    examples: Examples
    ruled_out: Flags
    terms: Terms
    champion: EncoderReference
    serving: Bundle | None
    base: EncoderReference
    pool: tuple[str, ...]
    pool_ids: NDArray[np.int64]
    cards: tuple[str, ...]
    parent: ModelVersion | None

    @property
    def around(self) -> tuple[str, ...]:
        """Prepared texts of the open documents that carry silver: every other, see contend."""
        return self.pool[1::2]

    @property
    def self_trains(self) -> bool:
        """Whether the champion's head learns silver too."""
        return self.serving is not None and self.serving.self_trains

    @property
    def reranker(self) -> str:
        """Digest of the champion's cross-encoder; empty where it has none."""
        reranker = self.serving.reranker if self.serving else None
        return reranker.digest if reranker else ""


def gather(
    project: Project,
    *,
    seed: int,
    progress: Progress | None = None,
    frozen: DatasetSnapshot | None = None,
) -> Material:
    """Freeze the gold, unless *frozen* still speaks of the current taxonomy, and read it.

    Raises:
        TooLittleGold: there is too little gold.
        TaxonomyVersion.DoesNotExist: nothing was published.
    """

    def tell(stage: str) -> None:
        if progress is not None:
            progress.stage(stage)

    tell("Freezing the gold")
    number = taxonomies.current_version(project).number
    labels = taxonomies.label_texts(project)
    base = base_encoder(project)
    if frozen is not None and frozen.taxonomy_version.number == number:
        snapshot, texts = frozen, curation.texts_of([row[0] for row in frozen.rows])
    else:
        gold = curation.gold_of(project)
        curation.refuse_little(gold)
        texts = curation.texts_of(gold.ids)
        tell("Looking for near-duplicates and leaks")
        _, known = vectors.document_vectors(gold.ids, WarmEncoder(base))
        snapshot = curation.freeze(
            project, vectors=known, gold=gold, texts=texts, now=timezone.now()
        )
    champion = champion_bundle(project)
    terms = Terms(
        kind="multi" if project.is_multi else "single",
        labels=rebuild.vector_texts(labels),
        relations=curation.relations_of(project, labels),
        taxonomy_number=number,
        promise=project.promised_precision,
        offset=rebuild.UNTAUGHT["multi"].offset,
        seed=seed,
    )
    pool_ids = pool_of(project, seed=seed)
    return Material(
        project=project,
        snapshot=snapshot,
        examples=curation.examples_of(snapshot, texts, [label.id for label in labels]),
        ruled_out=curation.ruled_out_of(snapshot, [label.id for label in labels]),
        terms=terms,
        champion=champion.encoder if champion else base,
        serving=champion,
        base=base,
        pool=curation.texts_of(pool_ids.tolist()),
        pool_ids=pool_ids,
        cards=rebuild.cards(labels),
        parent=registry.champion_version(project),
    )


def base_encoder(project: Project) -> EncoderReference:
    """Return the project's own encoder.

    Raises:
        EncoderUnavailable: it is not on this machine.
    """
    source = project.encoder or settings.DEFAULT_ENCODER
    return EncoderReference(source, weights.digest_of(source, settings.BUNDLE_DIR))


def champion_bundle(project: Project) -> Bundle | None:
    """Return what serves, or None while nothing does."""
    live = deployments.champion(project)
    return serving.load(live.bundle) if live else None


def pool_of(project: Project, *, seed: int) -> NDArray[np.int64]:
    """Return up to POOL open documents, chosen by chance, ascending."""
    ids = np.fromiter(project.documents.open().values_list("pk", flat=True), dtype=np.int64)
    ids.sort()
    if len(ids) > POOL:
        ids = np.sort(np.random.default_rng(seed).choice(ids, POOL, replace=False))
    return ids
