"""Turn verdicts into rows: the only writer of labeling.Prediction."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Any, Final

import numpy as np
from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef
from numpy.typing import NDArray

from inference import deployments, pipeline, serving
from inference.bundle import Bundle
from inference.document_features import document_features
from inference.document_texts import prepared_texts
from inference.pipeline import Verdict
from labeling import only_one, queues, taxonomies
from labeling.models import (
    Annotation,
    Prediction,
    Project,
    ReviewTask,
    TaxonomyVersion,
)

Tell = Callable[[int], None]

BATCH: Final = 1_000
"""Documents in one transaction: a writer waits at most a fraction of a second for it."""

READ_BATCH: Final = 32
"""The same where close calls are read twice: half a minute on two slow cores, at most."""

SEEN: Final = 0.005
"""A probability that changes by less is shown as the same percentage, or the next."""

_SCORES_AT_ONCE: Final = 4_000_000
"""Documents times labels scored at once: 16 MB for each of three arrays."""


def predict_documents(
    project: Project,
    documents: Iterable[int] | None,
    *,
    bundle: Bundle,
    now: datetime,
    progress: Tell | None = None,
    while_serving: bool = False,
) -> int:
    """Predict *documents* with *bundle* and queue those that need a person; return how many.

    Documents whose current prediction is by this bundle are passed over, so it may be run again
    after it died. Where the bundle says what another said before, that prediction stands and is
    by this one from now on. Else the former stays only where somebody was shown it.

    Args:
        documents: ids; None for all open documents of the project.
        bundle: written; its labels are labels of the project.
        progress: told how many documents are done, after each batch.
        while_serving: write nothing once *bundle* was replaced, however late that is noticed.
    """
    if documents is None:
        documents = project.documents.open().values_list("pk", flat=True)
    version = project.taxonomy_versions.get(number=bundle.taxonomy_number)
    most = BATCH if bundle.reranker is None else READ_BATCH
    size = max(1, min(most, _SCORES_AT_ONCE // len(bundle.labels)))
    predicted = seen = 0
    for batch in _batches(sorted(set(documents)), size):
        if while_serving and bundle.reranker is not None and not _serves(project, bundle):
            break
        tell = partial(_tell_from, progress, seen)
        rows = _predict(project, batch, bundle, version, now=now, progress=tell)
        predicted += _write_once(project, rows, bundle, now=now, while_serving=while_serving)
        seen += len(batch)
        _tell_from(progress, seen, 0)
    return predicted


def _predict(
    project: Project,
    ids: Sequence[int],
    bundle: Bundle,
    version: TaxonomyVersion,
    *,
    now: datetime,
    progress: Tell,
) -> list[Prediction]:
    """Return unsaved predictions of those of *ids* that *bundle* has not predicted yet."""
    missing = _lacking(project, ids, bundle.digest)
    started = time.perf_counter()
    found, features = document_features(
        missing, serving.encoder(bundle), words=bundle.lexical is not None, progress=progress
    )
    if not len(found):
        return []
    scores = pipeline.score(bundle, features)
    reader = serving.cross_encoder(bundle)
    scores = pipeline.look_again(bundle, scores, partial(_texts_at, found), reader)
    verdicts = pipeline.decide(bundle, scores)
    lines = taxonomies.lines(project.pk) if bundle.multi else {}
    latency = (time.perf_counter() - started) * 1000 / len(found)
    common = {
        "project": project,
        "bundle": bundle.digest,
        "taxonomy_version": version,
        "latency": round(latency, 3),
        "predicted_at": now,
    }
    return [
        _row(verdict, lines, document_id=document_id, **common)
        for document_id, verdict in zip(found.tolist(), verdicts, strict=True)
    ]


def _texts_at(ids: NDArray[np.int64], rows: Sequence[int]) -> list[str]:
    """Return the prepared texts of the documents at these places of *ids*."""
    known = prepared_texts([int(ids[row]) for row in rows])
    return [known.get(int(ids[row]), "") for row in rows]


def _row(verdict: Verdict, lines: Mapping[int, Sequence[int]], **columns: Any) -> Prediction:
    """Return the row of *verdict*; of labels that cannot be given together, with the likeliest."""
    first, *others = verdict.candidates
    ranked = [each.label_id for each in verdict.candidates]
    return Prediction(
        bucket=verdict.bucket.value,
        margin=min(1.0, max(0.0, verdict.margin)),
        probability=first.probability,
        first_id=first.label_id,
        second_id=others[0].label_id if others else None,
        candidates=verdict.candidates,
        label_ids=only_one.likeliest(verdict.label_ids, ranked, lines),
        reranked=verdict.reranked,
        **columns,
    )


def _write_once(project: Project, rows: Sequence[Prediction], bundle: Bundle, **how: Any) -> int:
    """Write *rows*, less those another worker has written; return how many."""
    columns = dict(zip((row.document_id for row in rows), _columns_of(rows), strict=True))
    try:
        return _write(project, rows, columns, bundle, **how)
    except IntegrityError:  # it wrote them between our look and our insert, and has committed
        return _write(project, rows, columns, bundle, **how)


def _lacking(project: Project, ids: Sequence[int], digest: str) -> list[int]:
    """Return those of *ids*, documents of *project*, without a current prediction by *digest*."""
    done = Prediction.objects.current().by_bundle(digest).filter(document=OuterRef("pk"))
    documents = project.documents.filter(~Exists(done), pk__in=ids)
    return list(documents.values_list("pk", flat=True))


@transaction.atomic
def _write(
    project: Project,
    rows: Sequence[Prediction],
    columns: Mapping[int, list[Any]],
    bundle: Bundle,
    *,
    now: datetime,
    while_serving: bool,
) -> int:
    """Make *rows* the current predictions of their documents and queue them.

    Args:
        columns: document id to what `_columns_of` made of its row, before this transaction began.
    """
    project.documents.filter(pk__in=[row.document_id for row in rows]).lock()
    if while_serving and not _serves(project, bundle):
        return 0
    lacking = set(_lacking(project, [row.document_id for row in rows], bundle.digest))
    rows = [row for row in rows if row.document_id in lacking]
    if not rows:
        return 0
    kept = _keep_where_the_same(rows)
    fresh = [row for row in rows if row.document_id not in kept]
    ids = [row.document_id for row in fresh]
    superseded = Prediction.objects.current().filter(document_id__in=ids).update(is_current=False)
    _insert(fresh, [columns[pk] for pk in ids])
    queues.enqueue([*kept.values(), *fresh], now=now)
    if superseded:
        _delete_unseen(ids)
    return len(rows)


def _keep_where_the_same(rows: Sequence[Prediction]) -> dict[int, Prediction]:
    """Let predictions stand that say what *rows* say; return them by document.

    What somebody judged speaks of the bundle it was by.
    """
    judged = Annotation.objects.filter(prediction=OuterRef("pk"))
    ids = [row.document_id for row in rows]
    former = Prediction.objects.current().filter(~Exists(judged), document__in=ids)
    standing = {each.document_id: each for each in former}
    kept = {
        row.document_id: standing[row.document_id]
        for row in rows
        if row.document_id in standing and _same(row, standing[row.document_id])
    }
    Prediction.objects.filter(pk__in=[each.pk for each in kept.values()]).update(
        bundle=rows[0].bundle, taxonomy_version=rows[0].taxonomy_version
    )
    return kept


def _same(one: Prediction, other: Prediction) -> bool:
    """Whether nobody who looks at both sees a difference."""
    return (
        (one.bucket, list(one.label_ids), one.reranked)
        == (other.bucket, other.label_ids, other.reranked)
        and abs(one.margin - other.margin) <= SEEN
        and [row[0] for row in one.candidates] == [row[0] for row in other.candidates]
        and all(
            abs(mine[3] - theirs[3]) <= SEEN
            for mine, theirs in zip(one.candidates, other.candidates, strict=True)
        )
    )


def _serves(project: Project, bundle: Bundle) -> bool:
    return bundle.digest in {each.bundle for each in deployments.live(project)}


def _fields() -> list[Any]:
    return [field for field in Prediction._meta.concrete_fields if not field.primary_key]


def _columns_of(rows: Sequence[Prediction]) -> list[list[Any]]:
    """Return what the database is told of each row."""
    prepare = [(attrgetter(field.attname), field.get_db_prep_save) for field in _fields()]
    return [[save(get(row), connection) for get, save in prepare] for row in rows]


def _insert(rows: Sequence[Prediction], values: Sequence[list[Any]]) -> None:
    """Insert *rows* and set their primary keys, as bulk_create does in a statement per 71 rows.

    17,000 rows a second of processor time against 12,000 by bulk_create, on SQLite.
    """
    fields = _fields()
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    statement = f"INSERT INTO {quote(Prediction._meta.db_table)} ({columns}) VALUES ({places})"
    with connection.cursor() as cursor:
        cursor.executemany(statement, values)
    current = Prediction.objects.current().filter(document_id__in=[row.document_id for row in rows])
    keys = dict(current.values_list("document_id", "pk"))
    for row in rows:
        row.pk = keys[row.document_id]
        row._state.adding = False


def _delete_unseen(document_ids: Sequence[int]) -> None:
    """Delete superseded predictions of these documents that no task or annotation refers to."""
    shown = ReviewTask.objects.filter(prediction=OuterRef("pk"))
    judged = Annotation.objects.filter(prediction=OuterRef("pk"))
    superseded = Prediction.objects.filter(document_id__in=document_ids, is_current=False)
    superseded.filter(~Exists(shown), ~Exists(judged)).only("pk").delete()


def _tell_from(progress: Tell | None, before: int, done: int) -> None:
    if progress:
        progress(before + done)


def _batches(ids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
