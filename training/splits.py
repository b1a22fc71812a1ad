"""Split documents into train, validation and test so that near-duplicates stay together."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import islice

import numpy as np
from datasketch import MinHash, MinHashLSH
from numpy.typing import NDArray

Pairs = Iterable[tuple[int, int]]

SHINGLE = 5  # characters; short texts differ in a word, that is in some ten shingles
SIMILAR = 0.8  # Jaccard similarity of shingle sets from which two texts count as near-duplicates
COSINE = 0.95  # cosine of two documents' vectors from which they do (learning.md §9)
PERMUTATIONS = 128  # Jaccard within ±0.04; every candidate pair is then checked exactly
MISS_LITTLE = (0.1, 0.9)  # cost of a false candidate, which the check removes, and of a miss
COMPARED = 4000  # characters compared: enough to tell texts apart, bounded for megabyte mails
SHARES = (("test", 0.2), ("validation", 0.1))  # the rest trains
NEIGHBOURS = 50  # earlier near-duplicates of one text that are told
CHUNK = 1024  # rows of the cosine matrix held at once


class Split(StrEnum):
    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


def normalise(text: str) -> str:
    """Return *text* in lower case without accents, punctuation and repeated white space."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(character for character in folded if not unicodedata.combining(character))
    return re.sub(r"[\W_]+", " ", bare).strip()


def shingles(text: str) -> frozenset[str]:
    """Return the character 5-grams of the normalised *text*; itself if it is shorter."""
    cut = normalise(text)[:COMPARED]
    return frozenset(
        cut[start : start + SHINGLE] for start in range(max(1, len(cut) - SHINGLE + 1))
    )


def jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    """Return the share of shingles two texts have in common, in [0, 1]."""
    return len(first & second) / max(1, len(first | second))


def similar_pairs(texts: Sequence[str]) -> list[tuple[int, int]]:
    """Return the positions (earlier, later) of texts whose shingles agree by *SIMILAR* or more.

    Candidates come from MinHash (Broder, 1997), each is then compared exactly. A text with many
    copies is paired with each of them once, one with many neighbours with its first NEIGHBOURS.
    """
    sets = [shingles(text) for text in texts]
    index = MinHashLSH(threshold=SIMILAR, num_perm=PERMUTATIONS, weights=MISS_LITTLE)
    first_of: dict[frozenset[str], int] = {}
    pairs: list[tuple[int, int]] = []
    for position, found in enumerate(sets):
        if (twin := first_of.setdefault(found, position)) != position:
            pairs.append((twin, position))
            continue
        sketch = MinHash(num_perm=PERMUTATIONS, seed=1)
        sketch.update_batch([shingle.encode() for shingle in sorted(found)])
        places = sorted(index.query(sketch))
        near = (place for place in places if jaccard(sets[place], found) >= SIMILAR)
        pairs += [(earlier, position) for earlier in islice(near, NEIGHBOURS)]
        index.insert(position, sketch)
    return pairs


def close_pairs(vectors: NDArray[np.float32], cosine: float = COSINE) -> list[tuple[int, int]]:
    """Return positions (earlier, later) of nearly equal unit *vectors* (documents, dim).

    Not all of them, for ten thousand copies of a notice make fifty million, but as many as join
    whatever all would: with each document one of every group among its earlier neighbours.
    """
    pairs: list[tuple[int, int]] = []
    group = np.arange(len(vectors))
    for start in range(0, len(vectors), CHUNK):
        chunk = vectors[start : start + CHUNK]
        similarities = chunk @ vectors[: start + len(chunk)].T  # (chunk, documents so far)
        for position, near in enumerate(similarities >= cosine, start):
            earlier = np.flatnonzero(near[:position])
            roots, places = np.unique(group[earlier], return_index=True)
            if not len(roots):
                continue
            pairs += [(int(earlier[place]), position) for place in places]
            group[position] = roots[0]
            if len(roots) > 1:
                group[np.isin(group, roots)] = roots[0]
    return pairs


def joined(names: Sequence[int]) -> list[tuple[int, int]]:
    """Return the positions (earlier, later) of neighbours among those that have one name."""
    last: dict[int, int] = {}
    pairs = []
    for position, name in enumerate(names):
        if name in last:
            pairs.append((last[name], position))
        last[name] = position
    return pairs


def groups(count: int, pairs: Pairs) -> NDArray[np.int64]:
    """Return for each of *count* documents the first position of its group, shape (documents,).

    Two documents share a group when a chain of *pairs* joins them.
    """
    parent = list(range(count))

    def root(position: int) -> int:
        while parent[position] != position:
            parent[position] = parent[parent[position]]
            position = parent[position]
        return position

    for first, second in pairs:
        low, high = sorted((root(first), root(second)))
        parent[high] = low
    return np.array([root(position) for position in range(count)], dtype=np.int64)


def assign(texts: Sequence[str], grouped: NDArray[np.int64], *, seed: int = 0) -> list[Split]:
    """Return each document's split: decided by hash of its group's first text.

    With documents in order of age a document keeps its split while the collection grows.

    Args:
        texts: (documents,) raw texts.
        grouped: (documents,) position of each document's group, from `groups`.
        seed: another seed is another split.
    """
    return [_split(texts[first], seed) for first in grouped]


def _split(text: str, seed: int) -> Split:
    digest = hashlib.sha256(f"{seed}:{normalise(text)}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64  # uniform in [0, 1)
    for name, share in SHARES:
        if place < share:
            return Split(name)
        place -= share
    return Split.TRAIN
