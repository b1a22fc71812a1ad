import pytest

from labeling.models import Prediction, Project, ReviewQueue
from labeling.reasons import doubted, percent, why
from tests.factories import ReviewQueueFactory, ReviewTaskFactory

pytestmark = pytest.mark.django_db


def task(reason=ReviewQueue.Reason.AMBIGUOUS, bucket=Prediction.Bucket.REVIEW, **fields):
    return ReviewTaskFactory(
        queue=ReviewQueueFactory(reason=reason), prediction__bucket=bucket, **fields
    )


def test_two_near_candidates_are_a_close_call():
    words = why(task(), [("Transfer not received", 0.46), ("Transfer timing", 0.41)])

    assert words == (
        "Close call between Transfer not received and Transfer timing: 46\xa0% and 41\xa0%"
    )


def test_candidates_far_apart_are_no_close_call():
    assert why(task(), [("Refund", 0.8), ("Fee", 0.1)]) == "Not sure enough of Refund: 80\xa0%"


def test_a_chosen_document_says_that_it_was_chosen_to_learn_from():
    words = why(task(value=2), [("Refund", 0.8), ("Fee", 0.1)])

    assert words == "Chosen to learn from: probably Refund, 80\xa0%"


def test_a_close_call_that_was_chosen_is_still_a_close_call():
    assert why(task(value=2), [("Refund", 0.4), ("Fee", 0.3)]).startswith("Close call")


def test_a_single_candidate_is_not_sure_enough():
    assert why(task(), [("Refund", 0.8)]) == "Not sure enough of Refund: 80\xa0%"


def test_nothing_fits_tells_the_best():
    words = why(task(ReviewQueue.Reason.NONE_FITS, Prediction.Bucket.NONE_FITS), [("Refund", 0.12)])
    assert words == "Nothing fits (best 12\xa0%)"


def test_audit_tells_at_what_it_was_accepted():
    words = why(task(ReviewQueue.Reason.AUDIT, Prediction.Bucket.AUTO), [("Refund", 0.99)])

    assert words == "Audit sample: accepted at 99\xa0%"


def test_multi_label_names_the_labels_nearest_to_one_half():
    waiting = task()
    waiting.project.kind = Project.Kind.MULTI
    words = why(waiting, [("Sure", 0.97), ("Half", 0.55), ("Maybe", 0.4), ("No", 0.01)])

    assert words == "Unsure about Half (55\xa0%) and Maybe (40\xa0%)"


def test_without_a_prediction_there_is_no_reason_yet():
    assert why(ReviewTaskFactory(prediction=None), []) == "Not predicted yet"


@pytest.mark.parametrize(
    ("share", "words"),
    [(0, "0\xa0%"), (0.001, "<\xa01\xa0%"), (0.123, "12\xa0%"), (0.999, ">\xa099\xa0%"),
     (1, "100\xa0%")],
)  # fmt: skip
def test_only_certainty_reads_as_none_or_all(share, words):
    assert percent(share) == words


@pytest.mark.parametrize(
    ("given", "others", "said"),
    [
        ([("A", 0.98), ("B", 0.02)], [("C", 0.03)], "A, B stands; * doubts B (2 %)"),
        ([("A", 0.98)], [("C", 0.81)], "A stands; * would add C (81 %)"),
        ([("A", 0.1)], [("C", 0.9)], "A stands; * doubts A (10 %) and would add C (90 %)"),
        ([], [("C", 0.9)], "nothing fits stands; * would add C (90 %)"),
        ([("A", 0.9)], [("C", 0.1)], "A stands"),
    ],
)
def test_gold_of_several_labels_is_doubted_label_by_label(given, others, said):
    wanted = f"Gold to check: {said}".replace("*", "a model that had not seen it")
    assert doubted(given, others, is_multi=True).replace("\N{NO-BREAK SPACE}", " ") == wanted
