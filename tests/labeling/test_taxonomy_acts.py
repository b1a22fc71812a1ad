"""What acts make of labels, without any database."""

from dataclasses import replace

import pytest

from labeling import taxonomy_acts, taxonomy_diff
from labeling.taxonomy_acts import (
    BadAct,
    Create,
    Edit,
    Merge,
    Restore,
    Retire,
    Split,
    Transfer,
)
from labeling.taxonomy_entries import TaxonomyEntry

CARDS = TaxonomyEntry("cards", "Cards", assignable=False)
LOST = TaxonomyEntry("lost", "Card lost", "cards", "It is gone.", examples=("Where is it?",))
STOLEN = TaxonomyEntry(
    "stolen",
    "Card stolen",
    "cards",
    exclusions=(("it may be at home", "lost"), ("the pin, too", "fraud")),
    overlaps=("fraud",),
    aliases=("theft",),
)
FRAUD = TaxonomyEntry(
    "fraud", "Fraud", exclusions=(("the card was taken", "stolen"),), overlaps=("stolen",)
)
STANDING = {entry.key: entry for entry in (CARDS, LOST, STOLEN, FRAUD)}
NAMES = {key: entry.name for key, entry in STANDING.items()}


def after(*acts):
    return taxonomy_acts.apply(STANDING, acts)


class TestMerging:
    def test_what_named_the_label_names_the_other(self):
        changed = after(Merge("stolen", "lost")).changed

        assert changed["fraud"].exclusions == (("the card was taken", "lost"),)
        assert changed["stolen"].retired
        assert changed["stolen"].successor == "lost"

    def test_the_other_is_found_by_both_names_and_overlaps_with_what_either_did(self):
        kept = after(Merge("stolen", "lost")).changed["lost"]

        assert kept.aliases == ("Card stolen", "theft")
        assert kept.overlaps == ("fraud",)
        assert kept.examples == ("Where is it?",)

    def test_what_sent_one_to_the_other_is_gone(self):
        kept = after(Merge("lost", "stolen")).changed["stolen"]

        assert kept.exclusions == (("the pin, too", "fraud"),)

    def test_its_gold_goes_there(self):
        assert after(Merge("stolen", "lost")).transfers == (Transfer("stolen", "lost"),)

    def test_labels_below_move_along(self):
        child = TaxonomyEntry("child", "Child", "stolen")
        work = taxonomy_acts.done({**STANDING, "child": child}, [Merge("stolen", "lost")])

        assert work.entries["child"].parent == "lost"

    def test_a_label_is_merged_into_one_below_it_without_a_circle(self):
        below = TaxonomyEntry("below", "Below", "stolen")
        deeper = TaxonomyEntry("deeper", "Deeper", "below")
        standing = {**STANDING, "below": below, "deeper": deeper}
        entries = taxonomy_acts.done(standing, [Merge("stolen", "deeper")]).entries

        assert (entries["below"].parent, entries["deeper"].parent) == ("cards", "below")

    @pytest.mark.parametrize(
        ("act", "message"),
        [
            (Merge("lost", "lost"), "into itself"),
            (Merge("lost", "cards"), "only groups"),
            (Merge("lost", "nowhere"), "No label has the id “nowhere”"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, act, message):
        with pytest.raises(BadAct, match=message):
            after(act)


class TestRetiring:
    def test_the_successor_takes_its_place_in_exclusions(self):
        found = after(Retire("stolen", "lost"))

        assert found.changed["fraud"].exclusions == (("the card was taken", "lost"),)
        assert found.transfers == (Transfer("stolen", "lost"),)

    def test_without_a_successor_gold_goes_back_to_review(self):
        found = after(Retire("stolen"))

        assert found.changed["fraud"].exclusions == (("the card was taken", None),)
        assert found.changed["fraud"].overlaps == ()
        assert found.transfers == (Transfer("stolen", None),)

    def test_a_successor_that_is_retired_hands_on(self):
        entries = taxonomy_acts.done(
            STANDING, [Retire("stolen", "lost"), Retire("lost", "fraud")]
        ).entries

        assert entries["stolen"].successor == "fraud"

    def test_a_retired_label_is_named_with_what_to_use(self):
        with pytest.raises(BadAct, match=r"“Card stolen” is retired\. Use “lost”"):
            after(Retire("stolen", "lost"), Edit("stolen", {"name": "x"}))

    def test_restoring_stands_it_under_what_still_stands(self):
        child = TaxonomyEntry("child", "Child", "lost")
        acts = [Retire("child"), Retire("lost"), Restore("child")]
        entries = taxonomy_acts.done({**STANDING, "child": child}, acts).entries

        assert (entries["child"].retired, entries["child"].parent) == (False, "cards")

    def test_what_stands_is_not_restored(self):
        with pytest.raises(BadAct, match="is not retired"):
            after(Restore("lost"))


class TestSplitting:
    PARTS = (TaxonomyEntry("home", "At home"), TaxonomyEntry("away", "Elsewhere"))

    def test_it_groups_the_new_ones_and_is_given_no_more(self):
        changed = after(Split("stolen", self.PARTS)).changed

        assert not changed["stolen"].assignable
        assert (changed["home"].parent, changed["home"].overlaps) == ("stolen", ("fraud",))
        assert changed["fraud"].overlaps == ("away", "home")

    def test_chosen_gold_goes_to_the_parts_and_the_rest_back_to_review(self):
        found = after(Split("stolen", self.PARTS, {"home": (3, 5)}))

        assert found.transfers == (Transfer("stolen", "home", (3, 5)), Transfer("stolen"))

    @pytest.mark.parametrize(
        ("act", "message"),
        [
            (Split("stolen", PARTS[:1]), "two new labels"),
            (Split("cards", PARTS), "only groups others already"),
            (Split("stolen", (PARTS[0], LOST)), "stands already"),
            (Split("stolen", PARTS, {"x": (1,)}), "is none of the labels"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, act, message):
        with pytest.raises(BadAct, match=message):
            after(act)


class TestEditing:
    def test_overlaps_are_written_on_both_sides(self):
        changed = after(Edit("stolen", {"overlaps": ("lost",)})).changed

        assert changed["lost"].overlaps == ("stolen",)
        assert changed["fraud"].overlaps == ()

    def test_a_label_that_only_groups_from_now_on_gives_its_gold_back(self):
        assert after(Edit("lost", {"assignable": False})).transfers == (Transfer("lost"),)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"parent": "nowhere"}, "No label has the id"),
            ({"overlaps": ("nowhere",)}, "No label has the id"),
            ({"exclusions": (("x", "nowhere"),)}, "No label has the id"),
            ({"retired": True}, "no field of a label"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, changes, message):
        with pytest.raises(BadAct, match=message):
            after(Edit("lost", changes))

    def test_nothing_stands_under_itself(self):
        child = TaxonomyEntry("child", "Child", "lost")
        with pytest.raises(BadAct, match="below it"):
            taxonomy_acts.done({**STANDING, "child": child}, [Edit("lost", {"parent": "child"})])


ACTS = [
    Create(TaxonomyEntry("new", "New", "cards", "About it.", exclusions=(("x", None),))),
    Edit("lost", {"name": "Gone", "exclusions": (("a", "fraud"),), "aliases": ("b",)}),
    Edit("lost", {"parent": None}),
    Merge("stolen", "lost"),
    Split("stolen", TestSplitting.PARTS, {"home": (1, 2)}, by_nearest=True),
    Retire("stolen", "lost"),
    Retire("stolen"),
    Restore("stolen"),
]


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.kind)
def test_acts_are_kept_as_json_and_read_back(act):
    assert taxonomy_acts.read(taxonomy_acts.as_json(act)) == act


def test_what_is_no_act_is_refused():
    with pytest.raises(BadAct, match="is no act"):
        taxonomy_acts.read({"kind": "explode"})


def test_acts_are_told_in_words():
    assert [act.words(NAMES) for act in ACTS] == [
        "Create New",
        "Edit Card lost: name, aliases, exclusions",
        "Move Card lost to the top",
        "Merge Card stolen into Card lost",
        "Split Card stolen into At home, Elsewhere",
        "Retire Card stolen, use Card lost",
        "Retire Card stolen",
        "Restore Card stolen",
    ]


class TestDiff:
    """What a file would change, as acts, is what publishing it would do."""

    def applied(self, stated):
        acts = taxonomy_diff.between(STANDING, stated)
        return taxonomy_acts.done(STANDING, acts).entries

    def test_the_same_changes_nothing(self):
        assert taxonomy_diff.between(STANDING, list(STANDING.values())) == []

    def test_new_labels_come_after_those_above_them_and_may_name_each_other(self):
        below = TaxonomyEntry("below", "Below", "above", exclusions=(("x", "later"),))
        above = TaxonomyEntry("above", "Above", overlaps=("later",))
        later = TaxonomyEntry("later", "Later")
        entries = self.applied([below, above, later])

        assert (entries["below"], entries["above"]) == (below, above)
        assert entries["later"].overlaps == ("above",)

    def test_what_differs_is_edited_and_what_is_not_named_stays(self):
        changed = replace(LOST, name="Gone", examples=(), parent=None)
        entries = self.applied([changed])

        assert entries["lost"] == changed
        assert entries["stolen"] == STOLEN

    def test_labels_are_retired_and_restored(self):
        entries = self.applied([replace(STOLEN, retired=True, successor="lost")])
        assert (entries["stolen"].retired, entries["stolen"].successor) == (True, "lost")

        acts = taxonomy_diff.between(entries, [STOLEN])
        assert taxonomy_acts.done(entries, acts).entries["stolen"] == STOLEN

    def test_a_label_and_the_one_above_it_change_places(self):
        above = TaxonomyEntry("above", "Above")
        below = TaxonomyEntry("below", "Below", "above")
        standing = {"above": above, "below": below}
        stated = [replace(above, parent="below"), replace(below, parent=None)]
        acts = taxonomy_diff.between(standing, stated)

        entries = taxonomy_acts.done(standing, acts).entries
        assert (entries["above"].parent, entries["below"].parent) == ("below", None)

    def test_a_line_of_successors_is_retired_from_its_beginning(self):
        stated = [
            replace(LOST, retired=True, successor="fraud"),
            replace(STOLEN, retired=True, successor="lost", overlaps=()),
        ]
        entries = self.applied(stated)

        assert entries["stolen"].retired
        assert entries["lost"].retired
        assert entries["lost"].successor == "fraud"

    def test_a_circle_of_parents_does_not_run_for_ever(self):
        one, two = TaxonomyEntry("one", "One", "two"), TaxonomyEntry("two", "Two", "one")
        with pytest.raises(BadAct):
            self.applied([one, two])
