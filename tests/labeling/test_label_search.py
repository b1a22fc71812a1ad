import pytest

from labeling.label_search import FOUND, look_up, path_of, typeahead
from tests.factories import LabelFactory, ProjectFactory

pytestmark = pytest.mark.django_db


def names(project, words):
    return [label.name for label in look_up(project, words)]


def test_names_that_begin_with_the_word_come_first(project):
    LabelFactory(name="Fee", description="Also for a refund of a fee.")
    LabelFactory(name="No refund")
    LabelFactory(name="Refund request")

    assert names(project, "REFUND") == ["Refund request", "No refund", "Fee"]


def test_every_word_must_stand_somewhere(project):
    LabelFactory(name="Card arrival", description="Late post.")
    LabelFactory(name="Card lost")

    assert names(project, "card post") == ["Card arrival"]


def test_only_labels_that_can_be_given_are_found(project):
    LabelFactory(name="Card", is_assignable=False)
    LabelFactory(name="Card of another project", project=ProjectFactory(slug="other"))

    assert names(project, "card") == []


def test_no_words_find_nothing(project):
    LabelFactory()
    assert names(project, "  ") == []


def test_a_label_is_found_by_its_alias(project):
    LabelFactory(name="Card arrival", aliases=["Post", "Überfällig"])
    LabelFactory(name="Card lost")

    assert names(project, "überfällig post") == ["Card arrival"]


def test_wildcards_of_the_database_are_plain_characters(project):
    LabelFactory(name="Card")
    assert names(project, "%") == names(project, "_") == []


def test_at_most_a_screenful_is_found(project):
    LabelFactory.create_batch(FOUND + 5, name="Card")
    assert len(look_up(project, "card")) == FOUND


def test_path_names_the_levels_above(project):
    top = LabelFactory(name="Money")
    label = LabelFactory(name="Refund", parent=LabelFactory(name="Cards", parent=top))

    assert path_of(label) == "Money / Cards"
    assert path_of(top) == ""
    assert (label.pk, "Refund", "Money / Cards", "", [], []) in typeahead(project)


def test_case_of_any_alphabet_is_no_matter(project):
    label = LabelFactory(project=project, name="Überweisung")
    for words in ("überweisung", "ÜBERW", "Überweisung"):
        assert look_up(project, words) == [label]


def test_a_name_is_found_before_hundreds_of_descriptions(project):
    LabelFactory.create_batch(30, project=project, description="about a refund")
    label = LabelFactory(project=project, name="Refund")
    assert look_up(project, "refund")[0] == label
