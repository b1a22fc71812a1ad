"""The space that all losses shape: cosines of documents and labels, scaled."""

from torch import Tensor, nn
from torch.nn import functional as F


class ScaledCosines(nn.Module):
    """A loss over logits = scale · cos(document, label), as inference scores them.

    Args:
        scale: multiplies the cosines; 20 is a temperature of 0.05.

    Raises:
        ValueError: *scale* is not positive.
    """

    def __init__(self, scale: float = 20.0) -> None:
        super().__init__()
        if scale <= 0:
            raise ValueError(f"scale must be positive, not {scale}")
        self.scale = scale

    def logits(self, documents: Tensor, labels: Tensor) -> Tensor:
        """Return (documents, labels), float32.

        Args:
            documents, labels: (documents, dim) and (labels, dim) embeddings, any scale.
        """
        cosines = F.normalize(documents, dim=-1) @ F.normalize(labels, dim=-1).T
        return self.scale * cosines.float()
