from hypothesis import given
from hypothesis import strategies as st

from labeling.quoting import Part, parts


def test_plain_text_is_one_part():
    assert parts("Hello.\n\nBye.") == [Part("Hello.\n\nBye.")]


def test_quoted_lines_are_folded_with_the_line_that_leads_in():
    text = "Any news?\n\nOn 3 May 2026, Jo wrote:\n> Dear Jo,\n>\n> soon.\n\nThanks"

    assert parts(text) == [
        Part("Any news?"),
        Part("On 3 May 2026, Jo wrote:\n> Dear Jo,\n>\n> soon.", "quoted text"),
        Part("Thanks", ""),
    ]


def test_everything_from_the_signature_mark_on_is_folded():
    assert parts("Bye\n-- \nJo\nAcme") == [Part("Bye"), Part("-- \nJo\nAcme", "signature")]


def test_text_that_is_nothing_but_quotes_is_shown_whole():
    assert parts("> one\n> two") == [Part("> one\n> two")]


def test_empty_text_has_no_parts():
    assert parts("") == parts(" \n\n") == []


def test_dashes_at_the_very_top_are_no_signature():
    assert parts("--\nHello") == [Part("--\nHello")]


@given(st.text(alphabet="ab> -\n", max_size=60))
def test_no_line_that_says_something_is_lost(text):
    kept = "\n".join(part.text for part in parts(text)).splitlines()

    assert [line for line in kept if line.strip()] == [
        line for line in text.splitlines() if line.strip()
    ]
