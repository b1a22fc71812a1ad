"""The texts of stored documents, as models read them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from django.db.models.functions import Left

from inference import texts
from labeling.models import Document

GENERIC: Final = 0.05
FEW: Final = 3  # documents that may share a subject however few documents there are

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


def threads_of(ids: Sequence[int]) -> list[int]:
    """Return for each of *ids* a number that the documents of its thread share, by their subjects.

    A subject that more than GENERIC of the documents have, as "Question", joins nothing. Documents
    without a subject are alone.
    """
    found: dict[int, str] = {}
    for start in range(0, len(ids), _READ_AT_ONCE):
        documents = Document.objects.filter(pk__in=ids[start : start + _READ_AT_ONCE])
        for pk, subject in documents.values_list("pk", "subject"):
            found[pk] = texts.thread_of(subject)
    return grouped(ids, [found.get(id_, "") for id_ in ids])


def grouped(ids: Sequence[int], threads: Sequence[str]) -> list[int]:
    """Return for each of *ids* the first one whose thread, see texts.thread_of, is the same."""
    sizes = Counter(threads)
    most = max(FEW, GENERIC * len(ids))
    first: dict[str, int] = {}
    return [
        first.setdefault(thread, id_) if thread and sizes[thread] <= most else id_
        for id_, thread in zip(ids, threads, strict=True)
    ]
