from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from labeling import sitting
from tests.factories import AnnotationFactory

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


def every(seconds, count, until=NOON):
    return [until - timedelta(seconds=seconds * n) for n in range(count)]


def test_pace_is_decisions_an_hour_of_the_present_run():
    day = sitting.measure(every(20, 10), now=NOON)

    assert (day.decisions, day.in_a_row, day.per_hour) == (10, 10, 180)


def test_a_long_pause_ends_the_run():
    earlier = every(20, 7, until=NOON - timedelta(hours=1))
    day = sitting.measure(every(60, 6) + earlier, now=NOON)

    assert (day.decisions, day.in_a_row, day.per_hour) == (13, 6, 60)


def test_after_a_pause_there_is_no_run():
    day = sitting.measure(every(20, 7, until=NOON - timedelta(minutes=11)), now=NOON)

    assert (day.decisions, day.in_a_row, day.per_hour) == (7, 0, None)


@pytest.mark.parametrize("times", [[], every(20, 4), [NOON] * 6])
def test_too_little_tells_no_pace(times):
    assert sitting.measure(times, now=NOON).per_hour is None


@pytest.mark.django_db
def test_only_my_standing_decisions_of_today_count(project, reviewer, other_reviewer):
    AnnotationFactory(reviewer=reviewer, annotated_at=NOON)
    AnnotationFactory(reviewer=reviewer, annotated_at=NOON - timedelta(days=1))
    AnnotationFactory(reviewer=reviewer, annotated_at=NOON, undone_at=NOON)
    AnnotationFactory(reviewer=other_reviewer, annotated_at=NOON)

    assert sitting.of(project, reviewer, now=NOON).decisions == 1


@pytest.mark.django_db
def test_decisions_in_bulk_count_but_are_no_pace(project, reviewer):
    for at in every(60, 6):
        AnnotationFactory(reviewer=reviewer, annotated_at=at)
    for _ in range(4):
        AnnotationFactory(reviewer=reviewer, annotated_at=NOON, batch=UUID(int=7))
    day = sitting.of(project, reviewer, now=NOON)

    assert (day.decisions, day.in_a_row, day.per_hour) == (10, 6, 60)
