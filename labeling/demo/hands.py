"""How people type: from careful letters to thumbs on a phone."""

import random
import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hand:
    """One way of writing.

    share: of all senders, in [0, 1].
    opens: share of mails with an opening sentence, in [0, 1].
    slips: share of words with a typing error, in [0, 1].
    lowered: share of mails without capitals.
    """

    share: float
    opens: float
    slips: float
    lowered: float = 0.0


HANDS = {
    "formal": Hand(share=0.25, opens=0.75, slips=0.0),
    "plain": Hand(share=0.42, opens=0.45, slips=0.01),
    "terse": Hand(share=0.15, opens=0.3, slips=0.01),
    "sloppy": Hand(share=0.18, opens=0.5, slips=0.06, lowered=0.7),
}

_WORD = re.compile(r"(?<![{\w])[A-Za-z']{4,}(?![}\w])")
_SENTENCE_END = re.compile(r"[.,](?= )")


def scrawl(text: str, style: str, draw: random.Random) -> str:
    """Return *text* as that hand types it; what stands in braces is left alone."""
    hand = HANDS[style]
    if hand.slips:
        text = _WORD.sub(lambda word: _slip(word[0], hand.slips, draw), text)
    if draw.random() < hand.lowered:
        text = _SENTENCE_END.sub("", text.replace("'", "")).lower()
    return text


def _slip(word: str, share: float, draw: random.Random) -> str:
    """Swap, drop or double one letter inside *word*, or leave it."""
    if draw.random() >= share:
        return word
    at = draw.randrange(1, len(word) - 2)
    before, pair, after = word[:at], word[at : at + 2], word[at + 2 :]
    return before + draw.choice([pair[::-1], pair[0], pair[0] + pair]) + after
