import numpy as np
import pytest

from training.examples import Examples, relations, targets_of, tree_distances
from training.splits import Split


def examples(**changes):
    parts = {
        "ids": np.array([3, 5, 8]),
        "texts": ("a", "b", "c"),
        "targets": np.array([[True, False], [False, False], [False, True]]),
        "splits": np.array(["train", "test", "train"]),
        "weights": np.ones(3, np.float32),
        "threads": np.array([3, 5, 3]),
    }
    return Examples(**{**parts, **changes})


def test_a_part_holds_the_documents_of_its_splits():
    part = examples().part(Split.TRAIN)
    assert part.ids.tolist() == [3, 8]
    assert part.texts == ("a", "c")


def test_a_document_without_right_label_fits_none():
    assert examples().fits.tolist() == [True, False, True]


def test_parts_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="different lengths"):
        examples(texts=("a",))


def test_labels_of_other_taxonomies_are_ignored():
    targets = targets_of([[7], [9, 7], []], [9, 7])
    assert targets.tolist() == [[False, True], [True, True], [False, False]]


def test_overlaps_are_symmetric():
    found = relations([1, 2, 3], {}, {3: frozenset({1, 99})})
    assert found.overlaps.tolist() == [[0, 0, 1], [0, 0, 0], [1, 0, 0]]


def test_tree_distance_counts_edges_up_to_the_common_ancestor():
    #      1
    #    2   3
    #   4 5   6     7 stands alone
    parents = {1: None, 2: 1, 3: 1, 4: 2, 5: 2, 6: 3, 7: None}
    distances = tree_distances([4, 5, 6, 7], parents)

    assert distances.tolist() == [[0, 1, 2, 3], [1, 0, 2, 3], [2, 2, 0, 3], [3, 3, 3, 0]]


def test_labels_of_a_flat_taxonomy_are_all_siblings():
    assert tree_distances([1, 2], {1: None, 2: None}).tolist() == [[0, 1], [1, 0]]
