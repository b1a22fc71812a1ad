"""Document vectors, kept in the database so that each text is encoded once per encoder."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Protocol

import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray

from inference import texts
from inference.document_texts import prepared_texts
from inference.models import DocumentVector
from labeling.models import Document

Ids = NDArray[np.int64]
Vectors = NDArray[np.float32]
Tell = Callable[[int], None]

STORED: Final = np.dtype("<f2")
"""float16, little-endian: half the space, and cosines change by less than 0.001."""

_READ_AT_ONCE: Final = 2_000  # ids in one query; SQLite takes 32,766 parameters
_ENCODED_AT_ONCE: Final = 512  # documents; at most texts.RAW_CHARACTERS characters each in memory


class TextEncoder(Protocol):
    """What makes vectors: an Encoder, or one that is loaded when needed."""

    digest: str

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors, (texts, dim), float32."""


def cache_key(encoder_digest: str) -> str:
    """Return the name of vectors by this encoder of texts prepared as they are now."""
    return f"{encoder_digest[:58]}/{texts.EDITION}"


def document_vectors(
    documents: Iterable[int] | QuerySet[Document],
    encoder: TextEncoder,
    *,
    progress: Tell | None = None,
) -> tuple[Ids, Vectors]:
    """Return the vectors of *documents*, encoding and keeping those not yet known.

    Args:
        documents: ids, or a queryset; ids of documents that do not exist are left out.
        progress: told how many documents are ready, after each batch.

    Returns:
        Ids in ascending order, (documents,), and unit vectors in that order, (documents, dim),
        float32. Both are empty, dim 0, when there are no documents.
    """
    ids = _sorted_ids(documents)
    ready = 0
    for chunk in _chunks(ids, _READ_AT_ONCE):
        known = set(_stored_ids(chunk, encoder.digest))
        missing = [id_ for id_ in chunk.tolist() if id_ not in known]
        ready += len(known)
        for count in _encode_and_keep(missing, encoder):
            ready += count
            if progress:
                progress(ready)
    return cached_vectors(ids, encoder.digest)


def cached_vectors(
    documents: Iterable[int] | QuerySet[Document], encoder_digest: str
) -> tuple[Ids, Vectors]:
    """Return the vectors of *documents* that are known, without loading any encoder.

    Returns:
        As document_vectors; documents without a vector are left out.
    """
    ids = _sorted_ids(documents)
    rows: list[tuple[int, bytes | memoryview]] = []
    for chunk in _chunks(ids, _READ_AT_ONCE):
        found = _stored(chunk, encoder_digest).values_list("document_id", "vector")
        rows.extend(found.order_by("document_id"))
    if not rows:
        return np.empty(0, np.int64), np.empty((0, 0), np.float32)
    packed = np.frombuffer(b"".join(bytes(vector) for _, vector in rows), dtype=STORED)
    return (
        np.array([id_ for id_, _ in rows], dtype=np.int64),
        packed.reshape(len(rows), -1).astype(np.float32),
    )


def _encode_and_keep(ids: Sequence[int], encoder: TextEncoder) -> Iterator[int]:
    """Encode and store the vectors of *ids*; yield how many after each batch."""
    for start in range(0, len(ids), _ENCODED_AT_ONCE):
        prepared = prepared_texts(ids[start : start + _ENCODED_AT_ONCE])
        if not prepared:
            continue
        vectors = encoder.encode(list(prepared.values()))
        store(list(prepared), vectors, encoder.digest)
        yield len(prepared)


def store(ids: Sequence[int], vectors: Vectors, encoder_digest: str) -> None:
    """Keep *vectors*, (documents, dim), of the documents *ids*; those already kept stay."""
    key = cache_key(encoder_digest)
    DocumentVector.objects.bulk_create(
        (
            DocumentVector(document_id=id_, encoder=key, vector=row.tobytes())
            for id_, row in zip(ids, vectors.astype(STORED), strict=True)
        ),
        ignore_conflicts=True,
    )


def _stored(ids: Ids, encoder_digest: str) -> QuerySet[DocumentVector]:
    return DocumentVector.objects.filter(
        encoder=cache_key(encoder_digest), document_id__in=ids.tolist()
    )


def _stored_ids(ids: Ids, encoder_digest: str) -> Iterable[int]:
    return _stored(ids, encoder_digest).values_list("document_id", flat=True)


def _sorted_ids(documents: Iterable[int] | QuerySet[Document]) -> Ids:
    if isinstance(documents, QuerySet):
        documents = documents.order_by().values_list("pk", flat=True)
    return np.unique(np.fromiter(documents, dtype=np.int64))


def _chunks(ids: Ids, size: int) -> Iterator[Ids]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
