import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from inference.retrieve import ExactIndex, FaissIndex, index, label_vectors, top, unit
from tests.inference.parts import Words, label_text

WORDS = Words("card lost stolen pin")


def test_a_label_vector_is_its_name_its_description_and_the_mean_of_its_situations():
    label = label_text(1, "card", "lost", ["stolen", "pin"])
    [vector] = label_vectors([label], WORDS.encode)
    by_hand = np.array([1, 1, 0.5, 0.5]) / np.sqrt(2.5)
    assert vector == pytest.approx(by_hand, abs=1e-6)


def test_a_label_without_description_is_its_name():
    [vector] = label_vectors([label_text(1, "pin")], WORDS.encode)
    assert vector == pytest.approx([0, 0, 0, 1])


def test_a_text_that_two_labels_share_is_encoded_once():
    words = Words("card lost")
    label_vectors([label_text(1, "card", "lost"), label_text(2, "lost", "card")], words.encode)
    assert sorted(words.encoded) == ["card", "lost"]


@pytest.mark.parametrize("labels", [[], [label_text(1, " ")]], ids=["no label", "no name"])
def test_label_vectors_need_labels_with_names(labels):
    with pytest.raises(ValueError, match="need labels"):
        label_vectors(labels, WORDS.encode)


def test_the_nearest_label_comes_first():
    rows, similarities = ExactIndex(np.eye(2, dtype=np.float32)).search(
        np.array([[0.6, 0.8]], dtype=np.float32), k=2
    )
    assert rows.tolist() == [[1, 0]]
    assert similarities[0] == pytest.approx([0.8, 0.6])


def test_no_more_labels_are_found_than_there_are():
    rows, _ = ExactIndex(np.eye(3, dtype=np.float32)).search(np.eye(3, dtype=np.float32), k=20)
    assert rows.shape == (3, 3)


@pytest.mark.parametrize("kind", [ExactIndex, FaissIndex])
def test_unnormalised_embeddings_are_refused(kind):
    with pytest.raises(ValueError, match="unit vectors"):
        kind(np.array([[3.0, 4.0]], dtype=np.float32))


def test_approximate_search_finds_what_exact_search_finds():
    generator = np.random.default_rng(1)
    labels = unit(generator.normal(size=(2_000, 32)).astype(np.float32))
    queries = unit(generator.normal(size=(50, 32)).astype(np.float32))
    exact, exact_similarities = ExactIndex(labels).search(queries, 5)
    found, similarities = FaissIndex(labels).search(queries, 5)
    assert (exact == found).mean() > 0.98
    assert similarities[:, 0] == pytest.approx(exact_similarities[:, 0], abs=1e-5)


def test_few_labels_are_searched_exactly():
    assert isinstance(index(np.eye(3, dtype=np.float32)), ExactIndex)


@given(
    arrays(
        np.float32, st.tuples(st.integers(1, 5), st.integers(1, 30)), elements=st.integers(0, 6)
    ),
    st.integers(1, 35),
)
def test_top_is_what_sorting_each_row_gives(scores, k):
    found = top(scores, k)
    for row, columns in zip(scores, found, strict=True):
        best = sorted(row.tolist(), reverse=True)[:k]
        assert row[columns].tolist() == best
        assert len(set(columns.tolist())) == len(best)
