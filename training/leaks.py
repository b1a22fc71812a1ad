"""Find held-out texts that also stand, exactly or nearly, among the training texts."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from training.splits import COSINE, SIMILAR, jaccard, normalise, shingles, similar_pairs

SHOWN = 10  # pairs kept as evidence


@dataclass(frozen=True, slots=True)
class LeakReport:
    """How many held-out texts leak, each counted once under its plainest reason.

    exact: the same characters. normalised: the same but for case, accents and punctuation.
    similar: shingle sets that agree by 0.8 or more. close: vectors with a cosine of 0.95 or more;
    None where no vectors were at hand.
    pairs: evidence, [(held-out position, training position), …].
    """

    checked: int
    exact: int
    normalised: int
    similar: int
    close: int | None
    pairs: tuple[tuple[int, int], ...] = ()

    @property
    def total(self) -> int:
        return self.exact + self.normalised + self.similar + (self.close or 0)

    def as_json(self) -> dict[str, object]:
        return {**asdict(self), "total": self.total}


def find(
    held_out: Sequence[str],
    training: Sequence[str],
    vectors: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None,
) -> LeakReport:
    """Compare every held-out text with every training text.

    Args:
        held_out, training: raw texts.
        vectors: unit vectors of both, (held-out, dim) and (training, dim).
    """
    exact = {text: place for place, text in reversed(list(enumerate(training)))}
    plain = {normalise(text): place for place, text in reversed(list(enumerate(training)))}
    similar = _similar(held_out, training)
    close = _close(*vectors) if vectors is not None else {}
    found: dict[str, list[tuple[int, int]]] = {"exact": [], "normalised": [], "similar": []}
    found["close"] = []
    for position, text in enumerate(held_out):
        if text in exact:
            found["exact"].append((position, exact[text]))
        elif (key := normalise(text)) in plain:
            found["normalised"].append((position, plain[key]))
        elif position in similar:
            found["similar"].append((position, similar[position]))
        elif position in close:
            found["close"].append((position, close[position]))
    return LeakReport(
        checked=len(held_out),
        exact=len(found["exact"]),
        normalised=len(found["normalised"]),
        similar=len(found["similar"]),
        close=len(found["close"]) if vectors is not None else None,
        pairs=tuple(pair for pairs in found.values() for pair in pairs)[:SHOWN],
    )


def _similar(held_out: Sequence[str], training: Sequence[str]) -> dict[int, int]:
    """Return held-out position to the position of a training text with similar shingles."""
    count = len(training)
    pairs = similar_pairs([*training, *held_out])
    across = {later - count: earlier for earlier, later in pairs if earlier < count <= later}
    # Copies are compared through their first copy, so a held-out text may meet its twin indirectly.
    sets = {position: shingles(held_out[position]) for position in across}
    for earlier, later in pairs:
        if earlier >= count and earlier - count in across and later - count not in across:
            twin = across[earlier - count]
            if jaccard(sets[earlier - count], shingles(held_out[later - count])) >= SIMILAR:
                across[later - count] = twin
    return across


def _close(
    held_out: NDArray[np.float32], training: NDArray[np.float32], chunk: int = 1024
) -> dict[int, int]:
    """Return held-out position to the position of its nearest training vector, where close."""
    found: dict[int, int] = {}
    if not len(training):
        return found
    for start in range(0, len(held_out), chunk):
        similarities = held_out[start : start + chunk] @ training.T  # (chunk, training)
        nearest = similarities.argmax(axis=1)  # (chunk,)
        best = similarities[np.arange(len(nearest)), nearest]
        for row in np.flatnonzero(best >= COSINE):
            found[int(row) + start] = int(nearest[row])
    return found
