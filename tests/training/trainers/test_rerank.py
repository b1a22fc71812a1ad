import numpy as np
import pytest

from inference.cross_encode import CrossEncoder, load_model
from tests.training.small import TOPICS, text_of
from tests.training.trainers.test_adapt import Watching
from training.trainers import rerank
from training.trainers.rerank import Lists

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

CARDS = [f"{name}. {description} {words}" for name, (description, words) in TOPICS.items()]


def lists(count=40):
    right = np.arange(count) % len(TOPICS)
    names = list(TOPICS)
    columns = list((right[:, None] + np.arange(3)) % len(TOPICS))  # the right label first
    shares = [np.array([1, 0, 0], dtype=np.float32)] * count
    texts = [text_of(names[topic], number) for number, topic in enumerate(right)]
    return Lists(texts, columns, shares, CARDS)


def taught(encoder, folder, some, epochs=1):
    model, watch = load_model(encoder), Watching()
    rerank.teach(model, some, epochs=epochs, engine="fp32", seed=0, folder=folder, watch=watch)
    return model, watch


def test_the_loss_falls_and_the_right_label_wins(small_encoder, tmp_path, monkeypatch):
    """Two thin layers learn no more than that one card is always right."""
    monkeypatch.setattr(rerank, "RATE", 2e-3)
    some = lists()
    for row in some.columns:
        row[:] = [2, 0, 1]
    model, watch = taught(small_encoder, tmp_path, some, epochs=6)
    pairs = [
        (text, CARDS[column])
        for text, row in zip(some.texts, some.columns, strict=True)
        for column in row
    ]
    scores = CrossEncoder(model, "").score(pairs).reshape(-1, 3)
    assert (scores.argmax(axis=1) == 0).mean() > 0.8
    assert watch.losses[-1] < watch.losses[0] < 1.2  # ln 3 while it knows nothing
    assert watch.steps[-1][0] == watch.steps[-1][1]


def test_with_several_labels_each_candidate_is_right_or_wrong_on_its_own(
    small_encoder, tmp_path, monkeypatch
):
    """The first card is always right and the second never; every other list is of one label."""
    monkeypatch.setattr(rerank, "RATE", 2e-3)
    some = lists()
    choices = [[0, 1], [0], [0, 1], [1]]
    columns = [np.array(choices[place % 4]) for place in range(len(some))]
    shares = [(row == 0).astype(np.float32) for row in columns]
    several = Lists(some.texts, columns, shares, CARDS, multi=True)
    model, watch = taught(small_encoder, tmp_path, several, epochs=24)
    pairs = [(text, card) for text in some.texts for card in CARDS[:2]]
    scores = CrossEncoder(model, "").score(pairs).reshape(-1, 2)
    assert (scores[:, 0] > 0).mean() > 0.9
    assert (scores[:, 1] < 0).mean() > 0.9
    assert watch.losses[-1] < watch.losses[0] < 1  # ln 2 while it knows nothing
    assert watch.steps[-1] == (24 * 2, 24 * 2)  # 60 pairs, thirty-two at a time


def test_training_goes_on_from_its_last_checkpoint(small_encoder, tmp_path):
    taught(small_encoder, tmp_path, lists(), epochs=1)
    _, watch = taught(small_encoder, tmp_path, lists(), epochs=2)
    steps = -(-40 // (rerank.PAIRS // 3))
    assert watch.steps[0][0] == steps + 1


def test_lists_of_different_lengths_are_learnt_from(small_encoder, tmp_path):
    some = lists(8)
    columns = [row[: 2 + place % 2] for place, row in enumerate(some.columns)]
    shares = [np.eye(1, len(row), dtype=np.float32)[0] for row in columns]
    _, watch = taught(small_encoder, tmp_path, Lists(some.texts, columns, shares, CARDS))
    assert np.isfinite(watch.losses).all()


def test_a_model_of_several_outputs_is_refused_with_its_folder(small_encoder, tmp_path):
    from sentence_transformers import CrossEncoder as Library

    from inference.weights import EncoderUnavailable

    Library(str(small_encoder), num_labels=3).save_pretrained(str(tmp_path / "three"))
    with pytest.raises(EncoderUnavailable, match="three"):
        load_model(tmp_path / "three")


def test_nothing_to_learn_from_is_refused(small_encoder, tmp_path):
    with pytest.raises(ValueError, match="no documents"):
        taught(small_encoder, tmp_path, lists(0))


def test_pairs_longer_than_the_model_reads_are_cut(small_encoder):
    reader = CrossEncoder(load_model(small_encoder), "")
    assert reader.score([("word " * 900, "card " * 900)]).shape == (1,)
    assert reader.score([]).shape == (0,)
