import numpy as np
import pytest

from inference.head import Head
from inference.retrieve import unit


def random_head(generator, labels=3, dim=5):
    return Head(
        generator.normal(size=(labels, dim)).astype(np.float32),
        generator.normal(size=labels).astype(np.float32),
    )


def test_an_untaught_head_scales_the_cosine():
    head = Head.zero(2, 2)
    [logits] = head.logits(np.array([[0.6, 0.8]], np.float32), np.eye(2, dtype=np.float32))
    assert logits == pytest.approx([12, 16])


def test_logits_are_what_the_formula_says_label_by_label():
    generator = np.random.default_rng(0)
    head = random_head(generator)
    labels = unit(generator.normal(size=(3, 5)).astype(np.float32))
    documents = unit(generator.normal(size=(4, 5)).astype(np.float32))
    logits = head.logits(documents, labels)
    for d, z in enumerate(documents):
        for c, e in enumerate(labels):
            slow = 20 * sum(z[i] * (e[i] + head.delta[c, i]) for i in range(5)) + head.bias[c]
            assert logits[d, c] == pytest.approx(slow, abs=1e-4)


def test_a_label_about_which_nothing_is_known_leaves_the_others_alone():
    generator = np.random.default_rng(0)
    head = random_head(generator)
    grown = Head(np.vstack([head.delta, np.zeros((1, 5))]), np.append(head.bias, 0))
    labels = unit(generator.normal(size=(4, 5)).astype(np.float32))
    documents = unit(generator.normal(size=(2, 5)).astype(np.float32))
    logits = grown.logits(documents, labels)
    assert logits[:, :3] == pytest.approx(head.logits(documents, labels[:3]), abs=1e-5)
    assert logits[:, 3] == pytest.approx(20 * documents @ labels[3], abs=1e-5)


def test_delta_and_bias_of_different_labels_are_refused():
    with pytest.raises(ValueError, match="do not match"):
        Head(np.zeros((2, 3), np.float32), np.zeros(3, np.float32))


def test_label_vectors_of_other_labels_are_refused():
    with pytest.raises(ValueError, match="label vectors"):
        Head.zero(2, 3).logits(np.zeros((1, 3), np.float32), np.zeros((3, 3), np.float32))
