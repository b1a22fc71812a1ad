"""Turn an e-mail into the text the encoder reads."""

import re
import unicodedata
from typing import Final

EDITION: Final = 1
"""Counts the ways texts were ever prepared; vectors made under another edition are not reused."""

MAX_CHARACTERS: Final = 4_000
"""Where prepared texts are cut. The default encoder reads 256 tokens; English has four to five
characters a token, so nothing it could read is lost."""

MAX_RUN: Final = 200
"""Longest run without a space. Tokenizers keep every word they meet in a cache without bound."""

RAW_CHARACTERS: Final = 10 * MAX_CHARACTERS
"""Characters of the raw body that are looked at: a 10 MB body costs no more than a long mail."""

_QUOTED = re.compile(r"^\s*(?:>|\|\s)")
_REPLY_HEAD = re.compile(
    r"^\s*(?:on|am|le|el|il|op)\b(?=.*\d).{0,200}"  # a date, and perhaps a name
    r"\b(?:wrote|schrieb|écrit|escribió|scritto|schreef)\b.{0,100}:\s*$",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(
    r"^\s*-{2,}\s*(?:original message|forwarded message|ursprüngliche nachricht)\s*-{2,}\s*$"
    r"|^\s*_{10,}\s*$",
    re.IGNORECASE,
)
_FORWARDED_HEADER = re.compile(r"^\s*(?:from|von|de):\s.*\S", re.IGNORECASE)
_SENT_HEADER = re.compile(r"^\s*(?:sent|date|to|gesendet|datum|an):\s", re.IGNORECASE)
_SIGNATURE = re.compile(
    r"^--\s?$|^\s*(?:sent from my |get outlook for |gesendet von mein)", re.IGNORECASE
)
_REPLY_MARK = re.compile(
    r"^\s*(?:(?:re|fwd?|aw|wg|antw|sv|tr|rv)(?:\[\d+\])?\s*:\s*)+", re.IGNORECASE
)
_LONG_RUN = re.compile(rf"(\S{{{MAX_RUN}}})(?=\S)")
_SPACES = re.compile(r"[^\S\n]+")
_BLANK_LINES = re.compile(r"\s*\n\s*")


def prepare(subject: str, text: str) -> str:
    """Return what the encoder reads: the subject, then the body without quotes and signature.

    Control and unpaired surrogate characters are dropped, unbroken runs over MAX_RUN are broken,
    and the whole is cut at MAX_CHARACTERS. A body that is nothing but quotes is kept whole: an
    answer written between quotes or a bare forward still says what it is about. Any string is
    accepted; an empty document gives "".
    """
    body = strip_history(clean(text[:RAW_CHARACTERS]))
    return bounded("\n".join(part for part in (clean(subject).strip(), body.strip()) if part))


def with_history(subject: str, text: str) -> str:
    """Return what words are counted in: the same with quotes and signature.

    What somebody answers to tells what the answer is about; an encoder that reads 256 tokens would
    pay for it with the answer's own words.
    """
    return bounded(f"{clean(subject).strip()}\n{clean(text[:RAW_CHARACTERS])}")


def thread_of(subject: str) -> str:
    """Return what the subjects of a message and its answers have in common; "" where nothing."""
    return " ".join(_REPLY_MARK.sub("", clean(subject)).casefold().split())


def clean(text: str) -> str:
    """Drop characters no encoder reads and make all line ends alike."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii() and text.isprintable():
        return text
    return "".join(_replacement(character) for character in text)


def _replacement(character: str) -> str:
    if character in "\n\t":
        return character
    category = unicodedata.category(character)
    if category in {"Cc", "Zl", "Zp"}:
        return " "
    return "" if category == "Cs" else character


def strip_history(text: str) -> str:
    """Drop quoted replies and what follows the signature mark; return *text* if nothing is left."""
    kept: list[str] = []
    lines = text.split("\n")
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if _ends_message(line, following):
            break
        if not _QUOTED.match(line):
            kept.append(line)
    own = "\n".join(kept)
    return own if own.strip() else text


def _ends_message(line: str, following: str) -> bool:
    """Whether the author's own words end before *line*."""
    if _SIGNATURE.match(line) or _SEPARATOR.match(line):
        return True
    if _FORWARDED_HEADER.match(line) and _SENT_HEADER.match(following):
        return True
    wrapped = f"{line[:400]} {following[:400]}"  # long heads are broken before "wrote:"
    return bool(_REPLY_HEAD.match(line[:400]) or _REPLY_HEAD.match(wrapped))


def bounded(text: str) -> str:
    """Collapse white space, break unbroken runs and cut at MAX_CHARACTERS."""
    text = _BLANK_LINES.sub("\n", _SPACES.sub(" ", text[:RAW_CHARACTERS])).strip()
    return _LONG_RUN.sub(r"\1 ", text)[:MAX_CHARACTERS].rstrip()
