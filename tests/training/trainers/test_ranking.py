from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from inference.encode import load_model
from inference.retrieve import LabelVectorText
from tests.training.small import TOPICS, text_of
from training.examples import Examples, Opinions, relations
from training.losses.hierarchical import HierarchicalMultiPositiveLoss
from training.trainers.label_side import LabelSide
from training.trainers.ranking import LabelRanking

pytestmark = pytest.mark.slow

LABELS = [LabelVectorText(number, name, name) for number, name in enumerate("abc")]


class Letters(torch.nn.Module):
    """Embeds a one-letter text as a learnt row."""

    device = torch.device("cpu")

    def __init__(self):
        super().__init__()
        self.rows = torch.nn.Parameter(torch.eye(5) + 0.1)

    def preprocess(self, texts):
        return {"input_ids": torch.tensor(["abcxy".index(text) for text in texts])}

    def forward(self, features):
        return {"sentence_embedding": self.rows[features["input_ids"]]}


def examples(targets):
    targets = np.array(targets, dtype=bool)
    return Examples(
        ids=np.arange(len(targets)),
        texts=("x",) * len(targets),
        targets=targets,
        splits=np.full(len(targets), "train"),
        weights=np.ones(len(targets), np.float32),
        threads=np.arange(len(targets)),
    )


def ranking(targets, *, overlaps=None, **options):
    model = Letters()
    return model, LabelRanking(
        model,
        LabelSide(LABELS),
        examples(targets),
        relations([0, 1, 2], {0: 9, 1: 9, 2: 8, 9: None, 8: None}, overlaps or {}),
        loss=HierarchicalMultiPositiveLoss(scale=5.0),
        renewed=3,
        **options,
    )


def loss_of(ranked, texts, rows):
    features = ranked.model.preprocess(texts)
    return ranked([features], torch.tensor(rows))


def test_the_label_column_carries_rows_of_the_examples():
    model, ranked = ranking([[1, 0, 0], [0, 1, 0]])
    unit = F.normalize(model.rows, dim=-1)
    logits = 5 * unit[[4, 3]] @ unit[:3].T
    wanted = F.cross_entropy(logits, torch.tensor([1, 0]))

    assert loss_of(ranked, ["y", "x"], [1, 0])["labels"].item() == pytest.approx(wanted.item())


def test_a_label_that_overlaps_the_right_one_is_no_negative():
    model, plain = ranking([[1, 0, 0]])
    _, masked = ranking([[1, 0, 0]], overlaps={0: frozenset({1})})
    unit = F.normalize(model.rows, dim=-1)
    wanted = F.cross_entropy(5 * unit[[3]] @ unit[[0, 2]].T, torch.tensor([0]))

    found = loss_of(masked, ["x"], [0])["labels"]
    assert found.item() == pytest.approx(wanted.item())
    assert found < loss_of(plain, ["x"], [0])["labels"]


def test_documents_that_share_a_label_attract_each_other():
    model, ranked = ranking([[1, 0, 0], [1, 0, 0], [0, 1, 0]], document_weight=0.5)
    parts = loss_of(ranked, ["x", "y", "a"], [0, 1, 2])
    unit = F.normalize(model.rows, dim=-1)
    first, second, third = unit[3], unit[4], unit[0]
    near = 5 * first @ second
    slow = (F.softplus(5 * first @ third - near) + F.softplus(5 * second @ third - near)) / 2

    assert parts["documents"].item() == pytest.approx(0.5 * slow.item(), rel=1e-5)


def test_a_document_that_fits_nothing_is_nobodys_negative():
    _, ranked = ranking([[1, 0, 0], [1, 0, 0], [0, 0, 0]], document_weight=1.0)
    assert loss_of(ranked, ["x", "y", "a"], [0, 1, 2])["documents"].item() == 0


def test_hierarchy_counts_the_distance_to_the_nearest_right_label():
    _, ranked = ranking([[1, 0, 0], [0, 1, 1]], hierarchy=True)
    # b is a's sibling, c their cousin; for a document that is b and c, a is next to b.
    assert ranked._distances(ranked.targets).tolist() == [[0, 1, 2], [1, 0, 0]]
    assert torch.isfinite(loss_of(ranked, ["x", "y"], [0, 1])["labels"])


def test_a_hard_negative_is_pushed_harder_and_only_for_its_document():
    hard = np.array([[False, True, False], [False, False, False]])
    model, ranked = ranking([[1, 0, 0], [1, 0, 0]], hard=hard)
    unit = F.normalize(model.rows, dim=-1)
    logits = 5 * unit[[3, 3]] @ unit[:3].T
    hardened = logits + torch.tensor([[0, 1.5, 0.5], [1, 1, 1]]).clamp(min=1e-9).log()
    hardened[:, 0] = logits[:, 0]  # 3 and 1 scaled to a mean of 1; the right label as it is
    wanted = F.cross_entropy(hardened, torch.tensor([0, 0]))
    found = loss_of(ranked, ["x", "x"], [0, 1])["labels"]
    assert found.item() == pytest.approx(wanted.item(), rel=1e-5)


def test_embedding_in_batches_of_like_length_keeps_the_order():
    model, ranked = ranking([[1, 0, 0]])
    texts = list("cabxy" * 20)
    assert torch.equal(ranked.embed(texts), model(model.preprocess(texts))["sentence_embedding"])


def test_what_a_cross_encoder_thinks_draws_documents_without_a_label():
    thought = Opinions(np.array([[0, 2]]), np.array([[3.0, 0.0]], dtype=np.float32))
    model, ranked = ranking([[0, 0, 0]], opinions=thought, heed=2.0)
    parts = loss_of(ranked, ["x"], [0])
    unit = F.normalize(model.rows, dim=-1)
    student = (5 * unit[[3]] @ unit[[0, 2]].T).log_softmax(1)
    teacher = torch.tensor([[3.0, 0.0]]).log_softmax(1)
    wanted = F.kl_div(student, teacher, log_target=True, reduction="sum")

    assert parts["labels"].item() == 0
    assert parts["opinions"].item() == pytest.approx(2 * wanted.item())


def step_of(model, some, monkeypatch, *, held):
    """Return the gradient of a step, and how many numbers it held for the way back."""
    monkeypatch.setattr("training.trainers.ranking.HELD", held)
    labels = [LabelVectorText(number, name, name) for number, name in enumerate(TOPICS)]
    ranked = LabelRanking(
        model,
        LabelSide(labels),
        some,
        relations(range(4), dict.fromkeys(range(4)), {}),
        loss=HierarchicalMultiPositiveLoss(),
        document_weight=0.5,
    )
    held = 0

    def hold(tensor):
        nonlocal held
        held += tensor.numel()
        return tensor

    torch.manual_seed(7)  # of dropout
    model.train().zero_grad()
    with torch.autograd.graph.saved_tensors_hooks(hold, lambda tensor: tensor):
        loss = sum(loss_of(ranked, list(some.texts), range(len(some))).values())
    loss.backward()
    return torch.cat(
        [each.grad.flatten() for each in model.parameters() if each.grad is not None]
    ), held


def test_a_batch_of_any_size_has_the_same_gradient_and_holds_little(small_encoder, monkeypatch):
    some = examples(np.eye(4, dtype=bool)[np.arange(256) % 4])
    texts = [text_of(list(TOPICS)[number % 4], number) for number in range(256)]
    some = replace(some, texts=tuple(texts))
    model = load_model(small_encoder)
    whole, much = step_of(model, some, monkeypatch, held=10_000)
    parts, little = step_of(model, some, monkeypatch, held=128)

    assert whole.abs().max() > 0
    torch.testing.assert_close(parts, whole, rtol=1e-4, atol=1e-6)
    assert little < much / 10
