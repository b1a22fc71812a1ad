import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.encode import PACKAGED, EncoderUnavailable, batches, load_encoder, load_model
from inference.engine import LOWEST_COSINE, choose, probe
from inference.retrieve import LabelVectorText, label_vectors
from inference.texts import prepare

BANKING = Path(__file__).parents[3] / "shared" / "data" / "banking77"
HOSTILE = ["", "\x00", "💳" * 900, "x" * 100_000, "> only\n> quotes", "שלום", "a\ud800b"]


@pytest.fixture(scope="module")
def encoder():
    return load_encoder(PACKAGED, "fp32")


@given(st.lists(st.integers(1, 300), max_size=60), st.integers(1, 1000))
def test_batches_hold_every_text_once_and_keep_to_the_budget(lengths, budget):
    groups = list(batches(lengths, budget))
    assert sorted(position for group in groups for position in group) == list(range(len(lengths)))
    for group in groups:
        assert len(group) == 1 or len(group) * max(lengths[row] for row in group) <= budget


def test_texts_of_like_length_stand_together():
    assert list(batches([9, 1, 8, 2], 18)) == [[1, 3], [2, 0]]


def test_an_unknown_engine_is_refused():
    with pytest.raises(ValueError, match="int8"):
        load_encoder(PACKAGED, "int8")


@pytest.mark.parametrize(
    ("fp32", "bf16", "cosine", "engine"),
    [
        (50, 200, 0.9999, "bf16"),
        (50, 40, 0.9999, "fp32"),
        (50, 200, LOWEST_COSINE - 1e-6, "fp32"),
    ],
    ids=["faster and the same", "slower", "faster but other vectors"],
)
def test_bf16_must_be_faster_and_say_the_same(fp32, bf16, cosine, engine):
    assert choose(fp32, bf16, cosine) == engine


@pytest.mark.slow
def test_a_folder_without_a_model_is_refused(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(EncoderUnavailable, match="cannot be loaded"):
        load_model(tmp_path)


@pytest.mark.slow
def test_vectors_are_unit_rows_in_the_order_of_the_texts(encoder):
    texts = ["card lost", "a much longer text about a card that was lost on a train", "pin"]
    vectors = encoder.encode(texts)
    assert (vectors.shape, vectors.dtype) == ((3, encoder.dim), np.float32)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    for text, vector in zip(texts, vectors, strict=True):
        assert encoder.encode([text])[0] == pytest.approx(vector, abs=1e-5)


@pytest.mark.slow
def test_vectors_are_those_of_sentence_transformers_itself(encoder):
    texts = ["My card was charged twice.", "Where is my refund?"]
    theirs = encoder.model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    assert encoder.encode(texts) == pytest.approx(theirs, abs=1e-5)


@pytest.mark.slow
def test_hostile_texts_are_encoded(encoder):
    vectors = encoder.encode([prepare("", text) for text in HOSTILE])
    assert np.isfinite(vectors).all()
    assert encoder.encode([]).shape == (0, encoder.dim)


@pytest.mark.slow
def test_the_probe_chooses_by_what_it_measured(encoder):
    found = probe(encoder)
    assert encoder.engine == "fp32"  # left as it was
    assert found.fp32 > 0
    if found.supported:
        assert found.engine == choose(found.fp32, found.bf16, found.cosine)
    else:
        assert (found.bf16, found.engine) == (None, "fp32")


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.skipif(not BANKING.is_dir(), reason="the public data sets are not beside the checkout")
def test_without_any_gold_three_of_four_banking_questions_get_their_label(encoder):
    labels = banking_labels()
    lines = (BANKING / "test.jsonl").read_text().splitlines()[::3]
    rows = [json.loads(line) for line in lines]
    documents = encoder.encode([prepare("", row["text"]) for row in rows])
    best = (documents @ label_vectors(labels, encoder.encode).T).argmax(axis=1)
    right = [labels[column].key in row["labels"] for column, row in zip(best, rows, strict=True)]
    assert np.mean(right) >= 0.75  # 76.2 % on all of it


def banking_labels():
    entries = json.loads((BANKING / "taxonomy.json").read_text())
    assignable = [entry for entry in entries if entry.get("assignable", True)]
    routed = {entry["id"]: [] for entry in entries}
    for entry in assignable:
        for exclusion in entry.get("exclusions", []):
            if found := re.fullmatch(r"Not for (.+); use (.+?)\.?", exclusion):
                routed[found[2]].append(found[1])
    return [
        LabelVectorText(
            row, entry["id"], entry["name"], entry["description"], tuple(routed[entry["id"]])
        )
        for row, entry in enumerate(assignable)
    ]
