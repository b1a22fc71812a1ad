import pytest

from labeling.excerpts import LENGTH, Part, excerpt, marked
from labeling.search import parse


@pytest.mark.parametrize(
    ("text", "typed", "matches"),
    [
        ("My card was lost", "card", ["card"]),
        ("Cards and a CARD", "card", ["Cards", "CARD"]),
        ("Cards and a card", "card x", ["card"]),
        ("Der Zähler, die ZÄHLER", "zahler", ["Zähler", "ZÄHLER"]),
        ("charged two\n times", '"two times"', ["two\n times"]),
        ("an e-mail, an email", "e-mail", ["e-mail"]),
        ("lost card", "card -lost", ["card"]),
        ("discard snake_card", "card x", ["card"]),
        ("İstanbul card", "card", ["card"]),
        ("", "card", []),
    ],
)
def test_whole_words_are_marked_as_they_stand(text, typed, matches):
    parts = marked(text, parse(typed))

    assert [part.text for part in parts if part.is_match] == [" ".join(m.split()) for m in matches]
    assert "".join(part.text for part in parts) == " ".join(text.split())


def test_an_excerpt_begins_at_a_word_before_the_first_match():
    text = "far " * 100 + "the card was lost " + "away " * 100
    parts = excerpt(text, parse("card"))

    assert parts[0] == Part("… ")
    assert parts[1].text.startswith("far ")
    assert parts[2] == Part("card", is_match=True)
    assert parts[-1] == Part(" …")
    assert len("".join(part.text for part in parts)) <= LENGTH + 4


def test_without_a_match_the_beginning_is_shown():
    assert excerpt("Dear all, my card", parse("-lost")) == [Part("Dear all, my card")]


def test_an_endless_word_is_cut():
    parts = excerpt("x" * 500 + " card", parse("card"))

    assert Part("card", is_match=True) in parts
