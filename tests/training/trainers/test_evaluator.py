import math

import numpy as np
import pytest

from training.trainers.evaluator import hits

pytestmark = pytest.mark.slow


def test_a_hit_is_any_right_label_among_the_most_similar():
    similarities = np.array([[0.9, 0.5, 0.1], [0.1, 0.2, 0.3]], dtype=np.float32)
    targets = np.array([[0, 1, 0], [0, 0, 1]], dtype=bool)

    assert hits(similarities, targets, 1) == 0.5
    assert hits(similarities, targets, 2) == 1


def test_hits_of_nothing_are_unmeasured():
    assert math.isnan(hits(np.empty((0, 3), np.float32), np.empty((0, 3), bool), 5))


@pytest.mark.filterwarnings("ignore")
def test_the_choice_is_hit_at_5_and_of_equals_hit_at_1(small_encoder):
    from inference.encode import load_model
    from inference.retrieve import LabelVectorText
    from training.examples import Examples
    from training.trainers.evaluator import HitEvaluator

    labels = [LabelVectorText(place, name, name) for place, name in enumerate(["card", "refund"])]
    found = HitEvaluator(
        Examples(
            ids=np.arange(3),
            texts=("card", "refund", "window"),
            targets=np.array([[1, 0], [0, 1], [0, 0]], dtype=bool),
            splits=np.full(3, "validation"),
            weights=np.ones(3, np.float32),
            threads=np.arange(3),
        ),
        labels,
    )(load_model(small_encoder))

    assert found["hit_at_5"] == found["hit_at_1"] == 1  # the third fits nothing and is left out
    assert found["choice"] == pytest.approx(1 + 1 / 3)
    assert found["right_label_cosine"] == pytest.approx(1, abs=1e-5)
