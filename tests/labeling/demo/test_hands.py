import random

import pytest

from labeling.demo.hands import HANDS, scrawl

SAID = "My router has no power, since Tuesday. It doesn't blink on {before} either."


def many(style):
    return [scrawl(SAID, style, random.Random(seed)) for seed in range(60)]


def test_a_formal_hand_never_slips():
    assert set(many("formal")) == {SAID}


def test_a_sloppy_hand_slips_and_drops_capitals():
    assert len(set(many("sloppy"))) > 10
    assert any(text == text.lower() and "doesnt" in text for text in many("sloppy"))


@pytest.mark.parametrize("style", HANDS)
def test_gaps_to_be_filled_are_left_alone(style):
    assert all("{before}" in text for text in many(style))


@pytest.mark.parametrize("style", HANDS)
def test_a_word_keeps_its_first_letter(style):
    for text in many(style):
        assert text.lower().startswith("my r")


def test_shares_of_all_hands_make_a_whole():
    assert sum(hand.share for hand in HANDS.values()) == pytest.approx(1)
