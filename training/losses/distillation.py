"""Pull the encoder's opinion of a document's candidates towards a cross-encoder's."""

import torch
from torch import Tensor

from training.losses.cosines import ScaledCosines
from training.losses.hierarchical import FAR


class DistillationLoss(ScaledCosines):
    """Kullback-Leibler divergence of a document's candidates, teacher to student.

    The teacher reads document and label together, which is slow; the student, an encoder, learns to
    rank the same candidates from two vectors (Hinton et al., 2015,
    https://arxiv.org/abs/1503.02531).

        loss(d) = Σ over candidates of t · (ln t - ln s)

    with t the softmax of the teacher's logits and s that of scaled cosines, over the same
    candidates.
    """

    def forward(self, documents: Tensor, labels: Tensor, columns: Tensor, logits: Tensor) -> Tensor:
        """Return the mean loss over documents with two candidates or more, a scalar in nats.

        Zero, with a gradient of zero, when there is none.

        Args:
            documents: (documents, dim) embeddings, any scale.
            labels: (labels, dim) embeddings of every label, any scale.
            columns: (documents, candidates) places of the candidates; -1 where there is none.
            logits: (documents, candidates) of the teacher.
        """
        absent = columns < 0  # (documents, candidates)
        said = self.logits(documents, labels).gather(1, columns.clamp(min=0))
        student = said.masked_fill(absent, FAR).log_softmax(dim=1)
        teacher = logits.float().masked_fill(absent, FAR).log_softmax(dim=1)
        cells = (teacher.exp() * (teacher - student)).masked_fill(absent, 0)
        read = (~absent).sum(dim=1) > 1  # (documents,)
        losses = torch.where(read, cells.sum(dim=1), torch.zeros_like(cells[:, 0]))
        return losses.sum() / read.sum().clamp(min=1)
