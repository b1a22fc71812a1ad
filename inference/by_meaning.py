"""Look for the documents nearest in meaning to what somebody writes.

All vectors that meet the filters are read, a chunk at a time: an index of a million documents would
take half of what a worker may hold, for a search that is asked now and then.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from django.http import QueryDict

from inference import deployments, serving, texts, vectors
from inference.bundle import BundleCorrupt
from inference.encode import EncoderUnavailable
from inference.retrieve import Embeddings, top
from labeling import meaning
from labeling.forms.documents import DocumentFilterForm
from labeling.models import Project
from labeling.queue_filling import batches

AT_ONCE: Final = 20_000  # documents: 30 MB of vectors


def answer(project_id: int, address: str) -> None:
    """Look for what the address asks for, and keep what was found, or why nothing could be."""
    project = Project.objects.filter(pk=project_id).first()
    if project is None or meaning.is_kept(project_id, address):
        return
    asked = DocumentFilterForm(project, QueryDict(address)).filter
    documents = asked.meeting(project.documents.all()).order_by("pk")
    ids = documents.values_list("pk", flat=True).iterator(chunk_size=AT_ONCE)
    meaning.keep(project_id, address, nearest(project, asked.q, ids))


def nearest(project: Project, words: str, documents: Iterable[int]) -> meaning.Nearest:
    """Return which of *documents* are nearest to *words*, by the encoder that serves."""
    champion = deployments.champion(project)
    if champion is None:
        return meaning.Nearest([], 0, "No model serves yet, so no document has been read.")
    try:
        encoder = serving.encoder(serving.load(champion.bundle))
        query = encoder.encode([texts.prepare("", words)])
    except (BundleCorrupt, EncoderUnavailable) as error:
        return meaning.Nearest([], 0, f"The model that serves cannot be used: {error}")
    found = np.empty(0, np.int64), np.empty(0, np.float32)
    looked_at = 0
    for chunk in batches(documents, AT_ONCE):
        ids, known = vectors.cached_vectors(chunk, encoder.digest)
        looked_at += len(ids)
        if len(ids):
            found = _best(
                np.concatenate([found[0], ids]), np.concatenate([found[1], known @ query[0]])
            )
    pairs = zip(found[0].tolist(), found[1].tolist(), strict=True)
    return meaning.Nearest([(pk, round(cosine, 4)) for pk, cosine in pairs], looked_at)


def _best(ids: vectors.Ids, cosines: Embeddings) -> tuple[vectors.Ids, Embeddings]:
    (rows,) = top(cosines[None], min(meaning.MOST, len(ids)))
    return ids[rows], cosines[rows]
