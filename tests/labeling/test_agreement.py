from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import combinations, permutations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from labeling.agreement import alphas, by_group, kappas, measure
from labeling.distances import masi, nominal, tree
from labeling.judgements import Judgement, several
from labeling.resampling import ENOUGH, wilson

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)

# Bills (1) over card bills (11) over two leaves; visits (2) over one leaf; 3 is a leaf at the top.
PARENTS = {1: None, 11: 1, 111: 11, 112: 11, 12: 1, 2: None, 21: 2, 3: None}

# Krippendorff (2011), section C: four observers, twelve units, dots are missing.
FOUR = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")


def answer(letter):
    """One label, numbered by its letter; "-" says that nothing fits."""
    return frozenset() if letter == "-" else frozenset({ord(letter)})


def told(*people):
    """Judgements from one row of letters a person, one column a document; "." judged nothing."""
    return [
        Judgement(document, reviewer, answer(letter), NOON)
        for reviewer, row in enumerate(people)
        for document, letter in enumerate(row)
        if letter != "."
    ]


def exact(*people):
    judged = several(told(*people))
    (found,) = alphas(judged, [nominal(judged.answers)], seed=0, rounds=20)
    return found.value


def drawn(documents=120, people=4, labels=(111, 112, 12, 21, 3), right=0.7, seed=0, at_most=3):
    """People who judge some documents each, right with one chance, else at random or not at all."""
    rng = np.random.default_rng(seed)
    choices = [*(frozenset({label}) for label in labels), frozenset()]
    found = []
    for document in range(documents):
        truth = choices[rng.integers(len(choices))]
        for reviewer in rng.choice(people, size=rng.integers(1, at_most + 1), replace=False):
            said = truth if rng.random() < right else choices[rng.integers(len(choices))]
            found.append(Judgement(document, int(reviewer), said, NOON))
    return found


def slow_alpha(judgements, squared):
    """Krippendorff's alpha pair by pair."""
    units = {}
    for each in judgements:
        units.setdefault(each.document, []).append(each.labels)
    units = [said for said in units.values() if len(said) > 1]
    values = [one for said in units for one in said]
    seen = sum(
        squared(one, other) / (len(said) - 1)
        for said in units
        for one, other in permutations(said, 2)
    )
    chance = sum(squared(one, other) for one, other in permutations(values, 2))
    return 1 - (seen / len(values)) / (chance / len(values) / (len(values) - 1))


def path(label):
    return [label] if PARENTS[label] is None else [*path(PARENTS[label]), label]


def slow_tree(one, other):
    if one == other:
        return 0
    ways = [path(*each) if each else ["nothing"] for each in (one, other)]
    common = sum(1 for node in ways[0] if node in ways[1])
    return max(len(way) - common for way in ways) ** 2


# --- Against what is published --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("people", "alpha"),
    [
        (("0100000010", "1110010000"), 0.095),  # Krippendorff (2011), A: binary
        (("aabbdcccedda", "babbbccceddd"), 0.692),  # B: nominal, two observers
        (FOUR, 0.743),  # C: nominal, four observers, missing values
    ],
)
def test_alpha_is_the_published_one(people, alpha):
    assert exact(*people) == pytest.approx(alpha, abs=5e-4)


def test_alpha_with_a_distance_is_the_published_one():
    judged = several(told(*FOUR))
    numbers = np.array([next(iter(each)) for each in judged.answers])

    def interval(chosen):
        return (numbers[chosen, None] - numbers) ** 2.0

    (found,) = alphas(judged, [interval], seed=0, rounds=5)
    assert found.value == pytest.approx(0.849, abs=5e-4)


def test_masi_distances_are_the_published_ones():
    sets = [frozenset(each) for each in ({1, 2}, {1, 2, 3, 4}, {2, 3}, {5}, ())]
    rows = masi(sets)(np.array([0, 4]))
    # Passonneau (2006): 1 - ½·⅔ where one holds the other, 1 - ⅓·⅓ where they overlap.
    assert rows[0] == pytest.approx([0, 2 / 3, 8 / 9, 1, 1])
    assert rows[1] == pytest.approx([1, 1, 1, 1, 0])


# --- Against loops and libraries ------------------------------------------------------------------


@pytest.mark.parametrize("at_most", [2, 4])
def test_alphas_are_those_of_a_slow_loop(at_most):
    judgements = drawn(at_most=at_most)
    judged = several(judgements)
    metrics = [nominal(judged.answers), tree(judged.answers, PARENTS)]
    whole, near = alphas(judged, metrics, seed=0, rounds=5)
    assert whole.value == pytest.approx(slow_alpha(judgements, lambda one, other: one != other))
    assert near.value == pytest.approx(slow_alpha(judgements, slow_tree))


def test_alpha_of_sets_is_that_of_a_slow_loop():
    rng = np.random.default_rng(3)
    judgements = [
        Judgement(each.document, each.reviewer, each.labels | {int(rng.integers(3))}, NOON)
        for each in drawn()
    ]

    def distance(one, other):
        jaccard = len(one & other) / len(one | other)
        nested = one <= other or other <= one
        return 0 if one == other else 1 - jaccard * (2 / 3 if nested else 1 / 3)

    found = measure(judgements, PARENTS, multi=True, seed=0, rounds=5)
    assert found.near.value == pytest.approx(slow_alpha(judgements, distance))


def test_alpha_of_a_label_is_that_of_being_it_or_not():
    judgements = drawn()
    found = by_group(several(judgements), several(judgements).answers, seed=0, rounds=5)
    assert found.keys() == {111, 112, 12, 21, 3, None}
    for label, figure in found.items():
        wanted = frozenset() if label is None else frozenset({label})
        alpha = slow_alpha(judgements, lambda a, b, is_=wanted: (a == is_) != (b == is_))
        assert figure.value == pytest.approx(alpha)


def test_kappa_is_that_of_scikit_learn():
    judgements = drawn(documents=300)
    said = {(each.reviewer, each.document): str(sorted(each.labels)) for each in judgements}
    found = kappas(several(judgements), seed=0, rounds=5)
    assert found.keys() == set(combinations(range(4), 2))
    for (one, other), figure in found.items():
        both = [d for d in range(300) if (one, d) in said and (other, d) in said]
        wanted = cohen_kappa_score([said[one, d] for d in both], [said[other, d] for d in both])
        assert figure.value == pytest.approx(wanted)
        assert figure.documents == len(both)


# --- By hand --------------------------------------------------------------------------------------


def test_kappa_by_hand():
    # 10 of 12 the same: p_o = 5/6. Marginals 6:6 and 8:4, so p_e = (6·8 + 6·4) / 144 = 1/2.
    found = kappas(several(told("aaaaaabbbbbb", "aaaaaaaabbbb")), seed=0, rounds=5)
    assert found[0, 1].value == pytest.approx((5 / 6 - 1 / 2) / (1 - 1 / 2))


def test_a_sibling_is_nearer_than_a_cousin_than_another_branch():
    answers = [frozenset({label}) for label in (111, 112, 12, 21, 3)] + [frozenset()]
    rows = tree(answers, PARENTS)(np.arange(6))
    assert np.sqrt(rows[0]).tolist() == [0, 1, 2, 3, 3, 3]  # the longer way up
    assert np.sqrt(rows[3]).tolist() == [3, 3, 2, 0, 2, 2]
    assert (rows == rows.T).all()


def test_nothing_fits_is_as_far_as_the_label_is_deep():
    rows = tree([frozenset(), *(frozenset({label}) for label in (3, 12, 111))], PARENTS)
    assert np.sqrt(rows(np.array([0]))).tolist() == [[0, 1, 2, 3]]


def test_a_label_the_tree_does_not_know_stands_at_the_top():
    assert tree([frozenset({99}), frozenset({3})], PARENTS)(np.array([0])).tolist() == [[0, 1]]


def test_tree_distance_of_sets_is_refused():
    with pytest.raises(ValueError, match="masi"):
        tree([frozenset({111, 12})], PARENTS)


def test_confusion_within_a_branch_leaves_the_branch_in_agreement():
    first = [Judgement(d, 1, frozenset({111 if d % 2 else 21}), NOON) for d in range(20)]
    second = [Judgement(d, 2, frozenset({112 if d % 2 else 21}), NOON) for d in range(20)]
    found = measure([*first, *second], PARENTS, multi=False, seed=0, rounds=50)
    assert found.branches[1].value == found.branches[2].value == 1
    assert found.labels[111].value < 0
    assert found.near.value > found.exact.value
    assert (found.documents, found.judgements, found.people) == (20, 40, 2)


def test_the_lowest_label_and_pair_come_first_and_the_undefined_last():
    found = measure(drawn(), PARENTS, multi=False, seed=0, rounds=5)
    for figures in (found.labels, found.branches, found.pairs):
        values = [each.value for each in figures.values()]
        assert values == sorted(values)
    together = measure(told("aaba", "aab.", "...a"), {}, multi=False, seed=0, rounds=5)
    assert [each.value is None for each in together.pairs.values()] == [False, True]


# --- What is left out, and what there is not ------------------------------------------------------


def test_the_later_judgement_of_a_person_counts():
    once = told("ab", "ab")
    later = Judgement(1, 1, answer("a"), NOON + timedelta(minutes=1))
    for judgements in ([*once, later], [later, *once]):
        assert Counter(several(judgements).answer.tolist()) == {0: 3, 1: 1}


def test_documents_of_one_person_and_their_order_change_nothing():
    judgements = drawn()
    alone = Judgement(9_999, 1, frozenset({12}), NOON)
    wanted = measure(judgements, PARENTS, multi=False, seed=4, rounds=30)
    assert measure([alone, *judgements[::-1]], PARENTS, multi=False, seed=4, rounds=30) == wanted


@pytest.mark.parametrize(
    "people", [(), ("",), ("abc",), ("a..", ".b."), ("aaa", "aaa")], ids=lambda rows: "/".join(rows)
)
def test_without_anything_to_tell_apart_agreement_is_undefined(people):
    found = measure(told(*people), {}, multi=False, seed=0, rounds=5)
    assert found.exact.value is found.near.value is found.exact.interval is None
    assert all(each.value is None for each in (*found.labels.values(), *found.pairs.values()))


# --- Intervals ------------------------------------------------------------------------------------


def test_an_interval_is_that_of_a_slow_bootstrap_over_documents():
    judgements = drawn(documents=60, at_most=2)
    units = {}
    for each in judgements:
        units.setdefault(each.document, []).append(each)
    units = [said for said in units.values() if len(said) > 1]
    rng, alphas_ = np.random.default_rng(8), []
    for _ in range(200):
        again = [units[at] for at in rng.integers(len(units), size=len(units))]
        copies = [
            Judgement(number, each.reviewer, each.labels, NOON)
            for number, said in enumerate(again)
            for each in said
        ]
        alphas_.append(slow_alpha(copies, slow_tree))
    found = measure(judgements, PARENTS, multi=False, seed=0).near.interval
    assert [found.low, found.high] == pytest.approx(np.percentile(alphas_, [2.5, 97.5]), abs=0.06)


def test_of_many_documents_chance_to_first_order_gives_the_same_interval(monkeypatch):
    judged = several(drawn(documents=2_500, at_most=2))
    metrics = [nominal(judged.answers), tree(judged.answers, PARENTS)]
    quick = alphas(judged, metrics, seed=0, rounds=300)
    monkeypatch.setattr("labeling.agreement.MANY", 10_000)
    for one, other in zip(quick, alphas(judged, metrics, seed=0, rounds=300), strict=True):
        assert one.value == pytest.approx(other.value)
        assert one.interval.low == pytest.approx(other.interval.low, abs=1e-3)
        assert one.interval.high == pytest.approx(other.interval.high, abs=1e-3)


def test_intervals_hold_what_more_documents_show():
    truth = measure(drawn(documents=6_000, seed=99), PARENTS, multi=False, seed=0, rounds=1)
    held = 0
    for seed in range(100):
        found = measure(drawn(seed=seed), PARENTS, multi=False, seed=seed, rounds=200)
        held += found.near.interval.low <= truth.near.value <= found.near.interval.high
    assert held >= 88  # of 95 expected; below 88 happens once in 300 tries


def test_the_same_seed_gives_the_same_intervals_and_another_does_not():
    found = [measure(drawn(), PARENTS, multi=False, seed=seed, rounds=50) for seed in (1, 1, 2)]
    assert found[0] == found[1]
    assert found[0].exact.interval != found[2].exact.interval


def test_a_few_documents_give_no_interval():
    few = "ab" * ENOUGH
    short = measure(told(few[: ENOUGH - 1], few[: ENOUGH - 1]), {}, multi=False, seed=0)
    enough = measure(told(few[:ENOUGH], few[:ENOUGH]), {}, multi=False, seed=0)
    assert short.exact.value == enough.exact.value == 1
    assert short.exact.interval is None
    assert enough.exact.interval.low == 1


@pytest.mark.parametrize(
    ("right", "documents", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (8, 10, 0.4902, 0.9433),
        (81, 263, 0.2553, 0.3662),
    ],
)
def test_shares_have_wilsons_interval(right, documents, low, high):
    """The last from Newcombe (1998), table I; the others by scipy's binomtest."""
    figure = wilson(right, documents)

    assert figure.value == right / documents
    assert (figure.interval.low, figure.interval.high) == pytest.approx((low, high), abs=1e-4)
