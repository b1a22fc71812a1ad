import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling import csv_cells
from labeling.taxonomy_entries import BadTaxonomy, TaxonomyEntry
from labeling.taxonomy_files import parse, parse_exclusion, read


def problems_of(text):
    with pytest.raises(BadTaxonomy) as caught:
        parse(text)
    return [(problem.row, problem.field) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Not for lost cards; use card_lost.", ("lost cards", "card_lost")),
        ("Not for lost cards; use card_lost", ("lost cards", "card_lost")),
        ("not for lost cards, use card_lost.", ("lost cards", "card_lost")),
        ("Not for lost cards;use card.lost.", ("lost cards", "card.lost")),
        ("Not for lost cards.", ("lost cards", None)),
        ("Not for lost cards", ("lost cards", None)),
        ("lost cards; use card_lost.", ("lost cards", "card_lost")),
        ("Not for cards; old or new; use card_old.", ("cards; old or new", "card_old")),
        ("Not for cards they use abroad.", ("cards they use abroad", None)),
        ("Nothing that is urgent", ("Nothing that is urgent", None)),
        ("", ("", None)),
    ],
)
def test_an_exclusion_is_read_in_every_form_people_write(text, expected):
    assert parse_exclusion(text) == expected


def test_json_and_csv_say_the_same():
    rows = [
        {
            "id": "lost",
            "name": "Card lost",
            "parent": "cards",
            "description": "The card is gone.",
            "exclusions": ["Not for stolen cards; use stolen.", "Not for wallets."],
            "examples": ["Where is it?", "Gone; vanished"],
            "overlaps": ["stolen", "late"],
            "assignable": False,
            "aliases": ["gone", "card\nvanished", "gone"],
        }
    ]
    table = (
        "id,name,parent,description,exclusions,examples,overlaps,assignable,aliases\n"
        'lost,Card lost,cards,The card is gone.,"Not for stolen cards; use stolen.\n'
        'Not for wallets.","Where is it?\nGone; vanished",stolen;late,no,"gone\ncard  vanished"\n'
    )
    expected = TaxonomyEntry(
        key="lost",
        name="Card lost",
        parent="cards",
        description="The card is gone.",
        exclusions=(("stolen cards", "stolen"), ("wallets", None)),
        assignable=False,
        examples=("Where is it?", "Gone; vanished"),
        overlaps=("stolen", "late"),
        aliases=("gone", "card vanished"),
        row=1,
    )

    assert parse(json.dumps(rows)) == parse(table) == [expected]


def test_an_exclusion_may_be_an_object():
    rows = [{"id": "a", "name": "A", "exclusions": [{"situation": "b-things", "use": "b"}]}]

    assert parse(json.dumps(rows))[0].exclusions == (("b-things", "b"),)


def test_fields_left_out_take_their_defaults():
    assert parse('{"labels": [{"id": "a", "name": "A"}]}') == [TaxonomyEntry("a", "A")]


def test_a_file_with_a_byte_order_mark_is_read(tmp_path):
    path = tmp_path / "taxonomy.csv"
    path.write_bytes("id;name\nä;Ä\n".encode("utf-8-sig"))

    assert read(path) == [TaxonomyEntry("ä", "Ä")]


def test_every_problem_is_gathered_with_its_row_and_field():
    rows = [
        {"id": "a", "name": 1.5},
        "text",
        {
            "id": "c",
            "name": "C",
            "examples": "fine",
            "overlaps": 5,
            "assignable": "perhaps",
            "only_one": "x",
        },
        {"id": "d", "name": "D", "exclusions": "[broken"},
    ]

    assert problems_of(json.dumps(rows)) == [
        (1, "name"), (2, "row"), (3, "assignable"), (3, "overlaps"), (3, "only_one"),
        (4, "exclusions"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "[broken", "5", "name,colour\na,b\n", '{"labels": 3}', "[" * 100_000],
)
def test_what_is_no_taxonomy_is_refused_whole(text):
    assert problems_of(text) == [(0, "file")]


def test_a_row_of_csv_with_too_many_cells_is_a_problem():
    assert problems_of("id,name\na,A,more\n") == [(1, "row")]


def test_problems_read_as_sentences_with_a_remedy():
    with pytest.raises(BadTaxonomy, match=r"row 1, name: is no text\. Write it as text\."):
        parse('[{"id": "a", "name": []}]')


def test_keys_and_texts_lose_nul_and_lone_surrogates():
    entry = parse('[{"id": "a\\u0000", "name": "A\\ud800"}]')[0]

    assert (entry.key, entry.name) == ("a", "A\ufffd")


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@cmd", "\t=1", "\r=1", "'=1", "''-2"])
def test_what_a_spreadsheet_would_calculate_is_neutralised_and_comes_back(cell):
    written = csv_cells.neutralise(cell)

    assert written == f"'{cell}"
    assert csv_cells.restore(written) == cell


@given(st.text())
def test_any_cell_comes_back_as_it_was(cell):
    written = csv_cells.neutralise(cell)

    assert csv_cells.restore(written) == cell
    assert not written.startswith(("=", "+", "-", "@", "\t", "\r"))


@given(st.text())
def test_any_text_is_a_taxonomy_or_names_its_problems(text):
    with suppress(BadTaxonomy):
        assert parse(text)


@given(st.text(), st.none() | st.from_regex(r"[a-z_]{1,9}", fullmatch=True))
def test_any_exclusion_is_read_without_an_error(situation, use):
    text = f"Not for {situation}; use {use}." if use else situation

    assert parse_exclusion(text)[1] == use or use is None


def test_runs_of_spaces_in_an_exclusion_are_read_at_once():
    spaces = " " * 100_000
    assert parse_exclusion(f"Not for a{spaces}x") == ("a x", None)
    assert parse_exclusion(f"Not for a{spaces}; use{spaces}b.") == ("a", "b")


def test_a_file_of_too_many_rows_is_no_taxonomy():
    with pytest.raises(BadTaxonomy, match="more than 20,000 rows"):
        parse("id,name\n" + ",\n" * 20_001)
