"""A small retailer in the feature tables' own form: made here, seeded, so that a test needs no release."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from tests.seeds import fixed_generator

WEEKS = 53
STORES, CATEGORIES = 6, 8
MEASURES = """u AS units, u::INT AS baskets, u::INT AS customers, u AS largest_line_units,
    u * 2 AS net_sales, u / 10 AS discounts"""


def write_features(path: Path, *, last_week: int = WEEKS, poison_after: int | None = None) -> Path:
    """Feature tables for weeks 2 to `last_week`. `poison_after`: later sales become absurd, the plan
    stays."""
    rng = fixed_generator(7)
    sales = _sales(rng, last_week, poison_after)
    by_category, by_product = _plan(rng)
    with duckdb.connect(str(path)) as con:
        for name, frame in (
            ("sales", sales),
            ("feat_promotion_plan_category_week", by_category),
            ("feat_promotion_plan_product_week", by_product),
            ("feat_discount_plan_category_week", _discount_plan(by_category)),
        ):
            con.register("frame", frame)
            con.execute(f"CREATE TABLE {name} AS SELECT * FROM frame")
            con.unregister("frame")
        _tables(con, last_week)
    return path


def _sales(rng: np.random.Generator, last_week: int, poison_after: int | None) -> pd.DataFrame:
    rate = rng.gamma(2, 2, (STORES, CATEGORIES, 2))
    rows = []
    for week in range(2, WEEKS + 1):
        units = rng.poisson(rate * (1 + 0.3 * np.sin(week / 6)))
        for (s, c, p), count in np.ndenumerate(units):
            value = float(count) if poison_after is None or week <= poison_after else 1e4
            if value and week <= last_week:
                rows.append((f"S{s}", f"C{c}", f"D{c % 3}", f"P{c}{p}", week, value))
    return pd.DataFrame(
        rows, columns=["location_id", "category", "department", "product_id", "week", "units"]
    )


def _plan(rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    by_category, by_product = [], []
    for week in range(2, WEEKS + 1):
        for s in range(STORES):
            for c in range(CATEGORIES):
                flag = int(rng.random() < 0.3)
                where = {"location_id": f"S{s}", "week": week}
                by_category.append({
                    **where, "category": f"C{c}", "planned_products": 2, "displayed_products": flag,
                    "mailed_products": flag, "display_share": flag / 2, "mailer_share": flag / 2,
                    "display_and_mailer_share": flag / 2, "interior_page_share": 0.0, "front_page_share": 0.0,
                })  # fmt: skip
                if flag:
                    by_product.append({
                        **where, "product_id": f"P{c}0", "is_display": 1, "is_mailer": 1,
                        "is_interior_page": 0, "is_front_page": 0,
                        "is_wrap_front": 0, "is_prominent_display": 1,
                    })  # fmt: skip
    return pd.DataFrame(by_category), pd.DataFrame(by_product)


def _discount_plan(by_category: pd.DataFrame) -> pd.DataFrame:
    """Half of a flagged category is in the mailer and loses a fifth of its price there."""
    flagged = by_category[by_category["displayed_products"] > 0]
    return flagged[["location_id", "category", "week"]].assign(
        mailer_depth=0.1, display_depth=0.0, mailer_sales_share=0.5, display_sales_share=0.0
    )


def _money(con: duckdb.DuckDBPyConnection) -> None:
    """Sales at two dollars a unit; a third of it is margin, a flagged week gives half of that away."""
    con.execute(
        """CREATE TABLE money AS SELECT s.location_id, s.category, s.department, s.week, s.units,
                s.units * CASE WHEN p.week IS NULL THEN 2.0 ELSE 1.7 END AS net_sales,
                s.units * CASE WHEN p.week IS NULL THEN 0.7 ELSE 0.4 END
                    + 0.2 * s.units * ((hash(s.location_id, s.category, s.week) % 100) / 100.0 - 0.5)
                    AS gross_margin,
                s.units * CASE WHEN p.week IS NULL THEN 0.1 ELSE 0.4 END AS discounts
            FROM sales s LEFT JOIN feat_discount_plan_category_week p USING (location_id, category, week)"""
    )
    sums = ", ".join(f"sum({m}) AS {m}" for m in ("net_sales", "gross_margin", "discounts"))
    con.execute(
        f"""CREATE TABLE feat_margin_category_week AS SELECT location_id, category, week, sum(units) units,
            {sums}, true AS is_simulated FROM money GROUP BY ALL"""
    )
    parts = [
        f"SELECT '{pool}' AS pool, {column} AS member, week, {sums} FROM money GROUP BY ALL"
        for pool, column in {
            "category": "category",
            "department": "department",
            "location": "location_id",
        }.items()
    ]
    con.execute("CREATE TABLE feat_margin_pool_week AS " + " UNION ALL ".join(parts))
    con.execute(
        """CREATE TABLE feat_location AS SELECT DISTINCT location_id,
            CASE WHEN location_id < 'S3' THEN 'East' ELSE 'West' END AS region, 'store' AS location_type,
            DATE '2010-01-01' AS opened_on FROM sales"""
    )


def _tables(con: duckdb.DuckDBPyConnection, last_week: int) -> None:
    con.execute(
        f"""CREATE TABLE feat_calendar_week AS
            SELECT week, week <= {last_week} AS is_recorded,
                DATE '2017-01-08' + ((week - 2) * 7)::INT AS last_day, (week = 16)::INT AS is_easter,
                0 AS is_memorial_day, (week = 27)::INT AS is_independence_day, 0 AS is_labor_day,
                (week IN (16, 27, 47))::INT AS is_holiday, (week IN (15, 26, 46))::INT AS is_before_holiday
            FROM (SELECT unnest(range(2, {last_week + 9}))::INT AS week)"""
    )
    for tier, columns in (("category", "category"), ("product", "product_id, category")):
        con.execute(
            f"""CREATE TABLE feat_demand_{tier}_week AS WITH weekly AS (
                    SELECT location_id, department, {columns}, week, sum(units) AS u FROM sales GROUP BY ALL)
                SELECT location_id, department, {columns}, week, {MEASURES} FROM weekly"""
        )
    pools = {
        "category": "category",
        "product": "product_id",
        "department": "department",
        "location": "location_id",
    }
    parts = [
        f"SELECT '{pool}' AS pool, {column} AS member, week, sum(units) AS units, count(*)::INT AS baskets "
        "FROM sales GROUP BY ALL"
        for pool, column in pools.items()
    ]
    con.execute("CREATE TABLE feat_demand_pool_week AS " + " UNION ALL ".join(parts))
    _money(con)
    _newcomers(con)


def _newcomers(con: duckdb.DuckDBPyConnection) -> None:
    """A store that opened two weeks ago, a product that two stores have just taken in, a shelf empty for two
    days of every fifth week."""
    con.execute(
        """CREATE TABLE feat_cold_start_pair AS
            SELECT 'category' AS tier, 'S9' AS location_id, 'C' || c AS item, 'D' || c % 3 AS department,
                'C' || c AS category, 2 AS weeks_known, 3.0 * c AS units FROM range(5) t(c)
            UNION ALL
            SELECT 'product', 'S' || s, 'P19', 'D1', 'C1', 3, 2.0 * s FROM range(1, 3) t(s)"""
    )
    con.execute(
        """CREATE TABLE feat_stockout_product_week AS SELECT location_id, product_id, week, 2.0 AS empty_days
            FROM feat_demand_product_week WHERE week % 5 = 0 AND product_id = 'P20'"""
    )
