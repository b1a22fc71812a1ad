"""Read what people type into a search: words, "phrases", -excluded. All else is taken literally."""

import re
import unicodedata
from dataclasses import dataclass

LONGEST = 300  # characters of a search
MOST_TERMS = 20
PREFIX_FROM = 3  # characters: shorter beginnings are those of half the words there are
QUOTES = str.maketrans(dict.fromkeys("“”„‟«»", '"'))
TERM = re.compile(r'(-?)(?:"([^"]*)"?|([^\s"]+))')


@dataclass(frozen=True, slots=True)
class Term:
    """One word, or several in a row, without accents and signs; a space between words.

    is_prefix: the last word may go on.
    """

    words: str
    is_excluded: bool = False
    is_prefix: bool = False


@dataclass(frozen=True, slots=True)
class Search:
    """What all documents found hold, and what none of them does."""

    terms: tuple[Term, ...]

    @property
    def wanted(self) -> tuple[Term, ...]:
        return tuple(term for term in self.terms if not term.is_excluded)

    @property
    def excluded(self) -> tuple[Term, ...]:
        return tuple(term for term in self.terms if term.is_excluded)


def parse(text: str) -> Search | None:
    """Return the search that *text* asks for; None where it holds no word.

    Only the last word is a beginning, where it ends the text: somebody may still be typing it.

    >>> parse('refund "two times" -card').terms[1]
    Term(words='two times', is_excluded=False, is_prefix=False)
    """
    found = list(TERM.finditer(text[:LONGEST].translate(QUOTES)))
    terms = []
    for match in found[:MOST_TERMS]:
        minus, phrase, word = match.groups()
        words = " ".join(plain(word or phrase or "").split())
        if any(character.isalnum() for character in words):
            is_last = match is found[-1] and bool(word) and not minus
            is_long = len(words.rpartition(" ")[2]) >= PREFIX_FROM
            terms.append(Term(words, bool(minus), is_last and is_long))
    return Search(tuple(dict.fromkeys(terms))) if terms else None


def plain(text: str) -> str:
    """Return *text* without accents, a space in place of each sign.

    >>> plain("Zähler-Stand?")
    'Zahler Stand '
    """
    bare = "".join(
        character for character in unicodedata.normalize("NFD", text) if not is_accent(character)
    )
    return "".join(
        character if unicodedata.category(character)[0] in "LNM" else " "
        for character in unicodedata.normalize("NFC", bare)
    )


def is_accent(character: str) -> bool:
    return "\u0300" <= character <= "\u036f"
