"""Pull the encoder's opinion of a document's candidates towards a cross-encoder's."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.losses.hierarchical import FAR


class DistillationLoss(nn.Module):
    """Kullback-Leibler divergence of a document's candidates, teacher to student.

    The teacher reads document and label together, which is slow; the student, an encoder, learns to
    rank the same candidates from two vectors (Hinton et al., 2015,
    https://arxiv.org/abs/1503.02531).

        loss(d) = Σ over candidates of t · (ln t - ln s)

    with t the softmax of the teacher's logits and s that of scaled cosines, over the same
    candidates.

    Args:
        scale: multiplies the cosines, as in HierarchicalMultiPositiveLoss.

    Raises:
        ValueError: *scale* is not positive.
    """

    def __init__(self, scale: float = 20.0) -> None:
        super().__init__()
        if scale <= 0:
            raise ValueError(f"scale must be positive, not {scale}")
        self.scale = scale

    def forward(self, documents: Tensor, labels: Tensor, columns: Tensor, logits: Tensor) -> Tensor:
        """Return the mean loss over documents with two candidates or more, a scalar in nats.

        Zero, with a gradient of zero, when there is none.

        Args:
            documents: (documents, dim) embeddings, any scale.
            labels: (labels, dim) embeddings of every label, any scale.
            columns: (documents, candidates) places of the candidates; -1 where there is none.
            logits: (documents, candidates) of the teacher.
        """
        cosines = F.normalize(documents, dim=-1) @ F.normalize(labels, dim=-1).T
        absent = columns < 0  # (documents, candidates)
        said = (self.scale * cosines.float()).gather(1, columns.clamp(min=0))
        student = said.masked_fill(absent, FAR).log_softmax(dim=1)
        teacher = logits.float().masked_fill(absent, FAR).log_softmax(dim=1)
        cells = (teacher.exp() * (teacher - student)).masked_fill(absent, 0)
        read = (~absent).sum(dim=1) > 1  # (documents,)
        losses = torch.where(read, cells.sum(dim=1), torch.zeros_like(cells[:, 0]))
        return losses.sum() / read.sum().clamp(min=1)
