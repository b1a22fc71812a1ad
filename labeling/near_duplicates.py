"""Find texts that are nearly the same: letters from one template, the same report sent twice."""

import re
from collections.abc import Sequence
from itertools import pairwise

ALIKE = 0.6
"""Pairs of words two texts share, of all that either has. A name exchanged costs each two pairs:
of forty words five may differ."""

NO_LETTERS = re.compile(r"[\W\d_]+")  # numbers, dates and marks differ in what is otherwise alike


def groups(texts: Sequence[str]) -> list[list[int]]:
    """Put each text with the first of those before it that it is nearly the same as.

    Nearly the same: the Jaccard index of their pairs of neighbouring words, without numbers and
    marks, is at least ALIKE. Texts without words are like none. Each is compared with the first of
    a group, so that no chain of small differences joins what differs; for hundreds of texts.

    Returns:
        Places in *texts*, each once: groups in the order of their first texts.
    """
    found: list[list[int]] = []
    firsts: list[frozenset[tuple[str, str]]] = []
    for place, text in enumerate(texts):
        pairs = word_pairs(text)
        like = next(
            (n for n, first in enumerate(firsts) if similarity(pairs, first) >= ALIKE), None
        )
        if like is None:
            found.append([place])
            firsts.append(pairs)
        else:
            found[like].append(place)
    return found


def word_pairs(text: str) -> frozenset[tuple[str, str]]:
    """Return the pairs of neighbouring words; the last one stands with nothing.

    >>> sorted(word_pairs("Card 4711: lost!"))
    [('card', 'lost'), ('lost', '')]
    """
    words = NO_LETTERS.sub(" ", text.casefold()).split()
    return frozenset(pairwise([*words, ""]))


def similarity(one: frozenset[tuple[str, str]], other: frozenset[tuple[str, str]]) -> float:
    """Return the Jaccard index of two sets, in [0, 1]; 0 where both are empty."""
    together = len(one & other)
    return together / (len(one) + len(other) - together) if together else 0.0
