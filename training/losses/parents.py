"""Rank the parents of the labels, too: which part of the tree is it at all?"""

import torch
from torch import Tensor

from training.losses.cosines import ScaledCosines


class ParentLoss(ScaledCosines):
    """Cross-entropy over parents, each as likely as its children together.

    The second half of the multi-task loss L_parent + L_child: with P(label) the softmax over
    labels, P(parent) is the sum over its children, so that no vector of its own stands for a parent
    and the space stays that of inference.

        loss(d) = -log Σ over parents of right labels of P(parent)
    """

    def forward(
        self,
        documents: Tensor,
        labels: Tensor,
        positives: Tensor,
        siblings: Tensor,
        weights: Tensor | None = None,
    ) -> Tensor:
        """Return the weighted mean loss over documents that have a positive, a scalar in nats.

        Args:
            documents: (documents, dim) embeddings, any scale.
            labels: (labels, dim) embeddings of every label, any scale.
            positives: (documents, labels) bool, true where the label is right.
            siblings: (labels, labels) bool, true for labels with the same parent, and itself.
            weights: (documents,) trust in each document's labels, ≥ 0; 1 if absent.
        """
        logits = self.logits(documents, labels)  # (documents, labels)
        family = (positives.float() @ siblings.float()) > 0  # (documents, labels)
        within = logits.masked_fill(~family, -torch.inf).logsumexp(dim=1)  # (documents,)
        fits = positives.any(dim=1)
        losses = torch.where(fits, logits.logsumexp(dim=1) - within, torch.zeros_like(within))
        trust = fits.float() if weights is None else fits * weights  # (documents,)
        return (losses * trust).sum() / trust.sum().clamp(min=1e-9)
