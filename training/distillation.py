"""What a cross-encoder thinks of documents, for the encoder to learn from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from inference import folders, pipeline
from inference.rerank import Candidates, Reranker
from inference.retrieve import top
from training import second_look
from training.contenders import Contender
from training.course import Course
from training.examples import Examples, Opinions

Columns = Sequence[NDArray[np.int64]]

LOGITS: Final = "logits.npy"


def heard(course: Course, best: Contender) -> tuple[Examples, Opinions] | None:
    """Return documents with what a cross-encoder, taught by *best*, thinks of their candidates.

    They are the closest calls among training and open documents, the same ones with the same
    opinions when a run is taken up again. The right label of none of them is told: what gold says
    the encoder learns besides. None where there is nothing to teach a cross-encoder from.
    """
    teacher = second_look.taught(course, best)
    if teacher is None:
        return None
    texts, columns = _close_calls(course, best)
    opinions = _opinions(course, best, teacher, texts, columns)
    labels = len(course.material.terms.labels)
    nothing = np.zeros((len(texts), labels), dtype=bool)
    return Examples.open_ones(texts, nothing, np.ones(len(texts), np.float32)), opinions


def _opinions(
    course: Course, best: Contender, teacher: Reranker, texts: Sequence[str], columns: Columns
) -> Opinions:
    """Return what *teacher* says of the documents' candidates, read once in a run."""
    asked = json.dumps([list(texts), [places.tolist() for places in columns]])
    digest = hashlib.sha256(asked.encode(errors="surrogatepass")).hexdigest()
    folder = Path(teacher.source).parent / f"opinions-{digest[:16]}"
    if not folder.is_dir():
        chosen = Candidates(np.arange(len(texts)), tuple(columns))
        reader = second_look.reader_of(teacher, best)
        read = second_look.read_all(course, chosen, texts, teacher.cards, reader)
        scratch = folder.with_name(f"saving-{course.attempt}")
        scratch.mkdir(exist_ok=True)
        np.save(scratch / LOGITS, padded(read.logits, 0.0), allow_pickle=False)
        folders.put(scratch, folder)
    logits = np.load(folder / LOGITS, allow_pickle=False)
    return Opinions(padded(columns, -1), logits)


def _close_calls(course: Course, best: Contender) -> tuple[list[str], Columns]:
    """Return texts with the places of their candidates, likeliest first.

    Half of them are training documents, with what out-of-fold channels propose and people ruled
    out; half are open documents that carry silver, too. Where one kind is short of documents the
    other fills up.
    """
    material, most = course.material, course.recipe.distil_documents
    mine = [
        (material.examples.texts[row], columns) for row, columns in second_look.lists(course, best)
    ]
    scores = pipeline.score(best.bundle, best.around).logits
    likely = top(scores, second_look.SIZE)  # (documents, candidates)
    leads = (
        scores[np.arange(len(scores)), likely[:, 0]] - scores[np.arange(len(scores)), likely[:, 1]]
    )
    around = material.pool[1::2]
    open_ones = [(around[row], likely[row]) for row in np.argsort(leads, kind="stable").tolist()]
    half = max(most - len(open_ones), most // 2)
    mine = mine[:half]
    chosen = [*mine, *open_ones[: most - len(mine)]]
    return [text for text, _ in chosen], [columns for _, columns in chosen]


def padded(rows: Sequence[NDArray[Any]], nothing: float) -> NDArray[Any]:
    """Return *rows* as one array as wide as the longest, *nothing* where one is shorter."""
    kind = rows[0].dtype if rows else np.float32
    wide = np.full((len(rows), max(map(len, rows), default=0)), nothing, dtype=kind)
    for place, row in enumerate(rows):
        wide[place, : len(row)] = row
    return wide
