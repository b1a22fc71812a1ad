import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.search import LONGEST, MOST_TERMS, Search, Term, parse, plain


@pytest.mark.parametrize(
    ("typed", "terms"),
    [
        ("refund card", (Term("refund"), Term("card", is_prefix=True))),
        ("refund ca", (Term("refund"), Term("ca"))),
        ('"two times" refund', (Term("two times"), Term("refund", is_prefix=True))),
        ('refund "two times"', (Term("refund"), Term("two times"))),
        ("“two times”", (Term("two times"),)),
        ('"not closed', (Term("not closed"),)),
        ("card -lost", (Term("card"), Term("lost", is_excluded=True))),
        ('-"two times" x', (Term("two times", is_excluded=True), Term("x"))),
        ("e-mail", (Term("e mail", is_prefix=True),)),
        ("a.b@c.org", (Term("a b c org", is_prefix=True),)),
        ("Zähler", (Term("Zahler", is_prefix=True),)),
        ("card card", (Term("card"), Term("card", is_prefix=True))),
        ("OR AND NOT", (Term("OR"), Term("AND"), Term("NOT", is_prefix=True))),
        ("car* (x) words:y", (Term("car"), Term("x"), Term("words y"))),
        ("nul\0nul", (Term("nul nul", is_prefix=True),)),
    ],
)
def test_what_is_typed_is_read_as_words_phrases_and_exclusions(typed, terms):
    assert parse(typed) == Search(terms)


@pytest.mark.parametrize("typed", ["", "   ", "???", '""', "-", '-"', "\0", "\u0301"])
def test_what_holds_no_word_is_no_search(typed):
    assert parse(typed) is None


@given(st.text(max_size=400))
def test_a_term_holds_no_sign_whatever_is_typed(typed):
    found = parse(typed)
    terms = found.terms if found else ()

    assert len(terms) <= MOST_TERMS
    for term in terms:
        assert not set(term.words) & set("\"'\\:*()^+-|&!\0")
        assert term.words == plain(term.words)


def test_an_enormous_search_is_cut():
    assert parse("x" * 10_000) == Search((Term("x" * LONGEST, is_prefix=True),))
