"""Each setting changes a number, counted by hand on a shop of a few lines; what is not set stays neutral."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import duckdb
import jinja2
import pytest

from integrations.retailer import NEUTRAL, Retailer, dbt_variables

PROJECT = Path(__file__).parents[3] / "dbt_project"
MONDAY = dt.date(2024, 5, 20)  # the Monday after is Memorial Day
DISPATCHED = re.compile(r"{{ return\(adapter\.dispatch\('(\w+)', 'steelyard'\)\((.*?)\)\) }}")


def macros(*names: str) -> str:
    """Macro files; what is dispatched by adapter as the default has it."""
    text = "\n".join((PROJECT / "macros" / name).read_text() for name in names)
    return DISPATCHED.sub(r"{{ default__\1(\2) }}", text)


def rendered(text: str, retailer: Retailer) -> str:
    """SQL as dbt renders it under a retailer's variables; a `ref` is a table of that name."""
    environment = jinja2.Environment(autoescape=False)  # noqa: S701 - SQL, not HTML
    names = {"var": dbt_variables(retailer).__getitem__, "ref": lambda name: name, "none": None}
    return environment.from_string(text).render(**names)


def model(name: str, retailer: Retailer) -> str:
    (path,) = PROJECT.glob(f"models/**/{name}.sql")
    return rendered(macros("dates.sql", "retail.sql") + path.read_text(), retailer)


@pytest.fixture
def shop():
    """Three weeks, Monday to Friday, of which two lack days; on the i-th day each product sells i pieces."""
    con = duckdb.connect()
    con.execute("""CREATE TABLE dim_product AS SELECT * FROM (VALUES
        ('P1', 'FOOD', 'BREAD'), ('P2', 'GAS', 'GAS')) p(product_id, department, category)""")
    con.execute("CREATE TABLE fct_promotions_weekly AS SELECT 'L1' AS location_id")
    con.execute("""CREATE TABLE fct_sales_lines (location_id TEXT, product_id TEXT, customer_id TEXT,
        basket_id TEXT, week INT, date_day DATE, quantity INT, net_sales DOUBLE, discounts DOUBLE,
        gross_margin DOUBLE, promotion_id TEXT, is_simulated_cost BOOLEAN)""")
    days = [MONDAY + dt.timedelta(days=7 * week + day) for week in range(3) for day in range(5)]
    days = [day for day in days if (day - MONDAY).days not in {7, 15, 16}]
    for i, day in enumerate(days):
        week = (day - MONDAY).days // 7 + 1
        for product, location in (("P1", "L1"), ("P2", "L2")):
            con.execute(
                "INSERT INTO fct_sales_lines VALUES (?, ?, 'C', ?, ?, ?, ?, 1, 0, 1, '0/0', false)",
                [location, product, f"B{i}", week, day, i],
            )
    yield con
    con.close()


def lines(con, retailer):
    con.execute(f"CREATE OR REPLACE TABLE feat_calendar_week AS {model('feat_calendar_week', retailer)}")
    sql = model("feat_demand_lines", retailer)
    return con.execute(f"SELECT count(*), sum(units) FROM ({sql})").fetchall()[0]


def weeks(con, retailer, columns="week"):
    sql = model("feat_calendar_week", retailer)
    return con.execute(f"SELECT {columns} FROM ({sql}) WHERE is_recorded ORDER BY week").fetchall()


def demand(**changes):
    return NEUTRAL.model_copy(update={"demand": NEUTRAL.demand.model_copy(update=changes)})


def test_weeks_that_count(shop):
    assert weeks(shop, NEUTRAL) == [(1,), (2,)], "five days are usual: four are enough, three are not"
    assert weeks(shop, demand(least_trading_days=5)) == [(1,)]
    assert weeks(shop, demand(least_trading_days=1)) == [(1,), (2,), (3,)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (16, 72.0)),  # quantities 1 to 8 of weeks 1 and 2, both products; 0 is no sale
        ({"least_quantity": 3}, (12, 66.0)),
        ({"greatest_quantity": 3}, (6, 12.0)),
        ({"excluded_departments": ("GAS",)}, (8, 36.0)),
        ({"excluded_categories": ("BREAD",)}, (8, 36.0)),
        ({"promoting_locations_only": True}, (8, 36.0)),
    ],
)
def test_lines_that_are_demand(shop, changes, expected):
    assert lines(shop, demand(**changes)) == expected


def test_holidays_and_own_events(shop):
    assert weeks(shop, NEUTRAL, "is_holiday, is_memorial_day") == [(0, 0), (0, 0)]
    american = NEUTRAL.model_copy(update={"holidays": "US"})
    fair = Retailer.model_validate({"events": [{"day": "2024-05-22", "name": "fair"}]})
    assert weeks(shop, fair, "is_holiday, is_before_holiday") == [(1, 0), (0, 0)]
    shop.execute("""INSERT INTO fct_sales_lines
        SELECT * REPLACE (DATE '2024-05-27' AS date_day, 2 AS week) FROM fct_sales_lines LIMIT 1""")
    assert weeks(shop, american, "is_holiday, is_memorial_day") == [(0, 0), (1, 1)]
    assert weeks(shop, NEUTRAL, "is_holiday, is_memorial_day") == [(0, 0), (0, 0)]


def test_a_day_is_that_of_the_location_s_clock(shop):
    """23:30 UTC on the first of May, in a shop on each side of the world."""
    text = "SELECT {{ trading_date('sold_at', 'location_id') }} FROM sold ORDER BY location_id"
    shop.execute("""CREATE TABLE sold AS
        SELECT unnest(['JP', 'LA', 'XX']) AS location_id, TIMESTAMP '2024-05-01 23:30' AS sold_at""")

    def days(retailer):
        rows = shop.execute(rendered(macros("dates.sql") + text, retailer)).fetchall()
        return [day.day for (day,) in rows]

    assert days(NEUTRAL) == [1, 1, 1]
    assert days(Retailer(time_zone="Asia/Tokyo")) == [2, 2, 2]
    zones = {"JP": "Asia/Tokyo", "LA": "America/Los_Angeles"}
    assert days(Retailer(location_time_zones=zones)) == [2, 1, 1]


def test_merchandise_and_the_cost_of_what_has_none(shop):
    text = """WITH given AS (SELECT 'GAS' AS d, 'O''Neil' AS c)
        SELECT {{ is_merchandise('d', 'c') }}, {{ cost_of_value('20.0') }} FROM given"""

    def answer(**settings):
        retailer = Retailer.model_validate(settings)
        return shop.execute(rendered(macros("retail.sql") + text, retailer)).fetchall()[0]

    assert answer() == (True, None)
    assert answer(departments={"not_merchandise": ["GAS"]})[0] is False
    assert answer(departments={"categories_not_merchandise": ["O'Neil"]})[0] is False
    assert float(answer(costs={"share_kept_without_cost": 0.25})[1]) == 15.0


def test_stock_and_cash_settings_are_in_the_sql():
    for name, part, setting in (
        ("fct_inventory_daily", "stock", "target_cover_days"),
        ("int_receivables_changes", "costs", "coupon_reimbursement_days"),
    ):
        changed = Retailer.model_validate({part: {setting: 77}})
        assert "77" in model(name, changed) and "77" not in model(name, NEUTRAL)
