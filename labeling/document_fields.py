"""Turn the fields of one row of a file into a clean document within bounds.

Every treatment is stated in docs/importing.md and counted, so that a report can say what was done.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from labeling.documents import Row

TEXT_LIMIT = 200_000  # characters; ten times the longest post of newsgroups20
SUBJECT_LIMIT = 1_000  # characters, Document.subject
ID_LIMIT = 200  # characters, Document.external_id
METADATA_LIMIT = 50_000  # characters of JSON
METADATA_DEPTH = 20  # objects and lists within each other
NONE_FITS = "[]"  # in a CSV cell: a person said that no label fits; an empty cell says nothing
NAMES_KEPT = 50  # of ignored fields: a file may invent millions
KNOWN = frozenset(("id", "subject", "text", "metadata", "labels"))
SURROGATES = re.compile("[\ud800-\udfff]")

Treatments = Counter[str]


class BadField(ValueError):
    """A field cannot become part of a document; the message says why."""


def to_row(
    fields: Mapping[str, Any], *, line: int, treatments: Treatments, plain: bool = False
) -> Row:
    """Return the document that *fields* describe.

    Args:
        plain: the source held no escape and is short, so that metadata need no second look.

    Raises:
        BadField: a field has the wrong type, or the metadata is too long.
    """
    for name in fields.keys() - KNOWN:
        _count_ignored(str(name), treatments)
    return Row(
        external_id=_external_id(fields.get("id"), treatments),
        subject=_bounded("subject", fields.get("subject"), SUBJECT_LIMIT, treatments),
        text=_bounded("text", fields.get("text"), TEXT_LIMIT, treatments),
        metadata=_metadata(fields.get("metadata"), treatments, plain=plain),
        labels=_labels(fields.get("labels")),
        line=line,
    )


def clean(text: str) -> str:
    """Return *text* as every database takes it: no NUL, lone surrogates as U+FFFD."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    return text if text.isascii() else SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)


def _count_ignored(name: str, treatments: Treatments) -> None:
    key = f"field ignored: {clean(name)[:60]}"
    if key in treatments or len(treatments) < NAMES_KEPT:
        treatments[key] += 1


def _bounded(name: str, value: Any, limit: int, treatments: Treatments) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadField(f"the field {name} must be text, not {_kind(value)}")
    text = clean(value)
    if text != value:
        treatments[f"{name}: NUL or broken characters removed"] += 1
    if len(text) > limit:
        treatments[f"{name} cut at {limit:,} characters"] += 1
    return text[:limit]


def _external_id(value: Any, treatments: Treatments) -> str:
    """Return the id within ID_LIMIT; empty when there is none, to be derived from the text."""
    if isinstance(value, bool) or not isinstance(value, str | int | None):
        raise BadField(f"the field id must be text or a whole number, not {_kind(value)}")
    key = clean(str("" if value is None else value)).strip()
    if not key:
        treatments["id derived from the text"] += 1
    if len(key) <= ID_LIMIT:
        return key
    treatments[f"id shortened to {ID_LIMIT} characters"] += 1
    digest = hashlib.sha256(key.encode()).hexdigest()
    return f"{key[: ID_LIMIT - len(digest) - 1]}~{digest}"


def _metadata(value: Any, treatments: Treatments, *, plain: bool) -> dict[str, Any]:
    if value is None or value == "":
        return {}
    if not isinstance(value, dict):
        raise BadField(f"the field metadata must be an object, not {_kind(value)}")
    if _deeper(value, METADATA_DEPTH):
        raise BadField(f"metadata is nested more than {METADATA_DEPTH} levels deep")
    if plain:
        return value
    written = json.dumps(value)
    if len(written) > METADATA_LIMIT:
        raise BadField(f"metadata is longer than {METADATA_LIMIT:,} characters of JSON")
    if "\\u" not in written:
        return value
    cleaned = _clean_json(value)
    if cleaned != value:
        treatments["metadata: NUL or broken characters removed"] += 1
    return dict(cleaned)


def _deeper(value: Any, levels: int) -> bool:
    """Whether *value* holds objects or lists more than *levels* within each other."""
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return not levels or any(_deeper(each, levels - 1) for each in inner)


def _clean_json(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_clean_json(each) for each in value]
    if isinstance(value, dict):
        return {clean(key): _clean_json(each) for key, each in value.items()}
    return value


def _labels(value: Any) -> tuple[str, ...] | None:
    if isinstance(value, str) and value.strip() == NONE_FITS:
        return ()
    if isinstance(value, str):
        value = [part for part in value.split(";") if part.strip()] or None
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise BadField("the field labels must be a list of ids, or ids separated by semicolons")
    return tuple(dict.fromkeys(clean(each).strip() for each in value))


def _kind(value: Any) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", str: "text"}
    return names.get(type(value), "a list" if isinstance(value, list) else "an object")
