from datetime import timedelta

import pytest

from labeling.resampling import Interval
from labeling.templatetags.tiebreak import (
    between,
    coefficient,
    grouped,
    in_words,
    links,
    minutes,
    percent,
)
from tests.factories import ProjectFactory

SPACE, NARROW, DASH = "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}", "\N{EN DASH}"


@pytest.mark.parametrize(
    ("share", "digits", "written"),
    [
        (0.463, 0, f"46{SPACE}%"),
        (0.9995, 1, f"100.0{SPACE}%"),
        (0.0, 0, f"0{SPACE}%"),
        (None, 0, DASH),
        ("", 0, DASH),
    ],
)
def test_shares_are_written_as_percentages(share, digits, written):
    assert percent(share, digits) == written


@pytest.mark.parametrize(
    ("number", "written"),
    [(0, "0"), (999, "999"), (1234567, f"1{NARROW}234{NARROW}567"), (None, DASH), ("", DASH)],
)
def test_counts_are_grouped_by_thousands(number, written):
    assert grouped(number) == written


@pytest.mark.parametrize(
    ("duration", "written"),
    [
        (timedelta(minutes=15), f"15{SPACE}minutes"),
        (timedelta(seconds=61), f"2{SPACE}minutes"),
        (timedelta(seconds=60), f"1{SPACE}minute"),
    ],
)
def test_durations_are_rounded_up_to_minutes(duration, written):
    assert minutes(duration) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.7434, "0.74"),
        (1.0, "1.00"),
        (-0.05, "\N{MINUS SIGN}0.05"),
        (-0.004, "0.00"),
        (None, "\N{EN DASH}"),
    ],
)
def test_coefficients_have_two_digits_and_a_true_minus(value, written):
    assert coefficient(value) == written


def test_an_interval_is_told_by_its_bounds():
    assert between(Interval(-0.1, 0.583)) == "\N{MINUS SIGN}0.10 to 0.58"
    assert between(None) == "\N{EN DASH}"


def test_nested_details_are_told_in_words():
    detail = {"gold_count": 3, "metrics": {"top1": 0.86512345}, "labels": ["a", None]}

    assert in_words(detail) == "gold count: 3, metrics: top1: 0.8651, labels: a, none"


def test_long_lists_are_cut_and_say_so():
    assert in_words({"labels": list(range(10))}) == "labels: 0, 1, 2, 3, 4, 5, 6, 7, and 2 more"


@pytest.mark.django_db
def test_the_deepest_entry_above_a_page_is_current():
    project = ProjectFactory()
    entries = links(project, "admin", "/p/support/people/3/role/")

    assert [entry.text for entry in entries if entry.is_current] == ["People"]
