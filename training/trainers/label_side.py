"""The label side of training: label vectors with gradient for a few, from memory for the rest."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from inference.retrieve import LabelVectorText
from inference.texts import bounded

Embed = Callable[[Sequence[str]], Tensor]


class LabelSide:
    """Composes label vectors as inference does: normalise(v(name) + v(description) + mean v(use)).

    Embedding every text of every label with gradient in each step would cost several times the
    documents. So a step embeds a few labels anew and takes the others, detached, from memory. The
    stalest labels come first, so with a tenth of the labels renewed in a step no vector is older
    than about twenty steps, in which a small learning rate hardly moves it: the slow drift that
    cross-batch memory rests on (Wang et al., 2020, https://arxiv.org/abs/1912.06798). Documents
    still meet every label of the project in each step.

    Args:
        labels: in the order of all rows.

    Raises:
        ValueError: no labels, or a label without any text.
    """

    def __init__(self, labels: Sequence[LabelVectorText]) -> None:
        if not labels or not all(label.texts for label in labels):
            raise ValueError("label vectors need labels, each with a name")
        distinct = list(dict.fromkeys(text for label in labels for text in label.texts))
        places = {text: place for place, text in enumerate(distinct)}
        self.texts = [bounded(text) for text in distinct]
        self.mix = torch.zeros(len(labels), len(distinct))  # (labels, texts)
        for row, label in enumerate(labels):
            situations = [text for text in label.situations if text.strip()]
            for text in (label.name, label.description):
                if text.strip():
                    self.mix[row, places[text]] += 1
            for text in situations:
                self.mix[row, places[text]] += 1 / len(situations)
        self.memory: Tensor | None = None  # (labels, dim)
        self.renewed_at = torch.zeros(len(labels), dtype=torch.long)  # (labels,) step
        self.step = 0

    def __len__(self) -> int:
        return len(self.mix)

    def compose(self, rows: Tensor, embed: Embed) -> Tensor:
        """Return the label vectors of *rows*, (rows, dim), unit, with gradient where there is one.

        Args:
            rows: (rows,) positions of labels.
            embed: texts to (texts, dim), any scale.
        """
        mix = self.mix[rows]  # (rows, texts)
        used = mix.any(dim=0).nonzero().squeeze(1)  # (used,)
        vectors = F.normalize(embed([self.texts[place] for place in used.tolist()]).float(), dim=-1)
        return F.normalize(mix[:, used].to(vectors.device) @ vectors, dim=-1)

    def fill(self, embed: Embed) -> Tensor:
        """Embed every label without gradient, remember and return all, (labels, dim)."""
        with torch.no_grad():
            self.memory = self.compose(torch.arange(len(self)), embed)
        self.renewed_at.fill_(self.step)
        return self.memory

    def vectors(self, renew: Tensor, embed: Embed) -> Tensor:
        """Return all label vectors, (labels, dim): those of *renew* with gradient."""
        memory = self.fill(embed) if self.memory is None else self.memory
        fresh = self.compose(renew, embed)  # (renew, dim)
        whole = memory.clone().index_copy(0, renew.to(memory.device), fresh)
        self.step += 1
        self.renewed_at[renew] = self.step
        self.memory = whole.detach()
        return whole

    def choose(self, right: Tensor, count: int, generator: torch.Generator) -> Tensor:
        """Return up to *count* distinct labels to renew: half stalest, half right in this batch.

        Args:
            right: (any,) positions of labels that are right for a document of the batch.
        """
        jitter = torch.rand(len(self), generator=generator)  # (labels,) breaks ties by chance
        order = (self.renewed_at + jitter).argsort()  # stalest first
        stale = order[: max(1, count // 2)]
        candidates = torch.unique(right)
        shuffled = candidates[torch.randperm(len(candidates), generator=generator)]
        both = torch.cat([stale, shuffled[: count - len(stale)]])
        distinct: Tensor = torch.unique(both)
        return distinct
