"""What is doubtful about labels, told while they are edited."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.taxonomy_entries import TaxonomyEntry
from labeling.taxonomy_lint import remarks

GOOD = TaxonomyEntry("good", "Card lost", description="The card cannot be found.")


def told(*entries, keys=None):
    known = {entry.key: entry for entry in (GOOD, *entries)}
    return [each.message for each in remarks(known, known.keys() if keys is None else keys)]


def test_nothing_is_said_of_a_sound_taxonomy():
    assert told() == []


def test_only_the_labels_asked_about_are_looked_at():
    assert told(TaxonomyEntry("bare", "Bare"), keys=["good"]) == []


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([TaxonomyEntry("bare", "Bare")], "“Bare” has no description"),
        (
            [
                TaxonomyEntry("a", "A", description="x", exclusions=(("Theft", "b"),)),
                TaxonomyEntry("b", "B", description="y", exclusions=((" theft ", "a"),)),
            ],
            "“A” and “B” send “Theft” to each other",
        ),
        (
            [
                TaxonomyEntry("a", "A", description="x", exclusions=(("Theft", "b"),)),
                TaxonomyEntry("b", "B", description="y", retired=True),
            ],
            "“A” sends “Theft” to “B”, which is retired",
        ),
        (
            [TaxonomyEntry("a", "card  LOST", description="Something else entirely, quite.")],
            "“card  LOST” reads nearly like “Card lost”",
        ),
        (
            [
                TaxonomyEntry("group", "Group", assignable=False),
                TaxonomyEntry("a", "Alone", "group", "Something of its own."),
            ],
            "“Alone” stands alone under “Group”",
        ),
    ],
)
def test_what_is_doubtful_is_told(entries, message):
    assert message in told(*entries)


def test_labels_that_overlap_may_read_alike():
    twin = TaxonomyEntry("twin", "Card lost", description="Another.", overlaps=("good",))
    good = TaxonomyEntry("good", GOOD.name, description="One.", overlaps=("twin",))
    known = {each.key: each for each in (good, twin)}

    assert remarks(known, known.keys()) == []


WORDS = ["the", "card", "was", "lost", "stolen", "blocked", "refund", "money"]
TEXTS = st.lists(st.sampled_from(WORDS))


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=4, max_size=12))
def test_of_one_label_and_of_all_the_same_is_told(texts):
    known = {
        f"l{n}": TaxonomyEntry(f"l{n}", " ".join(name) or "X", description=" ".join(about))
        for n, (name, about) in enumerate(texts)
    }
    alone = [each for key in known for each in remarks(known, [key])]

    assert {str(each) for each in alone[:50]} == {
        str(each) for each in remarks(known, known.keys())
    }
