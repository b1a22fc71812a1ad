import numpy as np
import pytest

from training.label_errors import LEAST, suspects

LABELS = 6
NO_OVERLAPS = np.zeros((LABELS, LABELS), bool)


def told(count=300, sureness=4.0, seed=0):
    """What a decent model says of documents it has not seen, and what is right."""
    rng = np.random.default_rng(seed)
    right = np.eye(LABELS, dtype=bool)[rng.integers(LABELS, size=count)]
    logits = sureness * right + rng.normal(size=right.shape)
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return chances.astype(np.float32), right


def slow_suspects(chances, targets, overlaps):
    """Confident learning, document by document."""
    usual = [
        np.mean(
            [chance[label] for chance, right in zip(chances, targets, strict=True) if right[label]]
        )
        for label in range(LABELS)
    ]
    found = {}
    for row, (chance, right) in enumerate(zip(chances, targets, strict=True)):
        (given,) = np.flatnonzero(right)
        rivals = [
            chance[label]
            for label in range(LABELS)
            if label != given and not overlaps[given, label] and chance[label] >= usual[label]
        ]
        if rivals and max(rivals) > chance[given]:
            found[row] = max(rivals) - chance[given]
    return found


def test_suspects_are_those_of_a_slow_loop():
    chances, targets = told(sureness=2.0)
    overlaps = NO_OVERLAPS.copy()
    overlaps[0, 1] = overlaps[1, 0] = True
    wanted = slow_suspects(chances, targets, overlaps)
    found = suspects(chances, targets, overlaps, multi=False, most=300)
    assert {each.row for each in found} == wanted.keys()
    assert all(each.strength == pytest.approx(wanted[each.row], abs=1e-5) for each in found)
    strengths = [each.strength for each in found]
    assert strengths == sorted(strengths, reverse=True)


@pytest.mark.parametrize("multi", [False, True])
def test_planted_errors_come_first(multi):
    chances, targets = told(sureness=7.0)
    planted = np.random.default_rng(5).choice(len(targets), 9, replace=False)
    targets[planted] = np.roll(targets[planted], 1, axis=1)
    found = suspects(chances, targets, NO_OVERLAPS, multi=multi, most=9)
    assert {each.row for each in found} <= set(planted.tolist())
    assert len(found) >= 6  # the rest is contradicted less surely than is usual


def test_a_label_that_overlaps_the_given_one_raises_no_doubt():
    chances, targets = told()
    both = np.ones((LABELS, LABELS), bool) & ~np.eye(LABELS, dtype=bool)
    assert suspects(chances, np.roll(targets, 1, axis=1), both, multi=False, most=300) == []


def test_no_more_are_named_than_asked_for():
    chances, targets = told()
    wrong = np.roll(targets, 1, axis=1)
    assert len(suspects(chances, wrong, NO_OVERLAPS, multi=False, most=7)) == 7


def test_documents_that_fit_nothing_are_not_doubted_in_single_label_projects():
    chances, targets = told()
    targets[5] = False
    found = suspects(chances, targets, NO_OVERLAPS, multi=False, most=300)
    assert 5 not in [each.row for each in found]


def test_rows_nobody_judged_are_passed_over():
    chances, targets = told()
    wrong = np.roll(targets, 1, axis=1)
    chances[:100] = np.nan
    found = suspects(chances, wrong, NO_OVERLAPS, multi=False, most=300)
    assert found
    assert min(each.row for each in found) >= 100


def test_what_people_confirmed_makes_room_for_the_next():
    chances, targets = told()
    wrong = np.roll(targets, 1, axis=1)
    first = suspects(chances, wrong, NO_OVERLAPS, multi=False, most=5)
    asked = np.isin(np.arange(len(wrong)), [each.row for each in first])
    after = suspects(chances, wrong, NO_OVERLAPS, multi=False, most=5, asked=asked)
    assert len(after) == 5
    assert not {each.row for each in after} & {each.row for each in first}


@pytest.mark.parametrize("multi", [False, True])
@pytest.mark.parametrize("count", [0, 1, LEAST - 1])
def test_little_gold_is_not_doubted(count, multi):
    chances, targets = told(count)
    wrong = np.roll(targets, 1, axis=1)
    assert suspects(chances, wrong, NO_OVERLAPS, multi=multi, most=300) == []


def test_a_label_that_is_missing_and_one_that_is_too_much_are_both_doubted():
    targets = np.random.default_rng(4).random((400, LABELS)) < 0.3
    chances = np.where(targets, 0.9, 0.05).astype(np.float32)
    targets[3, 0], targets[7, 1] = not targets[3, 0], not targets[7, 1]
    found = suspects(chances, targets, NO_OVERLAPS, multi=True, most=400)
    assert {each.row for each in found} == {3, 7}
