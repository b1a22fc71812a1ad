"""What a step does with its gradients; whole trainings are in test_stages and test_runs."""

import pytest
import torch

from training.trainers.fine_tune import make_whole, renewed_in
from training.trainers.recipes import Recipe

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def test_words_learn_the_same_whether_or_not_their_gradients_are_kept_apart():
    """Two parts of a step share a word; the padding, word 0, learns nothing."""
    parts = [torch.tensor([[1, 2, 0], [2, 4, 4]]), torch.tensor([[2, 3, 0]])]
    torch.manual_seed(0)
    whole = torch.nn.Embedding(6, 3, padding_idx=0)
    apart = torch.nn.Embedding(6, 3, padding_idx=0, sparse=True)
    apart.load_state_dict(whole.state_dict())
    for words in (whole, apart):
        sum((words(part) ** 3).sum() for part in parts).backward()
    assert apart.weight.grad.is_sparse
    make_whole([*apart.parameters(), torch.nn.Parameter(torch.zeros(2))])
    assert not apart.weight.grad.is_sparse
    torch.testing.assert_close(apart.weight.grad, whole.weight.grad)
    assert apart.weight.grad[[0, 5]].eq(0).all()


@pytest.mark.parametrize(
    ("documents", "labels", "renewed"),
    [
        (539, 77, 16),  # 51 steps: sixteen in each embed a label ten times
        (2_200, 77, 15),  # 207 steps: forty times 77
        (6_970, 77, 8),  # 654 steps: five would do, a tenth is eight
        (100_000, 3, 1),
        (500_000, 5_000, 16),
        (1, 1, 1),
    ],
)
def test_labels_are_embedded_often_enough_and_no_oftener(documents, labels, renewed):
    recipe = Recipe(renewed=16, epochs=3, batch=32)
    if documents == 1:
        recipe = Recipe(renewed=1, epochs=1, batch=2)
    assert renewed_in(recipe, documents=documents, labels=labels) == renewed
