"""What a cross-encoder thinks of documents, for the encoder to learn from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from inference import pipeline
from inference.buckets import Bucket
from inference.rerank import Candidates, Reranker
from inference.retrieve import top
from training import second_look
from training.contenders import Contender
from training.course import Course
from training.examples import Examples, Opinions
from training.splits import Split

Columns = Sequence[NDArray[np.int64]]

TEXTS: Final = "texts.json"
COLUMNS: Final = "columns.npy"
LOGITS: Final = "logits.npy"


def knows_less(course: Course, best: Contender) -> str:
    """Return why a cross-encoder taught by *best* has nothing to teach it; empty if it has.

    Both name the likeliest label of the validation documents that are close calls for *best*: whose
    word is drawn to another's that is right less often learns its mistakes.
    """
    teacher = second_look.taught(course, best)
    if teacher is None:
        return "Not tried: there is nothing to teach a cross-encoder from."
    examples = course.material.examples
    rows = examples.rows(Split.VALIDATION)
    rows = rows[examples.targets[rows].any(axis=1)]
    scores = best.scores(rows)
    close = np.array(
        [bucket == Bucket.REVIEW for bucket in pipeline.buckets_of(best.bundle, scores)]
    )
    if not close.any():
        return "Not tried: no validation document is a close call."
    likely, targets = top(scores.logits[close], second_look.SIZE), examples.targets[rows[close]]
    texts = [examples.texts[row] for row in rows[close]]
    chosen = Candidates(np.arange(len(texts)), tuple(likely))
    reader = second_look.reader_of(teacher, best)
    read = second_look.read_all(course, chosen, texts, teacher.cards, reader)
    said = likely[np.arange(len(texts)), np.array(read.logits).argmax(axis=1)]
    known, taught = (
        float(targets[np.arange(len(texts)), labels].mean()) for labels in (likely[:, 0], said)
    )
    if taught >= known:
        return ""
    return (
        f"Dropped before fine-tuning: of {len(texts)} close calls in validation gold the "
        f"cross-encoder gets {taught:.1%} right, and what it would teach {known:.1%}."
    )


def heard(course: Course, best: Contender) -> tuple[Examples, Opinions] | None:
    """Return documents with what a cross-encoder, taught by *best*, thinks of their candidates.

    They are the closest calls among training and open documents. When a run is taken up again they
    are what they were, though documents were reviewed meanwhile: checkpoints number them. The right
    label of none of them is told: what gold says the encoder learns besides. None where there is
    nothing to teach a cross-encoder from.
    """
    teacher = second_look.taught(course, best)
    if teacher is None:
        return None
    kept = Path(teacher.source).parent / "opinions"
    if not kept.is_dir():
        course.put(kept, partial(_read, course, best, teacher))
    texts = json.loads((kept / TEXTS).read_text())
    columns, logits = (np.load(kept / name, allow_pickle=False) for name in (COLUMNS, LOGITS))
    nothing = np.zeros((len(texts), len(course.material.terms.labels)), dtype=bool)
    documents = Examples.open_ones(texts, nothing, np.ones(len(texts), np.float32))
    return documents, Opinions(columns, logits)


def _read(course: Course, best: Contender, teacher: Reranker, folder: Path) -> None:
    """Have *teacher* read the closest calls, and write them and what it says to *folder*."""
    texts, columns = _close_calls(course, best)
    chosen = Candidates(np.arange(len(texts)), tuple(columns))
    reader = second_look.reader_of(teacher, best)
    read = second_look.read_all(course, chosen, texts, teacher.cards, reader)
    folder.mkdir(exist_ok=True)
    (folder / TEXTS).write_text(json.dumps(texts))
    np.save(folder / COLUMNS, padded(columns, -1), allow_pickle=False)
    np.save(folder / LOGITS, padded(read.logits, 0.0), allow_pickle=False)


def _close_calls(course: Course, best: Contender) -> tuple[list[str], Columns]:
    """Return texts with the places of their candidates.

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
    around = material.around
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
