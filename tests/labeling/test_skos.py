"""Taxonomies as SKOS: other tools' files are read, and ours come back without loss."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeling import skos, taxonomy_files
from labeling.document_fields import clean
from labeling.taxonomy_entries import BadTaxonomy, TaxonomyEntry

WHOLE = [
    TaxonomyEntry("cards", "Cards", assignable=False, only_one=True),
    TaxonomyEntry(
        "card lost/1",
        "Card “lost” \\ & <gone>",
        "cards",
        "It is gone.\nFor good.",
        exclusions=(("stolen cards", "stolen"), ("wallets", None), ("a", None)),
        examples=("Where is it?", "Another\nof two lines"),
        overlaps=("stolen",),
        aliases=("b", "a"),
    ),
    TaxonomyEntry("stolen", "Card stolen", "cards", overlaps=("card lost/1",)),
    TaxonomyEntry("old", "Old one", retired=True, successor="stolen"),
]


def test_what_is_written_is_read_back_without_loss():
    assert skos.read(skos.write(WHOLE)) == WHOLE


words = (
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=20)
    .map(lambda text: clean(text).strip())
    .filter(bool)
)


@settings(max_examples=40, deadline=None)
@given(names=st.lists(words, min_size=1, max_size=5), texts=st.lists(words, max_size=4))
def test_any_text_comes_back(names, texts):
    entries = [
        TaxonomyEntry(
            f"key {place} {name}",
            name,
            description=" ".join(texts),
            aliases=tuple(dict.fromkeys(texts)),
            exclusions=tuple((text, None) for text in texts),
        )
        for place, name in enumerate(names)
    ]

    assert skos.read(skos.write(entries)) == entries


FOREIGN = """
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix ex: <http://example.org/topics/> .
ex:cards a skos:Concept ; skos:prefLabel "Karten"@de, "Cards"@en ; skos:narrower ex:lost .
ex:lost a skos:Concept ; skos:prefLabel "Card lost"@en ; skos:altLabel "gone"@en ;
  skos:definition "It is gone."@en ; skos:related ex:stolen .
ex:stolen a skos:Concept ; skos:prefLabel "Card stolen" ; skos:broader ex:cards .
"""


def test_files_of_other_tools_are_read():
    found = {entry.key: entry for entry in skos.read(FOREIGN)}

    assert list(found) == ["lost", "stolen", "cards"]  # by name: SKOS keeps no order
    assert (found["cards"].name, found["lost"].parent, found["stolen"].parent) == (
        "Cards",
        "cards",
        "cards",
    )
    assert (found["lost"].aliases, found["lost"].description) == (("gone",), "It is gone.")
    assert (found["lost"].overlaps, found["stolen"].overlaps) == (("stolen",), ("lost",))


SKOS = "@prefix skos: <http://www.w3.org/2004/02/skos/core#> . @prefix t: <urn:tiebreak:> . "
CYCLE = "<a> a skos:Concept ; t:examples _:l . _:l <{rdf}first> 'x' ; <{rdf}rest> _:l ."


def test_what_is_no_text_is_made_one_and_said_once():
    text = SKOS + "<a> a skos:Concept ; skos:prefLabel ' A\\u0000 ' ; skos:altLabel 'b', 'b'@en ."
    (entry,) = skos.read(text)

    assert (entry.key, entry.name, entry.aliases) == ("a", "A", ("b",))


def test_a_number_of_few_digits_takes_no_time():
    text = SKOS + "<a> a skos:Concept ; skos:notation '1e999999999'^^<{xsd}decimal> ."
    (entry,) = skos.read(text.replace("{xsd}", "http://www.w3.org/2001/XMLSchema#"))

    assert entry.key == "1e999999999"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("@prefix broken", "no valid Turtle"),
        (SKOS + "[] a skos:Concept ; skos:prefLabel 'A' .", "needs a skos:notation"),
        (
            SKOS + CYCLE.replace("{rdf}", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"),
            "no valid Turtle",
        ),
        ("<a> <b> <c> .", "holds no skos:Concept"),
        ("", "holds no skos:Concept"),
    ],
)
def test_what_is_no_taxonomy_is_refused(text, message):
    with pytest.raises(BadTaxonomy, match=message):
        skos.read(text)


def test_a_file_is_known_by_what_it_holds():
    assert taxonomy_files.parse(skos.write(WHOLE)) == WHOLE
