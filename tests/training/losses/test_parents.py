import math

import pytest
import torch

from training.losses.parents import ParentLoss

pytestmark = pytest.mark.slow

PAIRS = torch.tensor([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]], dtype=torch.bool)


def slow_loss(documents, labels, positives, siblings, *, scale, weights):
    """The formula of the docstring, cell by cell."""
    total, trust = 0.0, 0.0
    for document, right, weight in zip(documents, positives, weights, strict=True):
        if not right.any():
            continue
        scores = [
            math.exp(scale * float(torch.cosine_similarity(document, label, dim=0)))
            for label in labels
        ]
        family = {
            label
            for label in range(len(labels))
            if any(siblings[label, other] for other in range(len(labels)) if right[other])
        }
        chance = sum(scores[label] for label in family) / sum(scores)
        total -= float(weight) * math.log(chance)
        trust += float(weight)
    return total / trust


def test_matches_a_slow_loop():
    generator = torch.Generator().manual_seed(2)
    documents, labels = (torch.randn(n, 5, generator=generator) for n in (7, 4))
    positives = torch.rand(7, 4, generator=generator) < 0.3
    weights = torch.rand(7, generator=generator)
    found = ParentLoss(scale=4.0)(documents, labels, positives, PAIRS, weights)
    wanted = slow_loss(documents, labels, positives, PAIRS, scale=4.0, weights=weights)
    assert found.item() == pytest.approx(wanted, rel=1e-5)


def test_taking_a_sibling_for_the_right_label_costs_nothing():
    labels = torch.eye(4)
    right = torch.tensor([[True, False, False, False]])
    loss = ParentLoss()
    sibling, cousin = (
        loss(labels[1:2], labels, right, PAIRS),
        loss(labels[2:3], labels, right, PAIRS),
    )
    assert sibling.item() == pytest.approx(0, abs=1e-6)
    assert cousin > 10


def test_documents_without_right_label_count_nothing_and_leave_gradients_finite():
    documents = torch.randn(2, 4, generator=torch.manual_seed(0)).requires_grad_()
    nothing = torch.zeros(2, 4, dtype=torch.bool)
    loss = ParentLoss()(documents, torch.eye(4), nothing, PAIRS)
    loss.backward()
    assert loss.item() == 0
    assert torch.isfinite(documents.grad).all()


@pytest.mark.parametrize("scale", [0, -1])
def test_a_scale_that_is_not_positive_is_refused(scale):
    with pytest.raises(ValueError, match="must be positive"):
        ParentLoss(scale)
