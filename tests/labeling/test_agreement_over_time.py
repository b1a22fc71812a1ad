from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.agreement_chart import HEIGHT, LEFT, RIGHT, WIDTH, draw
from labeling.agreement_over_time import MOST_PERIODS, Period, over_time
from labeling.judgements import Judgement
from labeling.resampling import Figure, Interval

START = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday


def both(document, days, one, other):
    """Two people judged *document* so many days after the start."""
    at = START + timedelta(days=days)
    return [
        Judgement(document, person, frozenset({label}), at)
        for person, label in enumerate((one, other))
    ]


def days_of(spans):
    return [(each.start, (each.end - each.start).days, each.figure.documents) for each in spans]


def test_each_period_has_the_alpha_of_its_own_documents():
    judgements = [
        *both(1, 0, 7, 7), *both(2, 0, 8, 8), *both(3, 0, 7, 7), *both(4, 0, 8, 7),
        *both(5, 2, 7, 7), *both(6, 2, 8, 8),
    ]  # fmt: skip
    first, second = over_time(judgements, UTC, seed=0)

    # 5 of 8 judgements say 7: D_e = 2 · 5 · 3 / (8 · 7), D_o = 2 / 8.
    assert first.figure.value == pytest.approx(1 - (2 / 8) / (30 / 56))
    assert (first.start, first.end) == (date(2026, 3, 2), date(2026, 3, 3))
    assert second.figure.value == 1
    assert second.start == date(2026, 3, 4)


def test_a_document_counts_where_it_was_last_judged():
    late = Judgement(1, 9, frozenset({7}), START + timedelta(days=5))
    (only,) = over_time([*both(1, 0, 7, 7), late], UTC, seed=0)

    assert (only.start, only.figure.documents) == (date(2026, 3, 7), 1)


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (25, [(date(2026, 3, 2), 1, 1), (date(2026, 3, 27), 1, 1)]),
        (26, [(date(2026, 3, 2), 7, 1), (date(2026, 3, 23), 7, 1)]),
        (300, [(date(2026, 3, 1), 31, 1), (date(2026, 12, 1), 31, 1)]),
        (1_000, [(date(2026, 1, 1), 365, 1), (date(2028, 1, 1), 366, 1)]),
    ],
)
def test_periods_grow_with_the_time_they_are_to_span(last, expected):
    assert days_of(over_time([*both(1, 0, 7, 8), *both(2, last, 7, 8)], UTC, seed=0)) == expected


@given(st.lists(st.integers(0, 4_000), min_size=1, max_size=40))
def test_there_are_never_too_many_and_every_document_is_in_one(days):
    judgements = [each for at, day in enumerate(days) for each in both(at, day, 7, 8)]
    periods = over_time(judgements, UTC, seed=0)

    assert len(periods) <= MOST_PERIODS
    assert sum(each.figure.documents for each in periods) == len(days)
    assert all(a.end <= b.start for a, b in pairwise(periods))


def test_days_begin_where_the_pages_say_they_do():
    evening = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    judgements = [Judgement(1, person, frozenset({7}), evening) for person in (1, 2)]
    (only,) = over_time(judgements, ZoneInfo("Europe/Berlin"), seed=0)

    assert only.start == date(2026, 3, 3)


def test_nothing_judged_is_no_period():
    assert over_time([], UTC, seed=0) == []


def week(number, alpha, interval=None):
    start = date(2026, 3, 2) + timedelta(weeks=number)
    return Period(start, start + timedelta(weeks=1), Figure(alpha, interval, 12))


def test_dots_lie_in_the_middle_of_their_time_and_as_high_as_their_alpha():
    chart = draw([week(0, 1.0), week(1, None), week(3, 0.0, Interval(-0.2, 0.3))], [])
    one, other = chart.dots
    eighth = (WIDTH - LEFT - RIGHT) / 8

    assert (one.x, other.x) == (round(LEFT + eighth, 1), round(LEFT + 7 * eighth, 1))
    assert dict(reversed(line) for line in chart.lines)[1.0] == one.y
    assert one.ends is None
    high, low = other.ends
    assert high < other.y == low, "what is below the chart ends at its edge"
    assert chart.points == f"{one.x},{one.y} {other.x},{other.y}"


def test_a_period_below_chance_makes_room_for_itself():
    chart = draw([week(0, -0.5), week(1, 1.0)], [])

    assert chart.dots[0].y < HEIGHT
    assert chart.dots[0].y > dict(reversed(line) for line in chart.lines)[0.0]


def test_what_was_published_meanwhile_is_marked_and_close_ones_share_a_mark():
    def on(day, hour=0):
        return datetime(2026, 3, day, hour, tzinfo=UTC)

    published = [
        (on(1), "v1"), (on(4), "v2"), (on(4, 9), "v3"), (on(5), "v4"), (on(20), "v5"),
    ]  # fmt: skip
    chart = draw([week(0, 0.5), week(3, 0.6)], published)

    assert [mark.name for mark in chart.marks] == ["v2\N{EN DASH}v4", "v5"]
    assert chart.marks[0].x == round(LEFT + 2 / 28 * (WIDTH - LEFT - RIGHT), 1)


def test_one_dot_is_no_chart():
    assert draw([week(0, 0.5), week(1, None)], []) is None
    assert draw([], []) is None
