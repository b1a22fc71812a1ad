"""The lexical channel: what the words of a document say, beside what its vector says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from inference.terms import Counts

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """The terms that are read.

    terms: ascending names of terms, see terms.count_terms, (terms,), int32.
    idf: how much a term tells, by how few documents hold it, (terms,), float32.
    """

    terms: NDArray[np.int32]
    idf: Floats

    def __len__(self) -> int:
        return len(self.terms)

    def tfidf(self, counts: Counts) -> Any:
        """Return (1 + ln count) · idf of the known terms, rows of length one.

        Args:
            counts: (documents, terms.SPACE), sparse.

        Returns:
            A csr_matrix of float32, (documents, terms). A document without any known term is a row
            of zeros.
        """
        shape = (counts.shape[0], len(self))
        if not len(self):
            nothing = (np.empty(0, np.float32), np.empty(0, np.int32), np.zeros(shape[0] + 1, int))
            return csr_matrix(nothing, shape=shape)
        places = np.minimum(np.searchsorted(self.terms, counts.indices), len(self) - 1)
        known = self.terms[places] == counts.indices
        indptr = np.concatenate([[0], known.cumsum()])[counts.indptr]
        places = places[known]
        values = (1 + np.log(counts.data[known])) * self.idf[places]
        lengths = np.sqrt(np.bincount(_rows(indptr), values**2, minlength=shape[0]))
        values = (values / lengths[_rows(indptr)]).astype(np.float32)
        return csr_matrix((values, places, indptr), shape=shape)


def _rows(indptr: NDArray[Any]) -> NDArray[np.int64]:
    """Return the row of each stored value."""
    return np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))


@dataclass(frozen=True, slots=True, eq=False)
class Lexical:
    """A linear model over terms whose scores are added to the head's logits.

    weights: (terms, labels), float32; what a term adds to a label's logit. A label about which
        nothing was learnt has zeros, so that it stands where the others stand on average.

    Raises:
        ValueError: vocabulary and weights speak of different numbers of terms.
    """

    vocabulary: Vocabulary
    weights: Floats

    def __post_init__(self) -> None:
        if len(self.weights) != len(self.vocabulary):
            raise ValueError(f"{len(self.vocabulary)} terms, {len(self.weights)} weights")

    def logits(self, counts: Counts) -> Floats:
        """Return what to add to the logits, (documents, labels), float32.

        Args:
            counts: (documents, terms.SPACE), sparse.
        """
        scores: Floats = np.asarray(self.vocabulary.tfidf(counts) @ self.weights)
        return scores
