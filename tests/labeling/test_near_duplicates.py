import pytest

from labeling import near_duplicates

LETTER = (
    "Dear {}, we could not collect the fee of {} for your current account on {}. Please make sure "
    "that there is enough money on it within seven days, or call us."
)


def test_letters_from_one_template_stand_together_whatever_names_and_numbers_say():
    texts = [
        LETTER.format("Ms Ada Lovelace", "4.50 EUR", "3 May 2026"),
        "My card never arrived. Where is it?",
        LETTER.format("Mr Alan Turing", "12 EUR", "30 April 2026"),
        "MY CARD NEVER ARRIVED! Where is it???",
    ]

    assert near_duplicates.groups(texts) == [[0, 2], [1, 3]]


def test_the_same_words_in_another_order_are_another_text():
    assert near_duplicates.groups(["a b c d e f", "f e d c b a"]) == [[0], [1]]


def test_small_differences_do_not_chain_what_differs():
    letters = "abcdefghijklmnopqr"
    drifting = [" ".join(letters[n : n + 14]) for n in (0, 2, 4)]

    # Of 14 pairs each (the last with nothing), 11 of 17 are shared after two words, 9 of 19 after
    # four: 0.65 and 0.47.
    assert near_duplicates.groups(drifting) == [[0, 1], [2]]


@pytest.mark.parametrize("text", ["", "  \n", "12.5.2026", "!!!"])
def test_texts_without_words_are_like_none(text):
    assert near_duplicates.groups([text, text]) == [[0], [1]]


def test_one_word_is_like_itself():
    assert near_duplicates.groups(["Help!", "help", "Held"]) == [[0, 1], [2]]


def test_nothing_has_no_groups():
    assert near_duplicates.groups([]) == []


def test_shared_pairs_of_all_pairs():
    # card-lost, lost-abroad, abroad- and card-lost, lost-again, again-: one of five
    one, other = map(near_duplicates.word_pairs, ("card lost abroad", "card lost again"))

    assert near_duplicates.similarity(one, other) == pytest.approx(1 / 5)
