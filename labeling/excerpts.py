"""Show where a document holds what was searched for."""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from labeling.search import Search, Term, is_accent

LENGTH = 220  # characters shown
BEFORE = 60  # of them before the first match
SIGNS = r"[\W_]+"
WITHIN = r"[^\W_]"  # of a word


class Part(NamedTuple):
    """A piece of text, and whether it is what was searched for."""

    text: str
    is_match: bool = False


def excerpt(text: str, search: Search) -> list[Part]:
    """Return the beginning of *text*, or what stands around its first match."""
    spans = matches(text, search)
    first = spans[0][0] if spans else 0
    start = _word_start(text, first - BEFORE) if first > BEFORE else 0
    end = start + LENGTH
    parts = [Part("… ")] if start else []
    parts += marked(text[start:end], search)
    return [*parts, Part(" …")] if end < len(text) else parts


def marked(text: str, search: Search) -> list[Part]:
    """Return *text* in parts, those that match apart from those that do not; spaces evened out."""
    parts, at = [], 0
    for start, end in matches(text, search):
        parts += [Part(text[at:start]), Part(text[start:end], is_match=True)]
        at = end
    parts.append(Part(text[at:]))
    return [Part(re.sub(r"\s+", " ", part), found) for part, found in parts if part]


def matches(text: str, search: Search) -> list[tuple[int, int]]:
    """Return where *text* holds a wanted term, [start, end) in characters, from left to right."""
    if not search.wanted:
        return []
    pieces = [_folded(character) for character in text]
    places = [place for place, piece in enumerate(pieces) for _ in piece]
    pattern = "|".join(_pattern(term) for term in search.wanted)
    found = re.finditer(pattern, "".join(pieces))
    return [(places[each.start()], places[each.end() - 1] + 1) for each in found]


@lru_cache(maxsize=4096)
def _folded(character: str) -> str:
    """Return a character as searches compare it: small, without accents, maybe nothing."""
    bare = unicodedata.normalize("NFD", character)
    return "".join(each for each in bare if not is_accent(each)).lower()


def _pattern(term: Term) -> str:
    words = ["".join(map(_folded, word)) for word in term.words.split()]
    end = f"{WITHIN}*" if term.is_prefix else f"(?!{WITHIN})"
    return f"(?<!{WITHIN}){SIGNS.join(map(re.escape, words))}{end}"


def _word_start(text: str, place: int) -> int:
    """Return where the first word behind *place* begins, or *place* within an endless one."""
    space = re.compile(r"\s").search(text, place, place + BEFORE)
    return space.end() if space else place
