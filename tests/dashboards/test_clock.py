"""Periods told from today count from the last day of the data: in what is shown, and in what is asked."""

import datetime as dt

import pytest

PERIODS = {
    "Last week": ("2017-12-25", "2018-01-01"),
    "Last month": ("2017-12-01", "2018-01-01"),
    "Last quarter": ("2017-10-01", "2018-01-01"),
    "previous calendar month": ("2017-11-01", "2017-12-01"),
    "Current month": ("2017-12-01", "2018-01-01"),
    "Current year": ("2017-01-01", "2018-01-01"),
    'DATEADD(DATETIME("now"), -7, day) : now': ("2017-12-25", "2018-01-01"),
    "2017-03-01 : 2017-04-01": ("2017-03-01", "2017-04-01"),
}


@pytest.fixture(scope="module")
def executive(site):
    return site.sign_in("executive")


@pytest.mark.parametrize("period", PERIODS)
def test_the_picker_shows_days_that_have_data(site, executive, period):
    answer = executive.get(f"{site.url}/api/v1/time_range/", params={"q": f"'{period}'"}).json()
    (row,) = answer["result"] if isinstance(answer["result"], list) else [answer["result"]]
    assert (row["since"][:10], row["until"][:10]) == PERIODS[period]


@pytest.mark.parametrize("period", ["Last month", "Current month", "previous calendar month"])
def test_a_chart_asks_for_the_days_that_are_shown(site, executive, period):
    first, after = PERIODS[period]
    answer = site.chart(executive, ["net_sales"], time_range=period, granularity="metric_time")
    (row,) = answer.json()["result"][0]["data"]
    last = (dt.date.fromisoformat(after) - dt.timedelta(days=1)).isoformat()
    ((expected,),) = site.metric_query("executive", ["net_sales"], time_constraint=(first, last))
    assert row["net_sales"] == pytest.approx(float(expected)) and expected is not None
