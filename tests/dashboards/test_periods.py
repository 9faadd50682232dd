"""Whole periods only, against a day-by-day count."""

import datetime as dt
import os
import random

import pytest

from dashboards.superset_steelyard.periods import Recorded

DAY = dt.timedelta(days=1)


def ends(text):
    start, stop = (dt.date.fromisoformat(part) for part in text.split(" : "))
    return start, stop


def test_the_demo_year_opens_on_its_last_quarter():
    year = Recorded(dt.date(2017, 1, 1), dt.date(2017, 12, 31))
    assert year.last_complete() == "2017-10-01 : 2018-01-01"
    assert year.whole_weeks() == "2017-01-02 : 2018-01-01"
    assert year.whole_months() == "2017-01-01 : 2018-01-01"


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("2017-01-01", "2017-12-30", "2017-07-01 : 2017-10-01"),
        ("2017-05-15", "2017-12-30", "2017-11-01 : 2017-12-01"),
        ("2017-10-30", "2017-12-30", "2017-11-27 : 2017-12-25"),
        ("2017-12-01", "2017-12-09", "2017-12-01 : 2017-12-10"),
    ],
)
def test_an_incomplete_quarter_falls_back_to_month_weeks_and_everything(first, last, expected):
    found = Recorded(dt.date.fromisoformat(first), dt.date.fromisoformat(last)).last_complete()
    assert found == expected


def test_no_range_holds_a_day_without_data():
    seed = int(os.environ.get("STEELYARD_TEST_SEED", random.randrange(10**9)))
    print(f"STEELYARD_TEST_SEED={seed}")
    chance = random.Random(seed)
    for _ in range(2000):
        first = dt.date(2015, 1, 1) + chance.randrange(1500) * DAY
        recorded = Recorded(first, first + chance.randrange(1000) * DAY)
        for text in (recorded.last_complete(), recorded.whole_weeks(), recorded.whole_months()):
            start, stop = ends(text)
            assert recorded.first <= start < stop <= recorded.last + DAY, (recorded, text)
        start, stop = ends(recorded.whole_weeks())
        if text != recorded.everything() and (start, stop) != ends(recorded.everything()):
            assert start.weekday() == stop.weekday() == 0
        start, stop = ends(recorded.whole_months())
        if (start, stop) != ends(recorded.everything()):
            assert start.day == stop.day == 1
