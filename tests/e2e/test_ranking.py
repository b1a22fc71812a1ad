"""Which labels the typeahead puts first, and which parts of them it sets off."""

import pytest

from tests.e2e.modules import open_modules

pytestmark = pytest.mark.e2e

SEARCH = """async ([rows, query, favour]) => {
  const { index, search } = await import("/static/js/ranking.js");
  const bonus = favour && Float64Array.from(rows, ([name]) => favour[name] ?? 0);
  const full = rows.map(([name, path = "", said = "", also], n) => [n, name, path, said, also]);
  return search(index(full), query, 12, bonus).map((place) => rows[place][0]);
}"""
PARTS = """async ([text, typed]) => {
  const { chainedParts, matchedParts } = await import("/static/js/matched_parts.js");
  const { words } = await import("/static/js/words.js");
  const { spans, left } = matchedParts(text, words(typed));
  const found = left.length ? chainedParts(text, words(typed)[0]) ?? [] : spans;
  return found.map(([start, end]) => text.slice(start, end));
}"""


@pytest.fixture(scope="module")
def page(browser):
    opened = open_modules(browser)
    yield opened
    opened.close()


@pytest.fixture
def found(page):
    """Return a function: the names of the labels found, in order; a label is a name or more."""

    def found(query, *labels, favour=None):
        rows = [[label] if isinstance(label, str) else list(label) for label in labels]
        return page.evaluate(SEARCH, [rows, query, favour])

    return found


@pytest.fixture
def parts(page):
    return lambda text, typed: page.evaluate(PARTS, [text, typed])


def test_names_beginning_with_the_word_come_before_later_words_paths_and_descriptions(found):
    labels = [
        ("Charge", "", "Of a card that was lost."),
        ("Stolen", "Cards"),
        "Lost card",
        "Discard",
        "Card lost",
    ]

    assert found("card", *labels) == ["Card lost", "Lost card", "Stolen", "Discard", "Charge"]


def test_the_whole_name_comes_before_longer_and_favoured_names(found):
    labels = ["Transfer fee", "Transfer"]

    assert found("transfer", *labels, favour={"Transfer fee": 12}) == ["Transfer", "Transfer fee"]


def test_every_word_must_stand_somewhere_and_each_in_a_word_of_its_own(found):
    labels = [("Card lost", "", "By post."), "Card arrival", "Card"]

    assert found("card post", *labels) == ["Card lost"]
    assert found("c c", "Card cloned", "Card") == ["Card cloned"]


@pytest.mark.parametrize("query", ["trt", "tort", "toreve", "top rev", "t r t"])
def test_beginnings_of_successive_words_find_the_label(found, query):
    labels = ["Transfer declined", "Top-up reverted twice", "Top-up failed"]
    assert found(query, *labels)[0] == "Top-up reverted twice"


def test_short_words_may_be_left_out_of_initials(found):
    assert found("lsc", "Lists of cards", "Lost or stolen card")[0] == "Lost or stolen card"


@pytest.mark.parametrize(
    "typed", ["transfr", "tarnsfer", "transsfer", "trasnf", "tramsfer", "xransfer", "transferx"]
)
def test_one_slip_of_the_keyboard_is_forgiven(found, typed):
    assert found(typed, "Card lost", "Transfer failed") == ["Transfer failed"]


@pytest.mark.parametrize("typed", ["tasnfre", "trx", "zransfre"])
def test_two_slips_or_one_in_three_letters_are_not(found, typed):
    assert found(typed, "Transfer failed") == []


def test_what_was_typed_right_comes_before_what_may_be_a_slip(found):
    assert found("form", "Farm", "Inform", "Form")[:2] == ["Form", "Inform"]


def test_a_label_is_found_by_its_alias_and_by_its_initials(found):
    labels = ["Transfer", ("Card lost", "", "", ["Gone missing", "MIA"])]

    assert found("gone", *labels) == found("gm", *labels) == found("mia", *labels) == ["Card lost"]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("uberw", "Überweisung"),
        ("ÜBERW", "Überweisung"),
        ("strasse", "Große Straße"),
        ("card_lost", "Card-lost"),
        ("dont", "Don\u2019t know"),
        ("延迟", "退款延迟"),
        ("ガス", "都市ガス"),
        ("카ㄷ", "카드 분실"),
        ("تحويل", "إلغاء تَحْوِيل"),
        ("שלום", "שָׁלוֹם"),
        ("οδοσ", "Οδός"),
        ("fi", "ﬁnance"),
    ],
)
def test_words_of_any_alphabet_are_found_whatever_their_case_and_accents(found, query, name):
    assert found(query, "Other", name) == [name]


def test_marks_that_tell_words_apart_are_kept(found):
    assert found("की", "का", "की") == ["की"]


def test_usage_decides_between_equals_and_goes_before_a_slightly_better_match(found):
    assert found("c", "Card", "Cash", favour={"Cash": 7})[0] == "Cash"
    assert found("lo", "Loan", "Card lost", favour={"Card lost": 12})[0] == "Card lost"


def test_nothing_is_found_by_nothing(found):
    assert found("", "Card") == found(" -_\u2019 ", "Card") == []


def test_the_shorter_name_comes_first_and_at_most_twelve_come(found):
    assert found("a", "Ab cd", "Ab")[0] == "Ab"
    assert len(found("a", *(f"A{n}" for n in range(30)))) == 12


def test_hostile_lengths_are_answered(found):
    name = "a " * 150
    assert found("a" * 12, name) == [name]
    assert found("a" * 12 + "b", name) == []
    assert found("a " * 500, name) == [name]
    assert found("x" * 100_000, name) == []


@pytest.mark.parametrize(
    ("name", "typed", "expected"),
    [
        ("Top-up reverted", "rev", ["rev"]),
        ("Top-up reverted", "tore", ["To", "re"]),
        ("Top-up reverted", "revetred", ["reverted"]),
        ("Top-up reverted", "zebra", []),
        ("Große Straße", "strasse", ["Straße"]),
        ("Ü\u0308berweisung", "uber", ["Ü\u0308ber"]),
        ("退款延迟", "延迟", ["延迟"]),
        ("카드 분실", "카ㄷ", ["카드"]),
        ("Its ﬁnance", "f", ["ﬁ"]),
        ("Card, card", "card c", ["Card", "c"]),
    ],
)
def test_what_was_typed_is_set_off_in_the_labels_own_letters(parts, name, typed, expected):
    assert parts(name, typed) == expected
