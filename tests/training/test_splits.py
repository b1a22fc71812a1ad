import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training import splits
from training.splits import Split


def test_normalising_ignores_case_accents_and_punctuation():
    assert splits.normalise("  Où est ma CARTE ?!") == "ou est ma carte"


@given(st.lists(st.text(alphabet="ab é!", max_size=12), max_size=12))
def test_texts_alike_once_normalised_are_always_paired(texts):
    grouped = splits.groups(len(texts), splits.similar_pairs(texts))
    for first, second in itertools.combinations(range(len(texts)), 2):
        if splits.normalise(texts[first]) == splits.normalise(texts[second]):
            assert grouped[first] == grouped[second]


def test_every_pair_is_as_similar_as_a_slow_loop_finds():
    words = ["card", "charge", "refund", "account", "password", "transfer", "fee"]
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(words, 7)) for _ in range(40)]
    texts += [f"{text} please" for text in texts[:10]]
    sets = [splits.shingles(text) for text in texts]

    found = set(splits.similar_pairs(texts))
    wanted = {
        (first, second)
        for first, second in itertools.combinations(range(len(texts)), 2)
        if len(sets[first] & sets[second]) / len(sets[first] | sets[second]) >= splits.SIMILAR
    }
    assert found <= wanted
    assert {pair for pair in wanted if pair[1] - pair[0] == 40} <= found  # the edited copies


def test_close_vectors_are_paired_across_chunks(monkeypatch):
    monkeypatch.setattr(splits, "CHUNK", 2)
    angles = np.array([0.0, 1.0, 2.0, 0.05, 1.02])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)

    assert sorted(splits.close_pairs(vectors)) == [(0, 3), (1, 4)]


@given(st.lists(st.integers(0, 30), max_size=20))
def test_close_pairs_join_what_all_pairs_would(angles):
    turns = np.array(angles, dtype=np.float32).reshape(-1) / 10
    vectors = np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)
    near = np.argwhere(np.triu(vectors @ vectors.T >= splits.COSINE, 1)).tolist()

    found = splits.groups(len(vectors), splits.close_pairs(vectors))
    assert found.tolist() == splits.groups(len(vectors), near).tolist()


def test_many_copies_make_few_pairs():
    vectors = np.tile(np.array([[1.0, 0.0]], np.float32), (2000, 1))
    assert len(splits.close_pairs(vectors)) == 1999

    texts = [f"Your statement number {number} is ready." for number in range(200)]
    assert len(splits.similar_pairs(texts)) < 200 * splits.NEIGHBOURS


def test_a_chain_of_pairs_is_one_group_named_by_its_first():
    assert splits.groups(5, [(1, 2), (2, 4)]).tolist() == [0, 1, 1, 3, 1]


@given(st.sets(st.text(min_size=1, max_size=20), min_size=2, max_size=30), st.integers(0, 9))
def test_a_group_falls_into_one_split(texts, seed):
    texts = sorted(texts)
    grouped = splits.groups(len(texts), [(0, len(texts) - 1)])
    assigned = splits.assign(texts, grouped, seed=seed)

    assert assigned[0] == assigned[-1]


def test_shares_are_about_what_they_say():
    texts = [f"mail number {number}" for number in range(4000)]
    assigned = splits.assign(texts, np.arange(4000))

    assert assigned.count(Split.TEST) / 4000 == pytest.approx(0.2, abs=0.02)
    assert assigned.count(Split.VALIDATION) / 4000 == pytest.approx(0.1, abs=0.02)


def test_a_document_keeps_its_split_while_the_collection_grows():
    texts = [f"mail number {number}" for number in range(200)]
    before = splits.assign(texts, np.arange(200))
    more = [*texts, "mail number 7!", "something new"]
    after = splits.assign(more, splits.groups(len(more), [(7, 200)]))

    assert after[:200] == before
    assert after[200] == before[7]


def test_neighbours_of_one_name_are_joined_and_make_one_group():
    pairs = splits.joined([5, 6, 5, 7, 5])
    assert pairs == [(0, 2), (2, 4)]
    assert splits.groups(5, pairs).tolist() == [0, 1, 0, 3, 0]
