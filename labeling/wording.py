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
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            yield "same", "".join(old[a:b])
            continue
        if a < b:
            yield "removed", "".join(old[a:b])
        if c < d:
            yield "added", "".join(new[c:d])


def _words(text: str) -> list[str]:
    return re.findall(r"\s+|\w+|[^\w\s]", text)[:WORDS_COMPARED]
