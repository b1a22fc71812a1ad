import math

import pytest
import torch

from training.losses.hierarchical import HierarchicalMultiPositiveLoss

pytestmark = pytest.mark.slow


def flags(*rows):
    return torch.tensor(rows, dtype=torch.bool)


def none_like(positives):
    return torch.zeros_like(positives)


def slow_loss(
    documents,
    labels,
    positives,
    masked,
    *,
    scale,
    epsilon,
    distances=None,
    weights=None,
    emphasis=None,
):
    """The formula of the docstring, cell by cell."""
    total, trust = 0.0, 0.0
    for d, document in enumerate(documents):
        cosine = [float(torch.cosine_similarity(document, label, dim=0)) for label in labels]
        right = [p for p in range(len(labels)) if positives[d, p] and not masked[d, p]]
        wrong = [n for n in range(len(labels)) if not positives[d, n] and not masked[d, n]]
        if not right:
            continue
        pull = dict.fromkeys(wrong, 1.0)
        if distances is not None:
            pull = {n: 1 / (float(distances[d, n]) + epsilon) for n in wrong}
        if emphasis is not None:
            pull = {n: value * float(emphasis[d, n]) for n, value in pull.items()}
        if wrong:
            mean = sum(pull.values()) / len(wrong)
            pull = {n: value / mean for n, value in pull.items()}
        against = sum(pull[n] * math.exp(scale * cosine[n]) for n in wrong)
        losses = [
            -math.log(math.exp(scale * cosine[p]) / (math.exp(scale * cosine[p]) + against))
            for p in right
        ]
        weight = 1.0 if weights is None else float(weights[d])
        total += weight * sum(losses) / len(losses)
        trust += weight
    return total / trust


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(3)
    positives = torch.rand(6, 5, generator=generator) < 0.35
    masked = (torch.rand(6, 5, generator=generator) < 0.2) & ~positives
    return {
        "documents": torch.randn(6, 4, generator=generator),
        "labels": torch.randn(5, 4, generator=generator),
        "positives": positives,
        "masked": masked,
        "distances": torch.randint(0, 4, (6, 5), generator=generator).float(),
        "weights": torch.rand(6, generator=generator),
    }


def test_matches_a_value_worked_out_by_hand():
    documents = labels = torch.eye(2)
    positives = flags([1, 0], [0, 1])
    loss = HierarchicalMultiPositiveLoss(scale=1.0)(
        documents, labels, positives, none_like(positives)
    )

    assert loss.item() == pytest.approx(math.log(1 + math.e**-1))


def test_two_right_labels_do_not_push_each_other_away():
    document = torch.tensor([[1.0, 1.0, 0.0]])
    labels = torch.eye(3)
    positives = flags([1, 1, 0])
    loss = HierarchicalMultiPositiveLoss(scale=1.0)(
        document, labels, positives, none_like(positives)
    )

    # Each positive stands against the third label alone: log(1 + e^(0 - 1/√2)).
    assert loss.item() == pytest.approx(math.log(1 + math.exp(-1 / math.sqrt(2))), abs=1e-6)


def test_matches_a_slow_loop(batch):
    distances, weights = batch.pop("distances"), batch.pop("weights")
    plain = HierarchicalMultiPositiveLoss(scale=5.0)(**batch)
    full = HierarchicalMultiPositiveLoss(scale=5.0, epsilon=0.5)(
        **batch, distances=distances, weights=weights
    )

    assert plain.item() == pytest.approx(slow_loss(**batch, scale=5.0, epsilon=1), rel=1e-5)
    assert full.item() == pytest.approx(
        slow_loss(**batch, scale=5.0, epsilon=0.5, distances=distances, weights=weights), rel=1e-5
    )


def test_emphasis_with_and_without_distances_matches_a_slow_loop(batch):
    distances, _ = batch.pop("distances"), batch.pop("weights")
    emphasis = 1 + 2 * (torch.rand(6, 5, generator=torch.manual_seed(8)) < 0.4).float()
    loss = HierarchicalMultiPositiveLoss(scale=5.0)

    for more in ({}, {"distances": distances}):
        found = loss(**batch, **more, emphasis=emphasis)
        wanted = slow_loss(**batch, **more, scale=5.0, epsilon=1, emphasis=emphasis)
        assert found.item() == pytest.approx(wanted, rel=1e-5)


def test_a_masked_label_changes_nothing():
    documents, labels = torch.eye(2, 3), torch.eye(3)
    positives, masked = flags([1, 0, 0], [0, 1, 0]), flags([0, 0, 1], [0, 0, 1])
    loss = HierarchicalMultiPositiveLoss()

    with_overlap = loss(documents, labels, positives, masked)
    without = loss(documents, labels[:2], positives[:, :2], masked[:, :2])
    assert with_overlap.item() == pytest.approx(without.item())


def test_hierarchy_weights_push_a_sibling_harder_than_a_stranger():
    document = torch.tensor([[1.0, 0.0, 0.0]], requires_grad=True)
    labels = torch.tensor([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [0.6, 0.0, 0.8]])
    positives = flags([1, 0, 0])
    distances = torch.tensor([[0.0, 1.0, 4.0]])  # the second is a sibling

    HierarchicalMultiPositiveLoss()(
        document, labels, positives, none_like(positives), distances
    ).backward()
    # The descent step leaves the sibling's direction faster.
    assert document.grad[0, 1] > document.grad[0, 2] > 0


def test_equal_distances_weigh_nothing(batch):
    batch.pop("weights")
    even = torch.full_like(batch.pop("distances"), 2.0)
    loss = HierarchicalMultiPositiveLoss()

    assert loss(**batch, distances=even).item() == pytest.approx(loss(**batch).item(), rel=1e-6)


def test_a_document_without_right_label_counts_nothing():
    documents, labels = torch.eye(2), torch.eye(2)
    loss = HierarchicalMultiPositiveLoss()
    both = loss(documents, labels, flags([1, 0], [0, 0]), flags([0, 0], [0, 0]))
    alone = loss(documents[:1], labels, flags([1, 0]), flags([0, 0]))

    assert both.item() == pytest.approx(alone.item())


def test_gradient_is_finite_where_everything_is_masked():
    documents = torch.randn(2, 3, generator=torch.manual_seed(0)).requires_grad_()
    labels = torch.randn(2, 3)
    nothing = HierarchicalMultiPositiveLoss()(
        documents, labels, flags([1, 0], [0, 0]), flags([1, 1], [1, 1]), torch.ones(2, 2)
    )
    nothing.backward()

    assert nothing.item() == 0
    assert torch.isfinite(documents.grad).all()


@pytest.mark.parametrize("wrong", [{"scale": 0}, {"epsilon": -1}])
def test_senseless_parameters_are_refused(wrong):
    with pytest.raises(ValueError, match="must be positive"):
        HierarchicalMultiPositiveLoss(**wrong)
