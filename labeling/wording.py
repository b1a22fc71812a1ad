"""Set the words of two texts beside each other, so that what differs can be seen."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher

WORDS_COMPARED = 2_000  # of each text; SequenceMatcher is quadratic


def difference(before: str, after: str) -> Iterator[tuple[str, str]]:
    """Yield ("same" | "removed" | "added", text) in reading order.

    >>> list(difference("lost cards", "stolen cards"))
    [('removed', 'lost'), ('added', 'stolen'), ('same', ' cards')]
    """
    old, new = _words(before), _words(after)
    # In long texts it looks for no match from what stands everywhere, spaces above all.
    for kind, a, b, c, d in SequenceMatcher(None, old, new).get_opcodes():
        if kind == "equal":
            yield "same", "".join(old[a:b])
            continue
        if a < b:
            yield "removed", "".join(old[a:b])
        if c < d:
            yield "added", "".join(new[c:d])


def _words(text: str) -> list[str]:
    return re.findall(r"\s+|\w+|[^\w\s]", text)[:WORDS_COMPARED]


TELLING = 0.2  # share of words two texts must have in common before their differences tell anything
LITTLE = 3  # letters up to which a word tells nothing: of, the, not


def set_off(text: str, other: str) -> list[tuple[str, bool]]:
    """Cut *text* into runs, telling those whose words *other* lacks; little words tell nothing.

    Where the two have next to nothing in common, nothing is told: all would be.

    >>> set_off("Card lost in the post", "Card lost abroad")
    [('Card lost in the ', False), ('post', True)]
    """
    theirs, words = _telling(other), _telling(text)
    if len(words & theirs) < TELLING * len(words):
        return [(text, False)]
    runs: list[tuple[str, bool]] = []
    for word in re.findall(r"\w+|\W+", text):
        differs = word.casefold() in words - theirs
        if runs and (differs == runs[-1][1] or (word.isspace() and not differs)):
            runs[-1] = (runs[-1][0] + word, runs[-1][1])
        else:
            runs.append((word, differs))
    return runs


def _telling(text: str) -> set[str]:
    return {word.casefold() for word in re.findall(r"\w+", text) if len(word) > LITTLE}
