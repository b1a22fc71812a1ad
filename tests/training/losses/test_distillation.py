import pytest
import torch
from torch.nn import functional as F

from training.losses.distillation import DistillationLoss

pytestmark = pytest.mark.slow

COLUMNS = torch.tensor([[2, 0, 3], [1, 3, -1], [0, -1, -1], [-1, -1, -1]])
SAID = torch.tensor([[2.0, 1.0, -1.0], [0.5, 0.5, 9.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])


def test_matches_the_divergence_of_the_library_document_by_document():
    generator = torch.Generator().manual_seed(2)
    documents, labels = (torch.randn(4, 5, generator=generator) for _ in range(2))
    wanted = 0.0
    for row, size in ((0, 3), (1, 2)):  # the others have no two candidates to tell apart
        places = COLUMNS[row, :size]
        cosines = torch.cosine_similarity(documents[row : row + 1], labels[places])
        teacher = SAID[row, :size].log_softmax(0)
        wanted += F.kl_div((4 * cosines).log_softmax(0), teacher, log_target=True, reduction="sum")
    found = DistillationLoss(scale=4.0)(documents, labels, COLUMNS, SAID)
    assert found.item() == pytest.approx(wanted.item() / 2, rel=1e-5)


def test_an_encoder_that_thinks_the_same_learns_nothing_and_another_follows():
    labels = torch.eye(3)
    columns = torch.tensor([[0, 1]])
    alike = torch.tensor([[1.0, 1.0, 0.0]], requires_grad=True)
    loss = DistillationLoss()(alike, labels, columns, torch.tensor([[7.0, 7.0]]))
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-6)
    assert alike.grad.abs().max() < 1e-6

    other = alike.detach().requires_grad_()
    DistillationLoss()(other, labels, columns, torch.tensor([[5.0, 0.0]])).backward()
    assert other.grad[0, 0] < 0 < other.grad[0, 1]  # descent draws it to what is thought likelier


def test_documents_without_candidates_count_nothing_and_leave_gradients_finite():
    documents = torch.randn(2, 4, generator=torch.manual_seed(0)).requires_grad_()
    loss = DistillationLoss()(documents, torch.eye(4), COLUMNS[2:], SAID[2:])
    loss.backward()
    assert loss.item() == 0
    assert torch.isfinite(documents.grad).all()


@pytest.mark.parametrize("scale", [0, -1])
def test_a_scale_that_is_not_positive_is_refused(scale):
    with pytest.raises(ValueError, match="must be positive"):
        DistillationLoss(scale)
