"""How far people agree beyond chance on documents that several of them judged.

Of all people Krippendorff's alpha (Krippendorff, 2011, "Computing Krippendorff's
Alpha-Reliability"), of two Cohen's κ (Cohen, 1960). Intervals: percentile bootstrap over documents,
of which Zapf et al. (2016, https://doi.org/10.1186/s12874-016-0200-9) found that it covers.

This is our own because the libraries stop short of it: `krippendorff` 0.9.0 and scikit-learn have
no intervals and no figures by label, and take dense matrices of documents by labels or by people,
where a resample needs the sums of each document's pairs alone. Tests hold it against what
Krippendorff published and against scikit-learn's κ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from labeling.distances import Floats, Indices, Rows, masi, nominal, top, tree
from labeling.judgements import Judged, Judgement, pairs, several
from labeling.resampling import ROUNDS, Figure, figure, ratio, resampled

Group = int | None
"""The id of a label, or None: nothing fits."""

MANY: Final = 1_000  # documents from which chance is worked out to first order
AT_ONCE: Final = 32  # rows of a matrix of answers held in memory


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of the people of a project.

    exact: alpha over whole answers, each other one equally wrong.
    near: alpha with distances: by the tree, or between sets where documents have several labels.
    branches, labels: alpha of "is it this or not". documents: those to which at least one person
        gave it. A branch is a top-level label with all below it; None: nothing fits.
    pairs: κ of two people, the smaller id first.
    """

    documents: int
    judgements: int
    people: int
    exact: Figure
    near: Figure
    branches: dict[Group, Figure]
    labels: dict[Group, Figure]
    pairs: dict[tuple[int, int], Figure]


def measure(
    judgements: Iterable[Judgement],
    parents: Mapping[int, int | None],
    *,
    multi: bool,
    seed: int,
    rounds: int = ROUNDS,
) -> Agreement:
    """Return all figures. Of two judgements of one person on one document the later counts.

    Args:
        parents: of every label of the tree, None at the top.
        multi: documents have several labels.
        rounds: resamples an interval rests on.
    """
    judged = several(judgements)
    answers = judged.answers
    near = masi(answers) if multi else tree(answers, parents)
    exact, with_distance = alphas(judged, [nominal(answers), near], seed=seed, rounds=rounds)
    branch_of = [{top(label, parents) for label in answer} for answer in answers]
    return Agreement(
        documents=len(judged.people),
        judgements=len(judged.document),
        people=len(np.unique(judged.reviewer)),
        exact=exact,
        near=with_distance,
        branches=by_group(judged, branch_of, seed=seed, rounds=rounds),
        labels=by_group(judged, answers, seed=seed, rounds=rounds),
        pairs=kappas(judged, seed=seed, rounds=rounds),
    )


def alphas(
    judged: Judged, metrics: Sequence[Rows], *, seed: int, rounds: int = ROUNDS
) -> list[Figure]:
    """Return alpha under each of *metrics*, over the same resamples.

    alpha = 1 - D_o / D_e. With n judgements, n_c of answer c, and m_u of document u:
    D_o = Σ_u Σ δ² of u's ordered pairs / (m_u - 1) / n, D_e = Σ_ck n_c n_k δ²_ck / (n (n - 1)).
    """
    kinds, documents = len(judged.answers), len(judged.people)
    apart = [_disagreement(judged, rows) for rows in metrics]

    def counted(drawn: Floats) -> Floats:
        counts = np.bincount(judged.answer, drawn[judged.document], minlength=kinds)
        return np.concatenate(([drawn @ each for each in apart], counts))

    sums = resampled(counted, documents, seed=seed, rounds=rounds)
    counts = sums[:, len(metrics) :]  # (draws, answers)
    others = counts.sum(axis=1) - 1
    return [
        figure(1 - ratio(observed * others, _by_chance(counts, rows, documents)), documents)
        for observed, rows in zip(sums.T, metrics, strict=False)
    ]


def _disagreement(judged: Judged, rows: Rows) -> Floats:
    """Return the sum of δ² over each document's ordered pairs / (its people - 1), (documents,)."""
    left, right = pairs(judged.document)
    one, other = judged.answer[left], judged.answer[right]
    apart = np.zeros(len(left))
    differ = np.flatnonzero(one != other)
    differ = differ[np.argsort(one[differ], kind="stable")]
    for some in np.split(differ, np.arange(AT_ONCE, len(differ), AT_ONCE)):
        chosen, row = np.unique(one[some], return_inverse=True)
        apart[some] = rows(chosen)[row, other[some]]
    documents = len(judged.people)
    sums = np.bincount(judged.document[left], apart, minlength=documents)
    return np.asarray(sums / (judged.people - 1))


def _by_chance(counts: Floats, rows: Rows, documents: int) -> Floats:
    """Return Σ n_c n_k δ²_ck of each draw, (draws,). counts: (draws, answers), the first as it is.

    With many documents to first order in what a draw changes: with g = Σ_k n_k δ²_ck as it is, and
    s the share of judgements drawn, 2 s Σ_c drawn n_c g_c - s² Σ_c n_c g_c. Of the figure that
    leaves out about one part in as many as there are documents, and one product with all δ² does
    for 1,000 draws.
    """
    known = counts[:1] if documents > MANY else counts
    sums, weights = np.zeros(len(known)), np.zeros(counts.shape[1])
    for start in range(0, counts.shape[1], AT_ONCE):
        chosen = np.arange(start, min(start + AT_ONCE, counts.shape[1]))
        products = known @ rows(chosen).T  # (known draws, chosen)
        weights[chosen] = products[0]
        sums += np.einsum("da,da->d", products, known[:, chosen])
    if len(known) == len(counts):
        return sums
    share = counts.sum(axis=1) / counts[0].sum()
    return np.asarray(2 * share * (counts @ weights) - share**2 * sums[0])


def by_group(
    judged: Judged,
    groups: Sequence[Iterable[int]],
    *,
    seed: int,
    rounds: int = ROUNDS,
) -> dict[Group, Figure]:
    """Return alpha of "in this group or not" for each group anybody named, lowest alpha first.

    Args:
        groups: (answers,), those each answer stands for; none: it says that nothing fits.
    """
    member: list[list[Group]] = [[*dict.fromkeys(each)] or [None] for each in groups]  # (answers,)
    names: list[Group] = list(dict.fromkeys(name for each in member for name in each))
    places = {name: place for place, name in enumerate(names)}
    sizes = np.array([len(each) for each in member], dtype=np.int64)
    flat = np.array([places[name] for each in member for name in each], dtype=np.int64)
    document, group, times = _mentions(judged, flat, sizes)
    people = judged.people
    split = 2 * times * (people[document] - times) / (people[document] - 1)

    def alpha(drawn: Floats) -> Floats:
        weight = drawn[document]
        inside = np.bincount(group, weight * times, minlength=len(names))
        apart = np.bincount(group, weight * split, minlength=len(names))
        total = drawn @ people
        return 1 - ratio(apart * (total - 1), 2 * inside * (total - inside))

    values = resampled(alpha, len(people), seed=seed, rounds=rounds)
    rests_on = np.bincount(group, minlength=len(names))
    found = {name: figure(values[:, at], int(rests_on[at])) for name, at in places.items()}
    return dict(sorted(found.items(), key=lambda pair: _lowest_first(pair[1])))


def _mentions(judged: Judged, flat: Indices, sizes: Indices) -> tuple[Indices, Indices, Indices]:
    """Return document, group and how many people named it there; (mentions,) each.

    Args:
        flat: the groups of the first answer, then of the second, …
        sizes: (answers,), how many each has.
    """
    many = sizes[judged.answer]  # (judgements,)
    ends = np.cumsum(many)
    step = np.arange(many.sum()) - np.repeat(ends - many, many)
    named = flat[np.repeat((np.cumsum(sizes) - sizes)[judged.answer], many) + step]
    width = int(flat.max(initial=0)) + 1
    keys, times = np.unique(np.repeat(judged.document, many) * width + named, return_counts=True)
    return keys // width, keys % width, times


def kappas(judged: Judged, *, seed: int, rounds: int = ROUNDS) -> dict[tuple[int, int], Figure]:
    """Return κ of each two people who judged a document both, lowest κ first.

    κ = (p_o - p_e) / (1 - p_e): answers count as the same or not.
    """
    left, right = pairs(judged.document)
    met = judged.reviewer[left] < judged.reviewer[right]
    left, right = left[met], right[met]
    who = np.stack([judged.reviewer[left], judged.reviewer[right]], axis=1)
    couples, couple = np.unique(who, axis=0, return_inverse=True)
    couple, document = couple.reshape(-1), judged.document[left]
    one, other = judged.answer[left], judged.answer[right]
    same = (one == other).astype(np.float64)
    width = len(judged.answers)
    keys, place = np.unique(
        np.concatenate([couple * width + one, couple * width + other]), return_inverse=True
    )
    first, second, owner = place[: len(one)], place[len(one) :], keys // max(width, 1)

    def kappa(drawn: Floats) -> Floats:
        weight = drawn[document]
        total = np.bincount(couple, weight, minlength=len(couples))
        agreed = np.bincount(couple, weight * same, minlength=len(couples))
        ones = np.bincount(first, weight, minlength=len(keys))
        others = np.bincount(second, weight, minlength=len(keys))
        chance = np.bincount(owner, ones * others, minlength=len(couples))
        return ratio(total * agreed - chance, total**2 - chance)

    values = resampled(kappa, len(judged.people), seed=seed, rounds=rounds)
    shared = np.bincount(couple, minlength=len(couples))
    found = {
        (int(pair[0]), int(pair[1])): figure(values[:, at], int(shared[at]))
        for at, pair in enumerate(couples)
    }
    return dict(sorted(found.items(), key=lambda pair: _lowest_first(pair[1])))


def _lowest_first(figure: Figure) -> tuple[bool, float, int]:
    """Sort by value; what has none comes last. Of equals, what rests on more comes first."""
    return figure.value is None, figure.value or 0.0, -figure.documents
