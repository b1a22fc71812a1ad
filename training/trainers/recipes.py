"""How the encoder is trained, in plain numbers: pages read this without torch."""

from dataclasses import dataclass

FEWEST = 20  # gold documents below which neither training nor evaluation says anything


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the encoder is trained.

    epochs: passes over the training documents, at most.
    batch: documents in a step.
    rate: peak learning rate of AdamW; it warms up over a tenth of the steps, then falls linearly.
    renewed: labels embedded with gradient in a step; see LabelSide.
    document_weight: weight of the document-document term.
    hierarchy: push siblings harder.
    patience: evaluations without a better Hit@5 after which training stops.
    evaluations: evaluations, each with a checkpoint, in an epoch.
    engine: "fp32" or "bf16", what the transformer computes in; weights stay fp32.
    """

    epochs: int = 3
    batch: int = 32
    rate: float = 5e-5
    renewed: int = 16
    document_weight: float = 0.5
    hierarchy: bool = False
    patience: int = 3
    evaluations: int = 2
    engine: str = "fp32"
    seed: int = 0
