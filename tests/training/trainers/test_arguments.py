import pytest
from transformers import TrainingArguments

from training.trainers.arguments import arguments, on_one_device

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def test_a_training_uses_one_device_however_many_there_are(tmp_path):
    made = arguments(
        TrainingArguments,
        folder=tmp_path,
        epochs=2,
        batch=8,
        rate=1e-4,
        engine="fp32",
        seed=3,
        save_strategy="epoch",
    )
    assert (made.train_batch_size, made.seed, made.save_strategy) == (8, 3, "epoch")
    made._n_gpu = 4  # as the trainer finds it on a machine with four
    assert on_one_device(made).train_batch_size == 8
