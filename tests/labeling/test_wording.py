"""Setting off the words by which two definitions differ."""

import pytest

from labeling.wording import set_off


def differing(text, other):
    return [run.strip() for run, differs in set_off(text, other) if differs]


def test_words_that_the_other_lacks_are_set_off():
    assert differing("Card lost in the post", "Card lost abroad") == ["post"]
    assert differing("Card lost abroad", "Card lost in the post") == ["abroad"]


def test_case_and_little_words_tell_nothing():
    assert differing("The card is lost", "A CARD was not LOST") == []


def test_where_nothing_is_in_common_nothing_is_set_off():
    assert differing("Refund not arrived", "Router keeps losing connection") == []


@pytest.mark.parametrize("other", ["", "x", "Card lost abroad <b>"])
@pytest.mark.parametrize("text", ["", "Card <script> lost", "Karte verloren, überall", "  two  \n"])
def test_no_character_is_lost(text, other):
    assert "".join(run for run, _ in set_off(text, other)) == text
