"""What a draft of the taxonomy would do, measured on gold and on recent documents beforehand.

Only texts that the draft changes are encoded; nothing is trained but the head, out of fold, with
the labels as they are and as they would be.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
from django.utils import timezone
from numpy.typing import NDArray

from inference import pipeline, rebuild, serving
from inference.bundle import Bundle
from inference.document_features import cached_features
from inference.document_texts import threads_of
from inference.encode import EncoderUnavailable
from inference.features import Features
from inference.head import Head
from inference.retrieve import label_vectors
from inference.vectors import cached_vectors
from labeling import drafts, sharing, taxonomies, taxonomy_acts, taxonomy_moves
from labeling.jobs import JobRefused, Progress
from labeling.models import DraftAct, Job, Project
from labeling.resampling import wilson
from labeling.taxonomies import LabelText
from labeling.taxonomy_acts import BadAct, Split, Work
from labeling.taxonomy_entries import TaxonomyEntry
from labeling.taxonomy_moves import Moves, moved
from training import curation, meanings, metrics
from training.examples import overlaps_of, targets_of
from training.gates import Interval
from training.learner import Learner, choose_weights
from training.neighbours import Neighbours
from training.propagation import NEIGHBOURS

Flags = NDArray[np.bool_]
Floats = NDArray[np.float32]
Ids = NDArray[np.int64]

GOLD: Final = 2_000
"""Gold documents measured on, by chance: intervals of 2 points, in seconds."""

RECENT: Final = 20_000  # documents, the newest
AROUND: Final = 2_000  # open documents that carry silver
SHOWN: Final = 20  # flips, and documents of each


@dataclass(frozen=True, slots=True)
class Sides:
    """What serves, and what it would be with the labels as the draft would have them.

    labels: of the second, in its order. names: of labels by id, new ones too.
    touched: ids of the labels that the draft touches.
    """

    before: Bundle
    after: Bundle
    labels: Sequence[LabelText]
    names: Mapping[int, str]
    touched: frozenset[int]


def run(job: Job, progress: Progress) -> dict[str, Any]:
    """Do a job of kind IMPACT: return its report, which the draft's page shows.

    Raises:
        JobRefused: the draft cannot be done, or nothing serves yet.
    """
    started = time.perf_counter()
    project, rows = job.project, drafts.rows_of(job.project)
    if not rows:
        raise JobRefused("The draft is empty.")
    try:
        champion = rebuild.champion_bundle(project, now=timezone.now())
        if champion is None:
            raise JobRefused("Nothing predicts yet: publish a taxonomy with labels first.")
        share_out(project, champion, rows)
        work = drafts.outcome(project, rows)
    except (BadAct, EncoderUnavailable) as error:
        raise JobRefused(str(error)) from error
    ids = ids_of(project, work)
    touched = taxonomy_acts.touched(drafts.acts_of(rows))
    sides = _sides(champion, work, ids, touched)
    progress(1, 4)
    on_gold = measure_gold(
        project, sides, taxonomy_moves.moves(work.transfers, ids), progress=progress
    )
    progress(3, 4)
    recent = measure_recent(project, sides)
    return {
        "draft": rows[-1].pk,
        "gold": on_gold,
        "recent": recent,
        "meanings": meanings.told(
            sides.after, sides.labels, sides.touched, serving.encoder(champion)
        ),
        "again": decided_on(project, {ids[key] for key in touched if key in ids}),
        "seconds": round(time.perf_counter() - started, 1),
    }


def share_out(project: Project, bundle: Bundle, rows: Sequence[DraftAct]) -> None:
    """Say of each split of the draft by the nearest description which gold goes where."""
    acts = drafts.acts_of(rows)
    for place, (row, act) in enumerate(zip(rows, acts, strict=True)):
        if isinstance(act, Split) and act.by_nearest:
            gold = drafts.decided(project, acts[:place], act)
            sharing.share_out(row, assign_nearest(bundle, act, gold))


def ids_of(project: Project, work: Work) -> dict[str, int]:
    """Return the id of each label by key; labels that are not there yet get negative ones."""
    known = dict(project.labels.values_list("key", "pk"))
    new = [key for key in work.entries if key not in known]
    return known | {key: -1 - place for place, key in enumerate(new)}


def texts_of(entries: Mapping[str, TaxonomyEntry], ids: Mapping[str, int]) -> list[LabelText]:
    """Return the labels of *entries* that a document may be given, ordered as their ids."""
    texts = [
        LabelText(
            id=ids[key],
            key=key,
            name=entry.name,
            description=entry.description,
            exclusions=tuple((text, ids[use] if use else None) for text, use in entry.exclusions),
            overlaps=frozenset(ids[other] for other in entry.overlaps),
            parent_id=ids[entry.parent] if entry.parent else None,
            examples=entry.examples,
        )
        for key, entry in entries.items()
        if entry.assignable and not entry.retired
    ]
    return sorted(texts, key=lambda text: text.id)


def _sides(champion: Bundle, work: Work, ids: Mapping[str, int], touched: set[str]) -> Sides:
    labels = texts_of(work.entries, ids)
    if not labels:
        raise JobRefused("The draft leaves no label that a document may be given.")
    encoder = serving.encoder(champion)
    number = champion.taxonomy_number + 1
    after = rebuild.for_taxonomy(champion, labels, encoder, taxonomy_number=number)
    names = {ids[key]: entry.name for key, entry in work.entries.items()}
    return Sides(
        champion, after, labels, names, frozenset(ids[key] for key in touched if key in ids)
    )


def measure_gold(
    project: Project, sides: Sides, moves: Moves[int], *, progress: Progress
) -> dict[str, Any]:
    """Return figures before and after on the gold that stands after as well, out of fold."""
    gold = curation.gold_of(project)
    chosen = np.random.default_rng(0).permutation(len(gold))[:GOLD]
    some = sorted(gold.ids[place] for place in chosen)
    found, features = cached_features(
        some, sides.before.encoder.digest, words=sides.before.lexical is not None
    )
    labels = dict(zip(gold.ids, gold.labels, strict=True))
    then = [moved(pk, labels[pk], moves) for pk in found.tolist()]
    again = sum(moved(pk, said, moves) is None for pk, said in labels.items())
    kept = np.array([each is not None and len(each) > 0 for each in then], dtype=bool)
    ids, features = found[kept], features.take(kept)
    if not len(ids):
        return {"documents": 0, "again": again}
    around = _around(project, sides.before)
    threads = np.array(threads_of(ids.tolist()), dtype=np.int64)
    targets = {
        "before": targets_of([labels[pk] for pk in ids.tolist()], sides.before.label_ids),
        "after": targets_of(
            [each for each, keep in zip(then, kept, strict=True) if keep and each],
            sides.after.label_ids,
        ),
    }
    memory = Neighbours(NEIGHBOURS + 1)
    said = taxonomies.label_texts(project)
    told = {}
    for name, bundle, texts in (
        ("before", sides.before, said),
        ("after", sides.after, sides.labels),
    ):
        overlaps = overlaps_of(bundle.label_ids, {each.id: each.overlaps for each in texts})
        told[name] = _told(bundle, features, targets[name], overlaps, around, threads, memory)
        progress(2, 4)
    return {
        "documents": len(ids),
        "again": again,
        "texts": _compared(told, targets, "texts"),
        "learnt": _compared(told, targets, "learnt"),
        "labels": _by_label(sides, told, targets),
    }


def _around(project: Project, bundle: Bundle) -> Features:
    ids = project.documents.open().order_by("pk").values_list("pk", flat=True)
    some = np.array(ids, dtype=np.int64)
    if len(some) > AROUND:
        some = np.sort(np.random.default_rng(0).choice(some, AROUND, replace=False))
    words = bundle.lexical is not None
    return cached_features(some.tolist(), bundle.encoder.digest, words=words)[1]


def _told(
    bundle: Bundle,
    features: Features,
    targets: Flags,
    overlaps: Flags,
    around: Features,
    threads: Ids,
    memory: Neighbours,
) -> dict[str, Floats]:
    """Return logits of the gold by the texts alone, and by what was learnt from other gold."""
    labels, dim = bundle.label_vectors.shape
    plain = replace(bundle, head=Head.zero(labels, dim, bundle.head.scale), lexical=None)
    offset = bundle.calibration.offset
    learner = Learner(
        plain,
        features,
        targets,
        overlaps,
        around,
        threads=threads,
        neighbours=memory,
        self_trains=bundle.self_trains,
    )
    channels = learner.out_of_fold(seed=0)
    weights = choose_weights(channels, targets, multi=bundle.multi, offset=offset)
    return {"texts": plain.logits(features), "learnt": channels.sum(weights)}


def _compared(
    told: Mapping[str, Mapping[str, Floats]], targets: Mapping[str, Flags], by: str
) -> dict[str, Any]:
    """Return top-1 and recall@5 before and after, and how far each moved."""
    first = {side: metrics.first_right(told[side][by], targets[side]) for side in targets}
    among = {side: metrics.among(5, told[side][by], targets[side]) for side in targets}
    return {"top1": _moved(first), "recall_at_5": _moved(among)}


def _moved(right: Mapping[str, Flags]) -> dict[str, Any]:
    difference: Interval = metrics.paired_difference(right["before"], right["after"])
    return {
        "before": metrics.share(right["before"]),
        "after": metrics.share(right["after"]),
        "difference": asdict(difference),
    }


def _by_label(
    sides: Sides, told: Mapping[str, Mapping[str, Floats]], targets: Mapping[str, Flags]
) -> list[dict[str, Any]]:
    """Return for each touched label how much of its gold is right first, before and after."""
    first = {side: metrics.first_right(told[side]["learnt"], targets[side]) for side in targets}
    columns = {label: place for place, label in enumerate(sides.after.label_ids)}
    rows = []
    for label in sorted(sides.touched & columns.keys()):
        mine = targets["after"][:, columns[label]]
        if not mine.any():
            rows.append({"label": sides.names[label], "gold": 0})
            continue
        interval = wilson(int(first["after"][mine].sum()), int(mine.sum())).interval
        rows.append(
            {
                "label": sides.names[label],
                "gold": int(mine.sum()),
                "before": metrics.share(first["before"][mine]),
                "after": metrics.share(first["after"][mine]),
                "low": interval.low if interval else None,
                "high": interval.high if interval else None,
            }
        )
    return rows


def measure_recent(project: Project, sides: Sides) -> dict[str, Any]:
    """Return which of the newest documents would be told another label, and who decides them."""
    newest = project.documents.order_by("-pk").values_list("pk", flat=True)[:RECENT]
    words = sides.before.lexical is not None
    ids, features = cached_features(sorted(newest), sides.before.encoder.digest, words=words)
    if not len(ids):
        return {"documents": 0}
    scored = {"before": sides.before, "after": sides.after}
    first, chances, buckets = {}, {}, {}
    for name, bundle in scored.items():
        scores = pipeline.score(bundle, features)
        best = scores.logits.argmax(axis=1)
        first[name] = np.asarray(bundle.label_ids)[best]
        chances[name] = scores.probabilities[np.arange(len(best)), best]
        buckets[name] = Counter(map(str, pipeline.buckets_of(bundle, scores)))
    flipped = np.flatnonzero(first["before"] != first["after"])
    before, after = (first[side][flipped].tolist() for side in ("before", "after"))
    pairs = Counter(zip(before, after, strict=True))
    return {
        "documents": len(ids),
        "flipped": len(flipped),
        "buckets": {name: dict(found) for name, found in buckets.items()},
        "flips": [
            {
                "from": sides.names.get(was, ""),
                "to": sides.names.get(becomes, ""),
                "documents": count,
                "some": [
                    [int(ids[row]), float(chances["before"][row]), float(chances["after"][row])]
                    for row in flipped
                    if (first["before"][row], first["after"][row]) == (was, becomes)
                ][:5],
            }
            for (was, becomes), count in pairs.most_common(SHOWN)
        ],
    }


def decided_on(project: Project, labels: set[int]) -> int:
    """Return how many documents have gold of these labels: what one may want to review again."""
    gold = project.gold.gold().filter(label__in=[pk for pk in labels if pk > 0])
    return gold.values("document").distinct().count()


def assign_nearest(
    bundle: Bundle, act: Split, documents: Sequence[int]
) -> dict[str, tuple[int, ...]]:
    """Return which *documents* of a label that is split go to which part, by its description.

    To the one whose vector is nearest to the document's; those never encoded go to nobody.
    """
    parts = [
        LabelText(place, part.key, part.name, part.description, (), frozenset(), None, ())
        for place, part in enumerate(act.parts, 1)
    ]
    encoder = serving.encoder(bundle)
    vectors = label_vectors(rebuild.vector_texts(parts), encoder.encode)
    ids, found = cached_vectors(sorted(documents), bundle.encoder.digest)
    nearest = (found @ vectors.T).argmax(axis=1) if len(ids) else np.empty(0, np.int64)
    return {part.key: tuple(ids[nearest == place].tolist()) for place, part in enumerate(act.parts)}
