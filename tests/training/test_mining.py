import numpy as np
import pytest

from inference.retrieve import unit
from training.examples import Relations
from training.mining import Source, best, counts, labels_near, mine

RNG = np.random.default_rng(6)


def flat(labels, **changes):
    """Labels that all hang from one root, so that each is a sibling of each."""
    distances = np.ones((labels, labels), np.float32) - np.eye(labels, dtype=np.float32)
    nothing = np.zeros((labels, labels), bool)
    alone = np.eye(labels, dtype=bool)
    known = {"overlaps": nothing, "distances": distances, "ancestors": alone}
    return Relations(**(known | changes))


def some(documents=40, labels=8, dim=5):
    targets = np.eye(labels, dtype=bool)[RNG.integers(labels, size=documents)]
    logits = RNG.normal(size=(documents, labels)).astype(np.float32)
    return targets, logits, unit(RNG.normal(size=(documents, dim)).astype(np.float32))


def test_right_labels_and_their_overlaps_are_never_hard_negatives():
    targets, logits, vectors = some()
    overlaps = np.zeros((8, 8), bool)
    overlaps[0, 1] = overlaps[1, 0] = True
    found = mine(targets, logits, vectors, flat(8, overlaps=overlaps), np.ones_like(targets))
    assert not found[targets].any()
    assert not found[targets[:, 0], 1].any()
    assert found[targets[:, 2], 1].all()  # ruled out by everybody


def test_documents_that_fit_nothing_have_none():
    targets, logits, vectors = some()
    targets[3] = False
    assert not mine(targets, logits, vectors, flat(8), np.ones_like(targets))[3].any()


def test_confused_labels_are_the_highest_wrong_ones_by_a_slow_loop():
    targets, logits, vectors = some()
    found = mine(targets, logits, vectors, flat(8)) & Source.CONFUSED > 0
    for row in range(len(targets)):
        wrong = [label for label in range(8) if not targets[row, label]]
        wanted = sorted(wrong, key=lambda label: -logits[row, label])[:3]
        assert sorted(np.flatnonzero(found[row])) == sorted(wanted)


def test_only_siblings_count_as_siblings():
    targets, logits, vectors = some(labels=4)
    pairs = np.full((4, 4), 2, np.float32)
    pairs[0, 1] = pairs[1, 0] = pairs[2, 3] = pairs[3, 2] = 1
    np.fill_diagonal(pairs, 0)
    found = mine(targets, logits, vectors, flat(4, distances=pairs)) & Source.SIBLING > 0
    partner = np.array([1, 0, 3, 2])[targets.argmax(axis=1)]
    np.testing.assert_array_equal(found, np.eye(4, dtype=bool)[partner])


def test_near_labels_are_those_of_the_nearest_others_by_a_slow_loop():
    targets, _, vectors = some()
    found = labels_near(vectors, targets, count=4)
    for row in range(len(targets)):
        others = [other for other in range(len(targets)) if other != row]
        nearest = sorted(others, key=lambda other: -float(vectors[row] @ vectors[other]))[:4]
        np.testing.assert_array_equal(found[row], targets[nearest].any(axis=0))


@pytest.mark.parametrize("documents", [0, 1])
def test_next_to_no_documents_have_no_neighbours(documents):
    targets, logits, vectors = some(documents)
    assert not (mine(targets, logits, vectors, flat(8)) & Source.NEAR).any()


def test_what_is_not_among_those_allowed_is_not_chosen():
    among = np.array([[True, False, False]])
    assert best(np.array([[1.0, 5, 9]], np.float32), among).tolist() == [[True, False, False]]


def test_sources_are_counted_by_name():
    sources = np.array([[Source.NEAR | Source.RULED_OUT, 0], [Source.NEAR, 0]], np.uint8)
    assert counts(sources) == {"sibling": 0, "confused": 0, "near": 2, "ruled_out": 1}
