import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.passages import LEAST, MOST, SHORT, cut, left_out, most_moving

TEXTS = st.text(st.sampled_from("ab .!?\n\t\u3002\xa0"), max_size=300)


def test_a_passage_is_a_sentence_or_a_line():
    sentences = ["My card did not arrive until now.", "I ordered it in May, really!"]
    line = "Please send one more, then"
    assert cut(f"{' '.join(sentences)}\n{line}") == [*sentences, line]


def test_what_is_short_goes_with_another_sentence_of_its_line_alone():
    assert cut("Hi! My card did not arrive until now. Why?\nThanks") == [
        "Hi! My card did not arrive until now. Why?",
        "Thanks",
    ]


def test_sentences_end_without_a_space_where_people_write_none():
    sentence = "\u5361" * SHORT + "\u3002"
    assert cut(sentence * 3) == [sentence] * 3


@pytest.mark.parametrize("text", ["", " \n\t ", "\n"])
def test_nothing_has_no_passages(text):
    assert cut(text) == []


@given(TEXTS)
def test_passages_stand_in_the_text_in_order_with_nothing_but_space_between(text):
    found = cut(text)
    at = 0
    for passage in found:
        place = text.index(passage, at)
        assert not text[at:place].strip()
        at = place + len(passage)
    assert len(found) == MOST or not text[at:].strip()
    assert not any("\n" in passage for passage in found)


def test_a_line_of_nothing_but_spaces_costs_nothing():
    spaces = " " * 2_000_000  # a minute and more, were each looked at from each
    assert cut(f"One passage, and then a long pause.\n{spaces}\nAnother passage, after it.") == [
        "One passage, and then a long pause.",
        "Another passage, after it.",
    ]


@given(TEXTS)
def test_each_is_left_out_and_nothing_else(text):
    words = re.findall(r"[ab]+", text)
    for passage, rest in zip(cut(text), left_out(text, cut(text)), strict=True):
        assert sum(map(len, re.findall(r"[ab]+", rest))) == sum(map(len, words)) - len(
            re.sub(r"[^ab]", "", passage)
        )


def test_the_second_of_two_like_passages_is_found_where_it_stands():
    line = "The very same sentence, twice."
    assert left_out(f"{line}\nIn between.\n{line} End", [line, line]) == [
        f"In between.\n{line} End",
        f"{line}\nIn between. End",
    ]


def test_that_without_which_least_is_left_moves_most():
    assert most_moving(0.5, np.array([0.5, 0.2, 0.45])) == 1


def test_nothing_stands_out_where_nothing_costs_much_or_there_is_but_one():
    assert most_moving(0.5, np.array([0.5 - LEAST / 2, 0.9])) is None
    assert most_moving(0.5, np.array([0.0])) is None
    assert most_moving(0.5, np.array([])) is None
