"""Between the trainer and the loss: embed a batch, look up what is right, rank every label."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from training.examples import Examples, Opinions, Relations
from training.losses.distillation import DistillationLoss
from training.losses.hierarchical import HierarchicalMultiPositiveLoss
from training.losses.parents import ParentLoss
from training.trainers.label_side import LabelSide

PART: Final = 32
"""Texts embedded at once."""

HELD: Final = 128
"""Documents, and texts of labels, whose activations are held at once; beyond, more cost time, not
memory."""

Features = dict[str, Any]


class LabelRanking(nn.Module):
    """Rank every label of the project for each document of a batch, in the space of inference.

    The trainer hands a loss one label column: it carries the document's row in *examples*, by which
    right labels, overlaps and weights are looked up here.

    Args:
        model: a SentenceTransformer.
        side: the labels.
        examples: the training documents.
        relations: how labels stand to each other.
        loss: see there; used for documents against labels and documents against documents.
        renewed: labels embedded with gradient in a step.
        document_weight: weight of the document-document term over documents that share a label; 0
            leaves it out.
        hierarchy: push siblings harder (learning.md §5: off until sibling confusion dominates).
        parents: rank the parents of labels, too.
        hard: (documents, labels), true where a negative is pushed *harder*; None: none is.
        harder: times as hard as another.
        opinions: of a cross-encoder about the examples, which documents are drawn to, too.
        heed: weight of that term.
        seed: of the choice of labels.
    """

    def __init__(  # noqa: PLR0913 - the parts of a step
        self,
        model: Any,
        side: LabelSide,
        examples: Examples,
        relations: Relations,
        *,
        loss: HierarchicalMultiPositiveLoss,
        renewed: int = 16,
        document_weight: float = 0.0,
        hierarchy: bool = False,
        parents: bool = False,
        hard: NDArray[np.bool_] | None = None,
        harder: float = 3.0,
        opinions: Opinions | None = None,
        heed: float = 1.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.model = model
        self.side = side
        self.loss = loss
        self.renewed = renewed
        self.document_weight = document_weight
        self.hierarchy = hierarchy
        self.parents = ParentLoss(loss.scale) if parents else None
        self.harder = harder
        self.hard = None if hard is None else torch.from_numpy(hard)
        self.distillation, self.heed = DistillationLoss(loss.scale), heed
        self.opinions = opinions
        self.texts = examples.texts
        self.targets = torch.from_numpy(examples.targets)
        self.weights = torch.from_numpy(np.ascontiguousarray(examples.weights))
        self.overlaps = torch.from_numpy(relations.overlaps)
        self.distances = torch.from_numpy(relations.distances)
        self.families = self.distances <= 1  # (labels, labels)
        self.generator = torch.Generator().manual_seed(seed)

    def forward(
        self, sentence_features: list[dict[str, Tensor]], labels: Tensor
    ) -> dict[str, Tensor]:
        """Return the components of the loss by name; the trainer adds and logs them.

        Args:
            sentence_features: one entry, the tokens of the batch's documents.
            labels: (batch,) rows of the documents in the examples.
        """
        rows = labels.view(-1).cpu()
        documents = self._embed_all(sentence_features[0])  # (batch, dim)
        positives = self.targets[rows]  # (batch, labels)
        renew = self.side.choose(positives.nonzero()[:, 1], self.renewed, self.generator)
        vectors = self.side.vectors(renew, self.embed)  # (labels, dim)

        device = documents.device
        masked = self._overlapping(positives) & ~positives  # (batch, labels)
        distances = self._distances(positives).to(device) if self.hierarchy else None
        weights = self.weights[rows].to(device)  # (batch,)
        emphasis = None
        if self.hard is not None:
            emphasis = 1 + (self.harder - 1) * self.hard[rows].float().to(device)  # (batch, labels)
        positive, aside = positives.to(device), masked.to(device)
        components = {
            "labels": self.loss(documents, vectors, positive, aside, distances, weights, emphasis)
        }
        if self.parents is not None:
            components["parents"] = self.parents(
                documents, vectors, positive, self.families.to(device), weights
            )
        if self.opinions is not None:
            thought = self.opinions.take(rows.numpy())
            components["opinions"] = self.heed * self.distillation(
                documents,
                vectors,
                torch.from_numpy(thought.columns).to(device),
                torch.from_numpy(thought.logits).to(device),
            )
        if self.document_weight:
            components["documents"] = self.document_weight * self._between(
                documents, positives, weights
            )
        return components

    def embed(self, texts: Sequence[str]) -> Tensor:
        """Return (texts, dim) embeddings with gradient, in batches of like length."""
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        parts = [
            self._tokens([texts[place] for place in order[start : start + PART]])
            for start in range(0, len(order), PART)
        ]
        back = torch.tensor(order).argsort()
        vectors = torch.cat(self._embed_parts(parts))
        return vectors[back.to(vectors.device)]

    def _tokens(self, texts: list[str]) -> Features:
        return {
            name: value.to(self.model.device) if isinstance(value, Tensor) else value
            for name, value in self.model.preprocess(texts).items()
        }

    def _embed_all(self, features: Features) -> Tensor:
        """Return the embeddings of a batch of any size, (batch, dim)."""
        starts = range(0, len(features["input_ids"]), PART)
        return torch.cat(self._embed_parts([_slice(features, start) for start in starts]))

    def _embed_parts(self, parts: Sequence[Features]) -> list[Tensor]:
        """Return the embeddings of each part, (texts, dim).

        With more than HELD texts each part is computed anew on the way back, with the same dropout,
        so that the memory of a step does not grow with its batch, while every document still meets
        every other: the gradient cache of Gao et al. (2021, https://arxiv.org/abs/2101.06983).
        """
        if PART * len(parts) <= HELD:
            return [self._embed(part) for part in parts]
        return [checkpoint(self._embed, part, use_reentrant=False) for part in parts]

    def _embed(self, features: Features) -> Tensor:
        embeddings: Tensor = self.model(dict(features))["sentence_embedding"]
        return embeddings

    def _overlapping(self, positives: Tensor) -> Tensor:
        """Return (batch, labels), true where the label overlaps a right one."""
        return (positives.float() @ self.overlaps.float()) > 0

    def _distances(self, positives: Tensor) -> Tensor:
        """Return (batch, labels) tree distance to the nearest right label; 0 without any."""
        nearest = [
            self.distances[row].amin(dim=0) if row.any() else torch.zeros(len(self.side))
            for row in positives
        ]
        return torch.stack(nearest)

    def _between(self, documents: Tensor, positives: Tensor, weights: Tensor) -> Tensor:
        """Return the loss of documents against documents: those that share a label attract."""
        flags = positives.float()
        itself = torch.eye(len(flags), dtype=torch.bool)
        share = (flags @ flags.T > 0) & ~itself  # (batch, batch)
        unclear = (self._overlapping(positives).float() @ flags.T > 0) & ~share
        unclear |= itself | (flags.sum(dim=1) == 0)[None, :]  # what fits none is nobody's negative
        device = documents.device
        unit = F.normalize(documents, dim=-1)
        result: Tensor = self.loss(unit, unit, share.to(device), unclear.to(device), None, weights)
        return result


def _slice(features: Features, start: int) -> Features:
    """Return PART rows of a batch's tokens, from *start* on."""
    return {
        name: value[start : start + PART] if isinstance(value, Tensor) else value
        for name, value in features.items()
    }
