import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inference.retrieve import LabelVectorText, label_vectors
from training.trainers.label_side import LabelSide

pytestmark = pytest.mark.slow

LABELS = [
    LabelVectorText(1, "refund", "Refund", "Money back", ("paid twice", "changed my mind")),
    LabelVectorText(2, "card", "Card", "", ()),
    LabelVectorText(3, "fee", "Fee", "A charge for a service", ("paid twice",)),
    LabelVectorText(4, "loan", "Loan", "Borrowed money", ()),
]


class Table(torch.nn.Module):
    """An embedding per text: an encoder whose gradient is easy to see."""

    def __init__(self, texts):
        super().__init__()
        self.places = {text: place for place, text in enumerate(texts)}
        weights = torch.randn(len(texts), 5, generator=torch.Generator().manual_seed(1))
        self.vectors = torch.nn.Parameter(weights)
        self.asked = []

    def forward(self, texts):
        self.asked.append(list(texts))
        return self.vectors[[self.places[text] for text in texts]]


@pytest.fixture
def side():
    return LabelSide(LABELS)


@pytest.fixture
def table(side):
    return Table(side.texts)


def at_inference(table):
    def encode(texts):
        vectors = table(texts).detach().numpy()
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    return label_vectors(LABELS, encode)


def test_training_sees_the_label_vectors_of_inference(side, table):
    composed = side.fill(table).numpy()
    assert composed == pytest.approx(at_inference(table), abs=1e-6)


def test_a_step_takes_all_labels_and_renews_a_few(side, table):
    side.fill(table)
    with torch.no_grad():
        table.vectors += 0.5
    stale, fresh = side.memory.numpy().copy(), at_inference(table)
    vectors = side.vectors(torch.tensor([0, 3]), table).detach().numpy()

    assert vectors[[0, 3]] == pytest.approx(fresh[[0, 3]], abs=1e-6)
    assert vectors[[1, 2]] == pytest.approx(stale[[1, 2]], abs=1e-6)


def test_only_texts_of_renewed_labels_are_embedded_and_taught(side, table):
    side.fill(table)
    table.asked.clear()
    side.vectors(torch.tensor([3]), table).sum().backward()

    assert table.asked == [["Loan", "Borrowed money"]]
    taught = table.vectors.grad.abs().sum(dim=1) > 0
    assert {side.texts[place] for place in taught.nonzero().flatten()} == {"Loan", "Borrowed money"}


def test_renewed_labels_are_remembered_without_gradient(side, table):
    vectors = side.vectors(torch.tensor([1]), table)
    assert not side.memory.requires_grad
    assert torch.equal(side.memory, vectors.detach())


def test_every_label_is_renewed_within_a_few_steps(side, table):
    generator = torch.Generator().manual_seed(0)
    seen = set()
    for _ in range(4):
        renew = side.choose(torch.tensor([2]), 2, generator)
        seen |= set(renew.tolist())
        side.vectors(renew, table)
    assert seen == {0, 1, 2, 3}


@given(st.lists(st.integers(0, 3), max_size=6), st.integers(1, 6), st.integers(0, 99))
def test_never_more_labels_are_renewed_than_asked_for(right, count, seed):
    chosen = LabelSide(LABELS).choose(
        torch.tensor(right, dtype=torch.long), count, torch.Generator().manual_seed(seed)
    )
    assert 1 <= len(chosen) <= count
    assert len(set(chosen.tolist())) == len(chosen)


def test_a_label_without_any_text_is_refused():
    with pytest.raises(ValueError, match="need labels"):
        LabelSide([LabelVectorText(1, "x", " ")])
