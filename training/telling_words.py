"""Words that tell some texts from others."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

SAID: Final = 3  # words
WORD = re.compile(r"[^\W\d_]{4,}")


def telling_words(texts: Sequence[str], others: Sequence[str]) -> list[str]:
    """Return the words that most more of *texts* have than of *others*.

    >>> telling_words(["my card was stolen", "a stolen phone"], ["my card is late"])
    ['stolen', 'phone']
    """
    mine, theirs = _shares(texts), _shares(others)
    gaps = {word: share - theirs.get(word, 0.0) for word, share in mine.items()}
    ranked = sorted(gaps, key=lambda word: (-gaps[word], word))
    return [word for word in ranked[:SAID] if gaps[word] > 0]


def _shares(texts: Sequence[str]) -> dict[str, float]:
    """Return the share of texts that have each word."""
    counts = Counter(word for text in texts for word in set(WORD.findall(text.lower())))
    return {word: count / len(texts) for word, count in counts.items()}
