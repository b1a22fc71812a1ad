"""How far people agree in each day, week, month or year.

Whoever changes a definition wants to know whether people read it more alike since. Documents are
counted where they were last judged: one judged under two definitions tells of the later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo
from typing import Final

from labeling.agreement import alphas
from labeling.distances import nominal
from labeling.judgements import Judgement, several
from labeling.resampling import Figure

MOST_PERIODS: Final = 26
"""Of a chart, so that dots stay apart; half a year of weeks."""
ROUNDS: Final = 200
"""Resamples of an interval that is drawn a few pixels wide."""


@dataclass(frozen=True, slots=True)
class Period:
    """Alpha over whole answers of documents last judged from *start* until before *end*."""

    start: date
    end: date
    figure: Figure


def over_time(judgements: Iterable[Judgement], zone: tzinfo, *, seed: int) -> list[Period]:
    """Return the periods in which documents were last judged, oldest first.

    They are the shortest of days, weeks, months and years of which MOST_PERIODS reach from the
    first to the last, as they begin in *zone*.
    """
    of_document: dict[int, list[Judgement]] = {}
    for each in judgements:
        of_document.setdefault(each.document, []).append(each)
    last = {
        pk: max(each.at for each in said).astimezone(zone).date()
        for pk, said in of_document.items()
    }
    if not last:
        return []
    start_of = _finest(min(last.values()), max(last.values()))
    among: dict[date, list[Judgement]] = {}
    for pk, said in of_document.items():
        among.setdefault(start_of(last[pk]), []).extend(said)
    return [
        Period(start, _next(start, start_of), _exact(said, seed=seed))
        for start, said in sorted(among.items())
    ]


def _exact(judgements: Sequence[Judgement], *, seed: int) -> Figure:
    judged = several(judgements)
    (figure,) = alphas(judged, [nominal(judged.answers)], seed=seed, rounds=ROUNDS)
    return figure


Start = Callable[[date], date]
"""From a day to the first day of the period it lies in."""


def _day(day: date) -> date:
    return day


def _week(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _month(day: date) -> date:
    return day.replace(day=1)


def _year(day: date) -> date:
    return day.replace(month=1, day=1)


def _finest(first: date, last: date) -> Start:
    for start_of, days in ((_day, 1), (_week, 7), (_month, 30.5)):
        if (start_of(last) - start_of(first)).days / days < MOST_PERIODS - 0.5:
            return start_of
    return _year


def _next(start: date, start_of: Start) -> date:
    end = start + timedelta(days=1)
    while start_of(end) == start:
        end += timedelta(days=1)
    return end
