import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.sampling import STRATEGIES, choose, margin_kmeans, nearest_each


def groups(count, of_each, seed=0):
    """Unit vectors in tight groups around orthogonal directions; (documents, groups)."""
    rng = np.random.default_rng(seed)
    rows = np.repeat(np.eye(count), of_each, axis=0) + 0.01 * rng.normal(
        size=(count * of_each, count)
    )
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_takes_one_document_of_each_group():
    vectors = groups(6, of_each=30)
    chosen = margin_kmeans(vectors, np.full(180, 0.5), 6, seed=0)
    assert sorted(chosen // 30) == [0, 1, 2, 3, 4, 5]


def test_far_from_a_close_call_is_never_chosen():
    vectors = groups(4, of_each=30)
    margins = np.full(120, 0.1)
    margins[::2] = 0.9
    chosen = margin_kmeans(vectors, margins, 10, seed=0, factor=1, least=60)
    assert (margins[chosen] == 0.1).all()


def test_closest_calls_come_first():
    margins = np.linspace(1, 0, 100)
    chosen = margin_kmeans(groups(5, of_each=20), margins, 10, seed=0)
    assert (np.diff(margins[chosen]) >= 0).all()


def test_same_seed_chooses_the_same():
    vectors, margins = groups(5, of_each=40), np.random.default_rng(1).random(200)
    first, second = (margin_kmeans(vectors, margins, 20, seed=7) for _ in range(2))
    assert first.tolist() == second.tolist()


def test_copies_of_one_document_are_no_trouble():
    same = np.ones((50, 4), np.float32) / 2
    assert len(set(margin_kmeans(same, np.zeros(50), 10, seed=0).tolist())) == 10


@settings(max_examples=25)
@given(documents=st.integers(0, 60), n=st.integers(0, 20), strategy=st.sampled_from(STRATEGIES))
def test_every_strategy_chooses_as_many_different_documents_as_there_are(documents, n, strategy):
    rng = np.random.default_rng(documents)
    vectors = rng.normal(size=(documents, 3)).astype(np.float32)
    chosen = choose(strategy, vectors, rng.random(documents), n, seed=0)
    assert len(set(chosen.tolist())) == len(chosen) == min(n, documents)


def test_no_document_is_nearest_to_two_centres():
    distances = np.array([[0.1, 0.2], [0.5, 0.6], [0.9, 0.9]])
    assert nearest_each(distances).tolist() == [0, 1]


def test_unknown_strategy_is_refused():
    with pytest.raises(ValueError, match="no strategy"):
        choose("guess", np.eye(2), np.ones(2), 1, seed=0)
