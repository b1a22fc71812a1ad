import pytest
import torch

from inference.encode import load_model
from tests.training.small import TOPICS, text_of
from training.trainers.adapt import adapt, guesser_of

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

TEXTS = [text_of(topic, number) for topic in TOPICS for number in range(30)]


class Watching:
    """Keeps the losses it hears of."""

    def __init__(self):
        self.losses, self.steps = [], []

    def stepped(self, step, steps):
        self.steps.append((step, steps))

    def logged(self, loss):
        self.losses.append(loss)

    def evaluated(self, step, epoch, metrics):
        raise AssertionError("nothing is evaluated")


def adapted(encoder, folder, *, epochs=1, texts=TEXTS):
    model, watch = load_model(encoder), Watching()
    adapt(
        model,
        texts,
        epochs=epochs,
        batch=8,
        engine="fp32",
        seed=0,
        folder=folder,
        watch=watch,
    )
    return model, watch


def weights_of(model):
    return torch.cat([each.detach().flatten() for each in model.parameters()])


def test_the_encoder_itself_is_trained_and_guesses_better(small_encoder, tmp_path):
    before = weights_of(load_model(small_encoder))
    model, watch = adapted(small_encoder, tmp_path, epochs=6)
    assert not torch.equal(weights_of(model), before)
    assert watch.losses[-1] < watch.losses[0]
    assert watch.steps[-1] == (90, 90)
    assert len(model.encode(["lost card"])[0]) == 32


def test_the_same_texts_and_seed_give_the_same_encoder(small_encoder, tmp_path):
    first, _ = adapted(small_encoder, tmp_path / "one")
    second, _ = adapted(small_encoder, tmp_path / "two")
    assert torch.equal(weights_of(first), weights_of(second))


def test_it_goes_on_from_a_checkpoint(small_encoder, tmp_path):
    adapted(small_encoder, tmp_path, epochs=1)
    _, watch = adapted(small_encoder, tmp_path, epochs=2)
    assert watch.steps[0] == (16, 30)


def test_words_are_guessed_with_the_encoders_own_weights(small_encoder):
    transformer = load_model(small_encoder)[0].auto_model
    guesser = guesser_of(transformer)
    words = transformer.embeddings.word_embeddings.weight
    assert guesser.get_output_embeddings().weight is words
    assert getattr(guesser, guesser.base_model_prefix) is transformer


def test_without_texts_there_is_nothing_to_adapt_to(small_encoder, tmp_path):
    with pytest.raises(ValueError, match="no texts"):
        adapted(small_encoder, tmp_path, texts=[])
