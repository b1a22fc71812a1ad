import numpy as np
import pytest

from inference.terms import SPACE, count_terms, frequencies, pack, unpack


def named(text):
    """The names of all terms of *text*."""
    return set(count_terms([text]).indices.tolist())


def test_words_and_pairs_of_neighbours_are_counted_without_regard_to_case():
    counts = count_terms(["Card lost card lost"])
    # card 2, lost 2, "card lost" 2, "lost card" 1
    assert sorted(counts.data.tolist()) == [1, 2, 2, 2]
    assert named("card LOST") < set(counts.indices.tolist())


def test_order_of_words_changes_the_pairs_alone():
    assert len(named("card lost") & named("lost card")) == 2


@pytest.mark.parametrize("text", ["", "?! a b", "\x00"])
def test_text_without_a_word_counts_nothing(text):
    assert count_terms([text]).nnz == 0


def test_no_text_at_all_gives_no_rows():
    assert count_terms([]).shape == (0, SPACE)
    assert unpack([]).shape == (0, SPACE)


def test_packed_counts_come_back_in_their_order():
    counts = count_terms(["card lost", "", "pin pin 卡片 ключ", "x " * 3])
    back = unpack(pack(counts))
    assert back.shape == counts.shape
    assert (back != counts).nnz == 0
    assert back.dtype == np.float32


def test_counts_beyond_sixteen_bits_stay_at_their_most():
    assert unpack(pack(count_terms(["pin " * 70_000]))).data.max() == 65_535


def test_frequencies_count_documents_not_occurrences():
    terms, documents = frequencies(count_terms(["pin pin pin", "pin card"]))
    (pin,) = named("pin")
    assert documents[terms.tolist().index(pin)] == 2
    assert (np.diff(terms) > 0).all()
