"""The contrastive loss between documents and labels."""

import torch
from torch import Tensor
from torch.nn import functional as F

from training.losses.cosines import ScaledCosines

FAR = -1e4  # logit of a cell that takes no part: e^FAR is 0, and unlike -inf its gradient is finite


class HierarchicalMultiPositiveLoss(ScaledCosines):
    """Pull each document towards all its right labels and away from the wrong ones.

    InfoNCE over cosines (van den Oord et al., 2018, https://arxiv.org/abs/1807.03748) with the mean
    over all positives outside the logarithm (Khosla et al., 2020, https://arxiv.org/abs/2004.11362).
    For document d with positives P and negatives N

        loss(d) = mean over p in P of -log( e^l(p) / (e^l(p) + Σ over n in N of w(n)·e^l(n)) )

    so that positives never push one another away. Masked cells (overlapping labels, duplicates of a
    right label, a document against itself) are neither positive nor negative. Hierarchy weights
    w = 1 / (tree distance + ε), normalised to a mean of 1 over the document's negatives, push
    siblings harder; emphasis multiplies them; without either every weight is 1.

    Args:
        scale: multiplies the cosines; 20 is a temperature of 0.05.
        epsilon: ε of the hierarchy weights, in edges; larger is more even.

    Raises:
        ValueError: *scale* or *epsilon* is not positive.
    """

    def __init__(self, scale: float = 20.0, epsilon: float = 1.0) -> None:
        super().__init__(scale)
        if epsilon <= 0:
            raise ValueError(f"epsilon must be positive, not {epsilon}")
        self.epsilon = epsilon

    def forward(
        self,
        documents: Tensor,
        labels: Tensor,
        positives: Tensor,
        masked: Tensor,
        distances: Tensor | None = None,
        weights: Tensor | None = None,
        emphasis: Tensor | None = None,
    ) -> Tensor:
        """Return the weighted mean loss over documents that have a positive, a scalar in nats.

        Zero, with a gradient of zero, when no document has one.

        Args:
            documents: (documents, dim) embeddings, any scale.
            labels: (labels, dim) embeddings of every candidate label, any scale.
            positives: (documents, labels) bool, true where the label is right.
            masked: (documents, labels) bool, true where the cell is to be left out.
            distances: (documents, labels) tree distance of each label to the right one, in edges.
            weights: (documents,) trust in each document's labels, ≥ 0; 1 if absent.
            emphasis: (documents, labels) how hard each negative is pushed, > 0; 1 if absent.
        """
        positives = positives & ~masked
        logits = self.logits(documents, labels)  # (documents, labels)
        negatives = logits.masked_fill(positives | masked, FAR)  # (documents, labels)
        if distances is not None or emphasis is not None:
            push = torch.ones_like(logits) if emphasis is None else emphasis
            if distances is not None:
                push = push / (distances + self.epsilon)
            negatives = negatives + _log_weights(push, ~(positives | masked))
        against = negatives.logsumexp(dim=1, keepdim=True)  # (documents, 1)
        losses = F.softplus(against - logits)  # -log sigmoid(logit - against), (documents, labels)

        count = positives.sum(dim=1)  # (documents,)
        per_document = losses.masked_fill(~positives, 0).sum(dim=1) / count.clamp(min=1)
        trust = (count > 0).float()  # (documents,)
        if weights is not None:
            trust = trust * weights
        return (per_document * trust).sum() / trust.sum().clamp(min=1e-9)


def _log_weights(push: Tensor, is_negative: Tensor) -> Tensor:
    """Return log of *push* scaled to a mean of 1 over each document's negatives; 0 elsewhere.

    Args:
        push, is_negative: (documents, labels).
    """
    weights = push * is_negative  # (documents, labels)
    mean = weights.sum(dim=1, keepdim=True) / is_negative.sum(dim=1, keepdim=True).clamp(min=1)
    return (weights / mean.clamp(min=1e-9)).masked_fill(~is_negative, 1).log()
