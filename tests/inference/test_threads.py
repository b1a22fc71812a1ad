import pytest

from inference.document_texts import threads_of
from inference.texts import thread_of
from tests.factories import DocumentFactory


@pytest.mark.parametrize(
    "subject",
    ["Lost card", "RE: Lost card", "Re: AW: lost  CARD", " Fwd: Re[2]: Lost card", "WG:Lost card"],
)
def test_answers_and_forwards_have_the_subject_of_what_they_are_about(subject):
    assert thread_of(subject) == "lost card"


@pytest.mark.parametrize("subject", ["", "Re:", "  ", "re: fwd:"])
def test_a_subject_that_says_nothing_names_no_thread(subject):
    assert thread_of(subject) == ""


def test_a_word_that_only_begins_like_a_mark_stays():
    assert thread_of("Refund: late") == "refund: late"


@pytest.mark.django_db
def test_documents_of_a_thread_share_a_number_and_others_are_alone(django_assert_num_queries):
    subjects = ["Lost card", "", "Re: Lost card", "", "Other"]
    ids = [DocumentFactory(subject=subject).pk for subject in subjects]
    with django_assert_num_queries(1):
        found = threads_of(ids)
    assert found == [ids[0], ids[1], ids[0], ids[3], ids[4]]


@pytest.mark.django_db
def test_a_subject_that_many_documents_have_joins_nothing():
    ids = [DocumentFactory(subject="Question").pk for _ in range(4)]
    others = [DocumentFactory(subject=f"Other {number}").pk for number in range(76)]
    assert threads_of(ids) == ids
    assert len(set(threads_of(ids[:3]))) == 1
    assert len(set(threads_of(ids + others)[:4])) == 1  # four of eighty are a twentieth
