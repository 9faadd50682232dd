"""Retailers whose weeks, places or money are other than the demo's; nothing but three tables each."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.retailers.matrix import CHECKS, SALES_ALONE, Shape, run_shapes
from tests.retailers.real import grocer, online_shop
from tests.retailers.shop import write_shop


def _restarting(first: dt.date, day: dt.date) -> int:
    """Weeks of a year, from 1 to 52 and from 1 again."""
    return ((day - first).days // 7) % 52 + 1


SHAPES = {
    "weekdays": Shape(lambda: write_shop(weekdays=range(5)), SALES_ALONE),
    "one_store": Shape(lambda: write_shop(stores=("S1",)), SALES_ALONE),
    "weeks_restart": Shape(
        lambda: write_shop(weeks=156, first=dt.date(2023, 1, 2), week_of=_restarting, stores=("S1",)),
        SALES_ALONE,
    ),
    # Noon in Tokyo is night in New York: the trading day is the one that the shop says.
    "tokyo": Shape(
        lambda: write_shop(first=dt.date(2025, 4, 7), per_unit=150, noon_utc=3),
        SALES_ALONE,
        retailer="name: Tokyo\ncurrency: JPY\ntime_zone: Asia/Tokyo\n",
    ),
    "online_shop": Shape(lambda: online_shop(products=10, weeks=53), SALES_ALONE | {"margin_risk": "waits"}),
    "grocer": Shape(
        lambda: grocer(stores=2, products=6, weeks=130),
        SALES_ALONE | {"margin_risk": "waits", "kpis_customer_analytics": "waits"},
    ),
}


pytestmark = pytest.mark.full  # a shape takes a minute


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    return run_shapes(tmp_path_factory.mktemp("retailers"), SHAPES, {})


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("check", CHECKS)
def test_a_retailer_of_another_shape(ran, name, check):
    check(ran(name))
