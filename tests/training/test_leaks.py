import numpy as np

from training import leaks

TRAINING = [
    "Where is my card?",
    "I was charged twice for the same coffee yesterday morning in the station",
    "Please close the account",
]


def test_each_leak_counts_once_under_its_plainest_reason():
    held_out = [
        "Where is my card?",
        "WHERE is my card",
        "I was charged twice for the same coffee yesterday morning in the stations",
        "Nothing like it at all",
    ]
    found = leaks.find(held_out, TRAINING)

    assert (found.exact, found.normalised, found.similar, found.close) == (1, 1, 1, None)
    assert found.total == 3
    assert found.checked == 4


def test_evidence_names_the_training_text():
    found = leaks.find(["something else", "please close the ACCOUNT!"], TRAINING)
    assert found.pairs == ((1, 2),)


def test_a_copy_of_a_leaking_text_leaks_too():
    near = TRAINING[1] + "s"
    assert leaks.find([near, near], TRAINING).similar == 2


def test_texts_close_in_meaning_leak():
    held_out, training = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[0.99, 0.141]])
    found = leaks.find(
        ["abc def", "ghi jkl"],
        ["mno pqr"],
        (held_out.astype(np.float32), training.astype(np.float32)),
    )
    assert found.close == 1


def test_nothing_leaks_from_nothing():
    empty = np.empty((0, 2), np.float32)
    assert leaks.find([], [], (empty, empty)).total == 0
    assert leaks.find(["a text"], [], (np.ones((1, 2), np.float32), empty)).total == 0
