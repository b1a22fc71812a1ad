"""What a model sees of documents: a dense vector each, and where it reads words, their counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import vstack

from inference.terms import Counts


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Some documents, row by row.

    vectors: unit vectors by one encoder, (documents, dim), float32.
    counts: of their terms, (documents, terms.SPACE), sparse; None where no words are read.

    Raises:
        ValueError: both speak of different numbers of documents.
    """

    vectors: NDArray[np.float32]
    counts: Counts | None = None

    def __post_init__(self) -> None:
        if self.counts is not None and self.counts.shape[0] != len(self.vectors):
            raise ValueError(f"{len(self.vectors)} vectors, {self.counts.shape[0]} counts")

    def __len__(self) -> int:
        return len(self.vectors)

    def take(self, rows: NDArray[Any]) -> Features:
        """Return the documents at *rows*, positions or flags."""
        return Features(self.vectors[rows], None if self.counts is None else self.counts[rows])


def joined(parts: Sequence[Features]) -> Features:
    """Return the documents of all *parts*, one after the other; parts without any add nothing.

    Counts are kept where every part has them.
    """
    filled = [part for part in parts if len(part)] or list(parts[:1])
    counted = [part.counts for part in filled if part.counts is not None]
    return Features(
        np.concatenate([part.vectors for part in filled]),
        vstack(counted, format="csr") if len(counted) == len(filled) else None,
    )
