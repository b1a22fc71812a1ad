"""All that models see of stored documents, read from what is kept and made where it lacks."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet

from inference import vectors
from inference.counts import document_counts
from inference.features import Features
from inference.vectors import Ids, Tell, TextEncoder
from labeling.models import Document

Documents = Iterable[int] | QuerySet[Document]


def document_features(
    documents: Documents, encoder: TextEncoder, *, words: bool, progress: Tell | None = None
) -> tuple[Ids, Features]:
    """Return ids, ascending, and features of *documents*, encoding those not yet known.

    Args:
        documents: ids, or a queryset; ids of documents that do not exist are left out.
        words: count terms, too.
        progress: told how many documents are encoded, after each batch.
    """
    ids, found = vectors.document_vectors(documents, encoder, progress=progress)
    return ids, Features(found, document_counts(ids) if words else None)


def cached_features(
    documents: Documents, encoder_digest: str, *, words: bool
) -> tuple[Ids, Features]:
    """Return the same of those *documents* whose vectors are known, without any encoder."""
    ids, found = vectors.cached_vectors(documents, encoder_digest)
    return ids, Features(found, document_counts(ids) if words else None)
