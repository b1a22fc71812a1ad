import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.trainers.batches import LengthBatchSampler

pytestmark = pytest.mark.slow


class Texts(dict):
    """As much of a dataset as a sampler asks for."""

    def __len__(self):
        return len(self["text"])


def sampler(lengths, size=4, *, drop_last=False, seed=0):
    texts = Texts(text=["x" * length for length in lengths])
    return LengthBatchSampler(texts, batch_size=size, drop_last=drop_last, seed=seed)


@given(st.lists(st.integers(0, 200), max_size=60), st.integers(1, 9))
def test_every_document_comes_once_an_epoch(lengths, size):
    batches = list(sampler(lengths, size)) if lengths else []
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    assert not lengths or len(batches) == len(sampler(lengths, size))


def test_the_same_seed_and_epoch_give_the_same_batches():
    first, second = sampler(range(50)), sampler(range(50))
    for each in (first, second):
        each.set_epoch(3)
    assert list(first) == list(second)
    second.set_epoch(4)
    assert list(first) != list(second)


def test_documents_of_like_length_share_a_batch():
    batches = list(sampler([1, 100] * 30, size=10))
    assert all(len({row % 2 for row in batch}) == 1 for batch in batches)


def test_a_short_last_batch_can_be_dropped():
    assert (
        len(list(sampler(range(10), drop_last=True)))
        == 2
        == len(sampler(range(10), drop_last=True))
    )
