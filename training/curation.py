"""Freeze a project's gold into a snapshot, and read what training learns from it."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from inference.document_texts import prepared_texts, threads_of
from labeling import taxonomies, trust
from labeling.models import GoldLabel, Label, Project, TaxonomyVersion
from training import leaks, splits
from training.examples import Examples, Flags, Relations, relations, targets_of
from training.models import DatasetSnapshot
from training.splits import Split
from training.trainers.recipes import FEWEST


class TooLittleGold(Exception):
    """The project has too little gold to train on; the message says how much there is."""


@dataclass(frozen=True, slots=True)
class Gold:
    """The gold of a project: documents in order of id, each with its labels, none if none fits.

    trust: in the gold of each document, in (0, 1]; None: it is 1 of all.
    """

    ids: tuple[int, ...]
    labels: tuple[tuple[int, ...], ...]
    trust: tuple[float, ...] | None = None

    def __len__(self) -> int:
        return len(self.ids)


def gold_of(project: Project) -> Gold:
    """Return the gold that stands, without documents whose labels were retired since."""
    found: dict[int, set[int | None]] = defaultdict(set)
    rows = GoldLabel.objects.gold().filter(project=project)
    for document, label in rows.values_list("document", "label").iterator(chunk_size=5000):
        found[document].add(label)
    assignable = set(
        Label.objects.assignable().filter(project=project).values_list("pk", flat=True)
    )
    kept = {
        document: tuple(sorted(label for label in labels if label is not None))
        for document, labels in sorted(found.items())
        if labels <= assignable | {None}
    }
    trusted = trust.of_gold(project) if project.weighs_people else {}
    weights = tuple(trusted.get(pk, 1.0) for pk in kept) if trusted else None
    return Gold(tuple(kept), tuple(kept.values()), weights)


def count_gold(project: Project) -> int:
    """Return how many documents `gold_of` would return, in one query."""
    return GoldLabel.objects.usable(project).values("document").distinct().count()


def freeze(
    project: Project,
    *,
    vectors: NDArray[np.float32] | None,
    gold: Gold,
    texts: Sequence[str],
    now: datetime,
) -> DatasetSnapshot:
    """Freeze *gold* with its splits and leak report; the same gold is the same snapshot.

    The split does not depend on the run, so that what was held out once stays held out while gold
    grows, and an encoder that was trained before is judged on texts it has not seen.

    Args:
        vectors: (documents, dim) unit vectors of the texts by the project's own encoder, for
            near-duplicates in meaning; None leaves those out.
        texts: (documents,) prepared texts.

    Raises:
        TooLittleGold: there are fewer than FEWEST documents, or none is held out.
    """
    refuse_little(gold)
    pairs = splits.similar_pairs(texts)
    if vectors is not None:
        pairs += splits.close_pairs(vectors)
    pairs += splits.joined(threads_of(gold.ids))
    assigned = splits.assign(texts, splits.groups(len(texts), pairs))
    _refuse_empty(assigned, gold)
    version = taxonomies.current_version(project)
    ruled_out = _ruled_out(project)
    rows = [
        [document, list(labels), str(split), ruled_out.get(document, [])]
        for document, labels, split in zip(gold.ids, gold.labels, assigned, strict=True)
    ]
    for row, weight in zip(rows, gold.trust or (), strict=gold.trust is not None):
        row.append(weight)
    snapshot, _ = DatasetSnapshot.objects.get_or_create(
        project=project,
        digest=digest_of(rows, texts, version),
        defaults={
            "taxonomy_version": version,
            "rows": rows,
            "leaks": _leaks(texts, assigned, vectors).as_json(),
            "frozen_at": now,
        },
    )
    return snapshot


def _ruled_out(project: Project) -> dict[int, list[int]]:
    """Return the ids of the labels that people saw proposed for a document and did not choose."""
    found = defaultdict(list)
    rows = GoldLabel.objects.ruled_out().filter(project=project).order_by("document", "label")
    for document, label in rows.values_list("document", "label").iterator(chunk_size=5000):
        found[document].append(label)
    return dict(found)


def refuse_little(gold: Gold) -> None:
    """Raise TooLittleGold where *gold* is below FEWEST documents."""
    if len(gold) < FEWEST:
        raise TooLittleGold(f"{len(gold)} gold documents; training needs at least {FEWEST}.")


def _refuse_empty(assigned: Sequence[Split], gold: Gold) -> None:
    """Every split needs a document with a label, or nothing can be learnt or measured."""
    filled = {split for split, labels in zip(assigned, gold.labels, strict=True) if labels}
    if missing := [str(split) for split in Split if split not in filled]:
        raise TooLittleGold(
            f"{len(gold)} gold documents leave no document for {' and '.join(missing)}; "
            "a few dozen more will do."
        )


def digest_of(rows: Sequence[object], texts: Sequence[str], version: TaxonomyVersion) -> str:
    """Return the SHA-256 of rows, splits, texts and the taxonomy's number."""
    digest = hashlib.sha256(json.dumps([version.pk, version.number, rows]).encode())
    for text in texts:
        digest.update(hashlib.sha256(text.encode(errors="replace")).digest())
    return digest.hexdigest()


def _leaks(
    texts: Sequence[str], assigned: Sequence[Split], vectors: NDArray[np.float32] | None
) -> leaks.LeakReport:
    trains = np.array([split == Split.TRAIN for split in assigned])
    both = None if vectors is None else (vectors[~trains], vectors[trains])
    held_out = [text for text, train in zip(texts, trains, strict=True) if not train]
    training = [text for text, train in zip(texts, trains, strict=True) if train]
    return leaks.find(held_out, training, both)


def texts_of(ids: Sequence[int]) -> tuple[str, ...]:
    """Return the prepared texts of documents, in the order of *ids*."""
    found = prepared_texts(ids)
    return tuple(found[pk] for pk in ids)


def examples_of(
    snapshot: DatasetSnapshot, texts: Sequence[str], label_ids: Sequence[int]
) -> Examples:
    """Return the snapshot's documents with their right labels in the order of *label_ids*."""
    ids, labelled, split = zip(*(row[:3] for row in snapshot.rows), strict=True)
    trusted = [row[4] if len(row) > 4 else 1.0 for row in snapshot.rows]
    return Examples(
        ids=np.array(ids, dtype=np.int64),
        texts=tuple(texts),
        targets=targets_of(labelled, label_ids),
        splits=np.array(split, dtype=np.str_),
        weights=np.array(trusted, dtype=np.float32),
        threads=np.array(threads_of(ids), dtype=np.int64),
    )


def ruled_out_of(snapshot: DatasetSnapshot, label_ids: Sequence[int]) -> Flags:
    """Return what people ruled out, (documents, labels), in the order of `examples_of`.

    Snapshots of earlier versions of this code know of none.
    """
    return targets_of([row[3] if len(row) > 3 else [] for row in snapshot.rows], label_ids)


def relations_of(project: Project, labels: Sequence[taxonomies.LabelText]) -> Relations:
    """Return overlaps and tree distances of *labels*."""
    parents = dict(project.labels.values_list("pk", "parent"))
    return relations(
        [label.id for label in labels], parents, {label.id: label.overlaps for label in labels}
    )
