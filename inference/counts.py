"""Term counts of documents, kept in the database so that each text is counted once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from inference import terms, texts
from inference.document_texts import worded_texts
from inference.models import DocumentTerms

_READ_AT_ONCE: Final = 2_000  # ids in one query; SQLite takes 32,766 parameters
_COUNTED_AT_ONCE: Final = 512  # documents; at most texts.RAW_CHARACTERS characters each in memory

EDITION: Final = 100 * texts.EDITION + terms.EDITION
"""Names how texts are prepared and counted now; what was kept under another is not used."""


def document_counts(ids: NDArray[np.int64]) -> terms.Counts:
    """Return the term counts of *ids*, counting and keeping those not yet known.

    Args:
        ids: of documents that exist.

    Returns:
        (ids, terms.SPACE), sparse, in the order of *ids*.
    """
    known: dict[int, bytes] = {}
    for start in range(0, len(ids), _READ_AT_ONCE):
        chunk = ids[start : start + _READ_AT_ONCE].tolist()
        found = DocumentTerms.objects.filter(edition=EDITION, document_id__in=chunk)
        known |= {key: bytes(packed) for key, packed in found.values_list("document_id", "terms")}
        known |= _count_and_keep([id_ for id_ in chunk if id_ not in known])
    return terms.unpack([known.get(id_, b"") for id_ in ids.tolist()])


def _count_and_keep(ids: Sequence[int]) -> dict[int, bytes]:
    """Count the terms of *ids*, keep them, and return them packed."""
    counted: dict[int, bytes] = {}
    for start in range(0, len(ids), _COUNTED_AT_ONCE):
        worded = worded_texts(ids[start : start + _COUNTED_AT_ONCE])
        packed = terms.pack(terms.count_terms(list(worded.values())))
        counted |= dict(zip(worded, packed, strict=True))
    DocumentTerms.objects.bulk_create(
        (
            DocumentTerms(document_id=id_, edition=EDITION, terms=counted[id_])
            for id_ in sorted(counted)
        ),
        update_conflicts=True,
        unique_fields=["document"],
        update_fields=["edition", "terms"],
    )
    return counted
