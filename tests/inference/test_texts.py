import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.texts import MAX_CHARACTERS, MAX_RUN, bounded, clean, prepare

hostile = st.text(st.characters() | st.sampled_from("\x00\r\n\t >-‮‏💳é"), max_size=300)


def test_the_subject_comes_first():
    assert prepare("Card", "It is lost.") == "Card\nIt is lost."


def test_an_empty_mail_gives_an_empty_text():
    assert prepare("", " \n\t ") == ""


def test_quoted_lines_are_left_out():
    assert prepare("", "Any news?\n> I wrote to you\n>> and before that") == "Any news?"


@pytest.mark.parametrize(
    "head",
    [
        "On Mon, 3 May 2021 at 10:12, Ann Bell <ann@example.org> wrote:",
        "On Mon, 3 May 2021 at 10:12, Ann Bell <ann.bell@example.org>\nwrote:",
        "Am 03.05.2021 um 10:12 schrieb Ann Bell:",
        "-----Original Message-----",
        "From: Ann Bell\nSent: Monday",
        "________________________________",
    ],
)
def test_the_mail_that_was_answered_is_left_out(head):
    assert prepare("", f"Please stop it.\n\n{head}\nmy earlier mail") == "Please stop it."


@pytest.mark.parametrize("mark", ["-- ", "--", "Sent from my phone"])
def test_the_signature_is_left_out(mark):
    assert prepare("", f"Thanks\n{mark}\nAnn Bell\nTel. 0000") == "Thanks"


def test_answers_between_quotes_are_kept():
    assert prepare("", "> When?\nTomorrow.\n> Where?\nHere.") == "Tomorrow.\nHere."


def test_a_mail_of_nothing_but_quotes_is_kept_whole():
    assert prepare("", "> My card\n> is lost") == "> My card\n> is lost"


def test_a_sentence_about_who_sent_something_is_not_a_header():
    body = "From: what I can see, nothing came.\nPlease look."
    assert prepare("", body) == body


def test_a_sentence_about_what_somebody_wrote_is_kept():
    body = "On Monday she wrote that 3 cards came.\nTwo did."
    assert prepare("", body) == body


def test_right_to_left_text_and_emoji_are_kept():
    assert prepare("בטל", "💳 בבקשה") == "בטל\n💳 בבקשה"


def test_nul_and_unpaired_surrogates_go():
    assert clean("a\x00b\ud800c") == "a bc"


def test_an_endless_word_is_broken():
    words = prepare("", "x" * 100_000).split()
    assert max(map(len, words)) == MAX_RUN


def test_ten_megabytes_are_cut():
    assert len(prepare("", "word " * 2_000_000)) <= MAX_CHARACTERS


@given(hostile, hostile)
def test_any_text_becomes_one_the_tokenizer_can_take(subject, text):
    prepared = prepare(subject, text)
    assert len(prepared) <= MAX_CHARACTERS
    prepared.encode()  # no surrogates
    assert "\x00" not in prepared
    assert all(len(word) <= MAX_RUN for word in prepared.split())


@given(hostile)
def test_bounding_twice_changes_nothing(text):
    assert bounded(bounded(text)) == bounded(text)


@given(st.text(st.characters(categories=["L"]), min_size=1, max_size=300))
def test_a_plain_text_loses_no_letter(text):
    assert "".join(prepare("", text).split()) == text
