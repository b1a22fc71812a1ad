"""Between the trainer and the loss: embed a batch, look up what is right, rank every label."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from training.examples import Examples, Relations
from training.losses.hierarchical import HierarchicalMultiPositiveLoss
from training.losses.parents import ParentLoss
from training.trainers.label_side import LabelSide


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
        documents = self.model(sentence_features[0])["sentence_embedding"]  # (batch, dim)
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
        if self.document_weight:
            components["documents"] = self.document_weight * self._between(
                documents, positives, weights
            )
        return components

    def embed(self, texts: Sequence[str]) -> Tensor:
        """Return (texts, dim) embeddings with gradient, in batches of like length."""
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        parts = [
            self._embed_batch([texts[place] for place in order[start : start + 32]])
            for start in range(0, len(order), 32)
        ]
        back = torch.tensor(order).argsort()
        return torch.cat(parts)[back.to(parts[0].device)]

    def _embed_batch(self, texts: list[str]) -> Tensor:
        features = {
            name: value.to(self.model.device) if isinstance(value, Tensor) else value
            for name, value in self.model.preprocess(texts).items()
        }
        embeddings: Tensor = self.model(features)["sentence_embedding"]
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
