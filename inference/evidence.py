"""Gather what speaks for predictions: gold near to their documents, and a passage of each."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from inference import passages, pipeline, serving, vectors
from inference.bundle import Bundle, BundleCorrupt
from inference.encode import EncoderUnavailable
from inference.features import Features
from inference.nearest import Nearest
from inference.terms import count_terms
from inference.texts import RAW_CHARACTERS, prepare, with_history
from labeling.models import Document, Evidence, Prediction, ReviewTask
from labeling.quoting import parts

logger = logging.getLogger(__name__)

KEPT: Final = 20
"""Documents named: more than are shown, for the gold of some may be taken back."""

PATIENCE: Final = 60.0  # seconds between two questions for vectors that were lacking
AT_ONCE: Final = 50_000  # vectors read at once: 115 MB

OVERLAP: Final = timedelta(minutes=10)
"""Gold is dated before it is committed: so far back is looked again for what came late."""


class GoldIndex:
    """The gold documents of one project by one encoder, in this process."""

    def __init__(self, project_id: int, encoder_digest: str) -> None:
        self.project_id, self.encoder_digest = project_id, encoder_digest
        self.index: Nearest | None = None
        self.newest: datetime | None = None
        self.lacking: set[int] = set()  # gold without a vector, as what was imported just now
        self.asked_at = time.monotonic()

    def nearest(self, queries: NDArray[np.float32]) -> list[list[tuple[int, float]]]:
        """Return of each query, (queries, dim), gold documents with their cosines, nearest first.

        Documents whose gold was taken back may be among them.
        """
        self._catch_up()
        if self.index is None:
            return [[] for _ in queries]
        ids, cosines = self.index.search(queries, KEPT + 1)  # one may be the document itself
        return [
            [(pk, cosine) for pk, cosine in zip(*row, strict=True) if pk >= 0]
            for row in zip(ids.tolist(), cosines.tolist(), strict=True)
        ]

    def _catch_up(self) -> None:
        """Add the gold that came since."""
        since = Document.objects.filter(project=self.project_id, gold_at__isnull=False)
        if self.newest is not None:
            since = since.filter(gold_at__gt=self.newest - OVERLAP)
        rows = list(since.order_by("gold_at").values_list("pk", "gold_at"))
        self.newest = rows[-1][1] if rows else self.newest
        new = {pk for pk, _ in rows}
        if time.monotonic() - self.asked_at > PATIENCE:  # some may have been encoded meanwhile
            new |= self.lacking
            self.asked_at = time.monotonic()
        known = np.empty(0, np.int64) if self.index is None else self.index.ids
        wanted = np.setdiff1d(np.array(sorted(new), dtype=np.int64), known)
        self.lacking |= set(wanted.tolist())
        for start in range(0, len(wanted), AT_ONCE):
            chunk = wanted[start : start + AT_ONCE].tolist()
            ids, found = vectors.cached_vectors(chunk, self.encoder_digest)
            if len(ids):
                self.index = self.index or Nearest(found.shape[1])
                self.index.add(ids, found)
                self.lacking -= set(ids.tolist())


@lru_cache(maxsize=4)
def gold_index(project_id: int, encoder_digest: str) -> GoldIndex:
    """Return what this process knows of a project's gold."""
    return GoldIndex(project_id, encoder_digest)


def gather(prediction_ids: Sequence[int], *, now: datetime) -> int:
    """Store evidence for those of these predictions that have none; return for how many.

    Running it twice is running it once. What was decided meanwhile needs none. For predictions by
    models whose files are gone, or whose encoder is not on this machine, nothing is found, once and
    for all.
    """
    waiting = ReviewTask.objects.open().filter(prediction__in=prediction_ids)
    wanted = Prediction.objects.filter(pk__in=waiting.values("prediction"), evidence=None)
    by_bundle: dict[tuple[int, str], list[Prediction]] = {}
    for each in wanted.select_related("document"):
        by_bundle.setdefault((each.project_id, each.bundle), []).append(each)
    found: list[Evidence] = []
    for (_, digest), predictions in by_bundle.items():
        try:
            found += _of(serving.load(digest), predictions, now)
        except (BundleCorrupt, EncoderUnavailable) as error:
            logger.warning("No evidence for %s predictions: %s", len(predictions), error)
            found += [Evidence(prediction=each, gathered_at=now) for each in predictions]
    Evidence.objects.bulk_create(found, ignore_conflicts=True)
    return len(found)


def _of(bundle: Bundle, predictions: Sequence[Prediction], now: datetime) -> list[Evidence]:
    """Return the evidence for predictions of one project by *bundle*, unsaved."""
    encoder = serving.encoder(bundle)
    ids, found = vectors.document_vectors([each.document_id for each in predictions], encoder)
    gold = gold_index(predictions[0].project_id, encoder.digest)
    near = dict(zip(ids.tolist(), gold.nearest(found), strict=True))
    return [
        Evidence(
            prediction=each,
            nearest=[
                [pk, round(cosine, 4)]
                for pk, cosine in near.get(each.document_id, [])
                if pk != each.document_id
            ][:KEPT],
            gathered_at=now,
            **moving(bundle, encoder, each),
        )
        for each in predictions
    ]


def moving(
    bundle: Bundle, encoder: vectors.TextEncoder, prediction: Prediction
) -> dict[str, str | float]:
    """Return the passage that moves the first candidate most, and its probabilities; {}: none.

    The model reads the document once more without each passage; the subject is one, too. It reads
    at first sight alone: where a second look decided, nothing is said.
    """
    subject, body = prediction.document.subject, prediction.document.text[:RAW_CHARACTERS]
    body = "\n".join(body.splitlines())
    found, rests = own_passages(body)
    mails = [(subject, body), *((subject, rest) for rest in rests)]
    if subject:
        found, mails = [*found, subject], [*mails, ("", body)]
    known = prediction.first_id in bundle.label_ids and not prediction.reranked
    if not known or len(found) < 2:
        return {}
    column = bundle.label_ids.index(prediction.first_id)
    features = Features(
        encoder.encode([prepare(*mail) for mail in mails]),
        count_terms([with_history(*mail) for mail in mails]),
    )
    before, *without = pipeline.score(bundle, features).probabilities[:, column].tolist()
    place = passages.most_moving(before, np.array(without))
    if place is None:
        return {}
    return {"passage": found[place], "before": before, "without": without[place]}


def own_passages(body: str) -> tuple[list[str], list[str]]:
    """Return the passages of *body* that the writer's own words hold, and *body* without each.

    Quotes and signature stay where they are: the model reads them, too.
    """
    found: list[str] = []
    rests: list[str] = []
    at = 0
    for part in parts(body):
        at = body.index(part.text, at)
        end = at + len(part.text)
        if not part.folded:
            mine = passages.cut(part.text)
            found += mine
            rests += [
                f"{body[:at]}{rest}{body[end:]}" for rest in passages.left_out(part.text, mine)
            ]
        at = end
    return found[: passages.MOST], rests[: passages.MOST]
