"""What Superset's reader of periods is handed, without Superset."""

import datetime as dt

import pytest

from dashboards.superset_steelyard import clock


@pytest.fixture
def read(monkeypatch):
    """The arguments that reach Superset's own function, the data ending in 2017."""
    monkeypatch.setattr(clock, "last_day", lambda: dt.date(2017, 12, 31))
    return clock._ending_with_the_data(lambda time_range, **named: (time_range, named))


def test_periods_back_from_here_end_with_the_data(read):
    ends = {"relative_start": "2018-01-01", "relative_end": "2018-01-01"}
    assert read("Last week", relative_start="today", relative_end="today") == ("Last week", ends)
    assert read(time_range="Next month") == ("Next month", ends)


def test_what_names_no_period_is_not_cut_at_the_end_of_the_data(read):
    _, named = read(time_range=None, relative_start="today", relative_end="today")
    assert named["relative_end"] == dt.date.today().isoformat()


@pytest.mark.parametrize("period", ["2017-01-01 : 2017-02-01", "Current month", "No filter"])
def test_other_periods_are_handed_on_as_they_are(read, period):
    given = {"relative_start": "today", "relative_end": "today"}
    assert read(time_range=period, **given) == (period, given)


def test_today_and_now_are_the_datas(monkeypatch):
    monkeypatch.setattr(clock, "last_day", lambda: dt.date(2017, 12, 31))
    parse = clock._from_the_data(dt.datetime.fromisoformat)
    assert parse("today") == dt.datetime(2017, 12, 31)
    assert parse(" NOW ") == dt.datetime(2018, 1, 1)
    assert parse("2017-03-01") == dt.datetime(2017, 3, 1)
