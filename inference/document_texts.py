"""The texts of stored documents, as models read them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from django.db.models.functions import Left

from inference import texts
from labeling.models import Document

_READ_AT_ONCE: Final = 512  # documents; at most texts.RAW_CHARACTERS characters each in memory


def prepared_texts(ids: Sequence[int]) -> dict[int, str]:
    """Return id to what the encoder reads; ids of documents that do not exist are left out."""
    return _read(ids, texts.prepare)


def worded_texts(ids: Sequence[int]) -> dict[int, str]:
    """Return id to what words are counted in; ids of documents that do not exist are left out."""
    return _read(ids, texts.with_history)


def _read(ids: Sequence[int], make: Callable[[str, str], str]) -> dict[int, str]:
    made: dict[int, str] = {}
    for start in range(0, len(ids), _READ_AT_ONCE):
        documents = Document.objects.filter(pk__in=ids[start : start + _READ_AT_ONCE])
        rows = documents.values_list("pk", "subject", Left("text", texts.RAW_CHARACTERS))
        made |= {pk: make(subject, text) for pk, subject, text in rows}
    return made
