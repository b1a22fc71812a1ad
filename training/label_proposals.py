"""What gold says about the taxonomy: labels that are one, that may both be right, that are two.

All figures here are of the built-in encoder, with 20 to 80 gold documents of each label.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from inference.retrieve import top, unit
from training.two_groups import two_groups

Flags = NDArray[np.bool_]
Floats = NDArray[np.float32]
Rows = NDArray[np.int64]
Kind = Literal["merge", "overlap", "split"]

OFTEN: Final = 3  # documents of each of two labels that are likelier the other's
TAKEN: Final = 0.3
"""Share of the gold of two labels that is likelier the other one's, from which they look like one.

The gold of ten labels was given at random to two each: of BANKING77 5 of 10 such pairs are found
with 20 documents of each label before, 10 of 10 with 60; of newsgroups20 5 and 6. No other pair of
either set is (the most is 0.27, Christianity and religion in general).
"""

AKIN: Final = 0.6
MIXED: Final = 0.35
"""Cosine of two label vectors, and share of the nearest documents of their documents that have the
other label, from which both labels may be right.

Such pairs of one label's gold, as above, have 0.39 to 0.64. Of 119 other pairs of BANKING77 as near
none has more than 0.28; of newsgroups20 one of three does (0.42, the pair named above).
"""

AROUND: Final = 5  # nearest documents of each that are looked at
PAIRED: Final = 10  # gold documents of each of two labels, below which nothing is said of them

GOLD: Final = 40
GROUP: Final = 0.3
APART: Final = 0.05
BETWEEN: Final = 0.1
CLOSE: Final = 0.1
"""Gold documents; share of them in the smaller of two groups; how much nearer (cosine) each group
is to another label's documents than to the other group; and share of the documents that may be
nearly as near to the one as to the other (by less than CLOSE), for a label to look like two.

So do 6 of 77 labels of BANKING77 with 40 gold documents, 3 with 80, and 1 of 20 of newsgroups20
with either. Joined with the label whose documents are the fourth nearest to theirs, with half of
the gold from each, 51, 45, 17 and 18 do, and 89 to 94 % of their documents are in the right group;
with the second nearest 25, 19, 14 and 9; with the very nearest only 6, 7, 2 and 2.
"""

MOST: Final = 400  # documents of a label that are looked at, evenly chosen
BESIDE: Final = 100  # of these, beside those of another label
NEAREST: Final = 1_000
"""Pairs of labels whose documents are looked at, the nearest: an encoder that finds all texts akin
has half a million of 1,000 labels, which would take a refit hours."""


@dataclass(frozen=True, slots=True, eq=False)
class Hint:
    """A change of the taxonomy that gold speaks for.

    first, second: columns of labels; of a merge the first has less gold, of a split both are one.
    documents: it rests on. share: of TAKEN or MIXED; 0 of a split.
    groups: of a split, the rows of the documents of both, the most typical first.
    near: of a split, the columns of the labels that either is nearest to.
    """

    kind: Kind
    first: int
    second: int
    documents: int
    share: float = 0.0
    groups: tuple[Rows, ...] = ()
    near: tuple[int, ...] = ()


def hints(
    vectors: Floats, opinions: Floats, targets: Flags, label_vectors: Floats, *, multi: bool
) -> list[Hint]:
    """Return what the gold speaks for.

    Args:
        vectors: unit vectors of the gold, (documents, dim).
        opinions: out of fold, (documents, labels); rows of NaN are passed over.
        targets: (documents, labels). Only documents of exactly one label are looked at.
        label_vectors: unit vectors, (labels, dim).
        multi: whether documents may have several labels: then two that are likely are no rivals.
    """
    alone = targets.sum(axis=1) == 1
    given = np.where(alone, targets.argmax(axis=1), -1)  # (documents,)
    found = [] if multi else list(_merges(opinions, given, targets.shape[1]))
    taken = {frozenset((each.first, each.second)) for each in found}
    some = {
        int(label): _some(np.flatnonzero(given == label), MOST) for label in np.unique(given[alone])
    }
    found += [
        each
        for each in _overlaps(vectors, label_vectors, some)
        if {each.first, each.second} not in taken
    ]
    return [*found, *_splits(vectors, some)]


def _some(rows: Rows, most: int) -> Rows:
    """Return *most* of the rows, evenly spread; all where there are no more."""
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


def _merges(opinions: Floats, given: Rows, labels: int) -> Iterator[Hint]:
    """Yield pairs whose gold is likelier the other one's: confident learning, see label_errors.

    A document is likelier another label's where that reaches the mean probability it has on its
    own documents, and is the likeliest that does.
    """
    known = np.isfinite(opinions).all(axis=1) & (given >= 0)
    chances, given = opinions[known], given[known]
    counts = np.bincount(given, minlength=labels)
    own = chances[np.arange(len(given)), given]
    usual = np.bincount(given, weights=own, minlength=labels) / np.maximum(counts, 1)
    likely = np.where((chances >= usual) & (counts > 0), chances, -1)
    best = np.where(likely.max(axis=1, initial=-1) > 0, likely.argmax(axis=1), given)
    joint = Counter(zip(given.tolist(), best.tolist(), strict=True))
    for (one, two), there in joint.items():
        back = joint.get((two, one), 0)
        if one < two and min(there, back) >= OFTEN:
            share = (there + back) / int(counts[one] + counts[two])
            if share >= TAKEN:
                smaller, larger = sorted((one, two), key=lambda label: counts[label])
                yield Hint("merge", smaller, larger, there + back, share)


def _overlaps(vectors: Floats, label_vectors: Floats, some: dict[int, Rows]) -> Iterator[Hint]:
    """Yield pairs of near labels whose documents lie among each other."""
    known = {label: _some(rows, BESIDE) for label, rows in some.items() if len(rows) >= PAIRED}
    for one, two in _akin(list(known), label_vectors):
        rows = np.concatenate([known[one], known[two]])
        which = np.repeat([0, 1], [len(known[one]), len(known[two])])
        cosines = vectors[rows] @ vectors[rows].T
        np.fill_diagonal(cosines, -2)
        foreign = which[top(cosines, AROUND)] != which[:, None]  # (documents, nearest)
        if foreign.mean() >= MIXED:
            documents = int(foreign.any(axis=1).sum())
            yield Hint("overlap", one, two, documents, float(foreign.mean()))


def _akin(labels: Sequence[int], label_vectors: Floats) -> list[tuple[int, int]]:
    """Return NEAREST pairs of these labels that are near, the nearest first."""
    theirs = label_vectors[labels]
    found: list[tuple[float, int, int]] = []
    for place, one in enumerate(labels):
        cosines = theirs[place + 1 :] @ theirs[place]
        near = np.flatnonzero(cosines >= AKIN)
        best = near[np.argsort(-cosines[near], kind="stable")][:NEAREST]
        found += [(float(cosines[at]), one, labels[place + 1 + at]) for at in best.tolist()]
        found = sorted(found, key=lambda pair: -pair[0])[:NEAREST]
    return [(one, two) for _, one, two in found]


def _splits(vectors: Floats, some: dict[int, Rows]) -> Iterator[Hint]:
    """Yield labels whose documents are two groups, each nearer to another label's."""
    labels = list(some)
    if len(labels) < 2:
        return
    centres = unit(np.stack([vectors[rows].mean(axis=0) for rows in some.values()]))
    for place, (label, rows) in enumerate(some.items()):
        if len(rows) < GOLD:
            continue
        group, pair = two_groups(vectors[rows])
        if min(group.mean(), 1 - group.mean()) < GROUP:
            continue
        others = pair @ centres.T  # (2, labels)
        others[:, place] = -1
        nearness = vectors[rows] @ pair.T  # (documents, 2)
        gaps = nearness[:, 1] - nearness[:, 0]
        is_apart = others.max(axis=1).min() >= pair[0] @ pair[1] + APART
        if not is_apart or (np.abs(gaps) < CLOSE).mean() > BETWEEN:
            continue
        typical = np.argsort(-np.abs(gaps), kind="stable")
        groups = tuple(rows[typical[group[typical] == which]] for which in (False, True))
        near = tuple(labels[best] for best in others.argmax(axis=1))
        yield Hint("split", label, label, len(rows), groups=groups, near=near)
