"""Planted drift is found in its own week and named; quiet weeks of the recorded year stay quiet.

The recorded lines of the demo are changed by SQL in one week, as a broken feed or a new price list would
change them; everything before that week stays as recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from models_ml.drift.alerts import judge, states
from models_ml.drift.changes import changes
from models_ml.drift.codes import code_changes
from models_ml.drift.findings import finding
from models_ml.drift.observe import observe
from semantic.sql.quoting import literal

WEEK = 40
COLUMNS = """week, location_id, product_id, customer_id, channel, date_day, quantity, gross_sales,
    net_sales, discounts"""
WEST = "location_id IN (SELECT location_id FROM dim_location WHERE region = 'West')"


def of(column: str, value: str) -> str:
    return f"product_id IN (SELECT product_id FROM dim_product WHERE {column} = '{value}')"


def priced(condition: str, factor: float) -> str:
    times = f"(CASE WHEN {condition} THEN {factor} ELSE 1 END)"
    return f"""SELECT * REPLACE (gross_sales * {times} AS gross_sales,
        net_sales * {times} AS net_sales) FROM week_lines"""


def repeated(condition: str, times: int) -> str:
    return f"SELECT week_lines.* FROM week_lines, range(CASE WHEN {condition} THEN {times} ELSE 1 END)"


RENAMED = f"""SELECT * REPLACE (CASE WHEN {of("category", "SOFT DRINKS")} THEN 'renamed ' || product_id
    ELSE product_id END AS product_id) FROM week_lines"""
PLANTED = {
    "a department's prices up 8 %": (
        priced(of("department", "GROCERY"), 1.08),
        ("price_shift", "shelf_price", "department", "GROCERY"), "+8",
    ),
    "a region's prices down 6 %": (
        priced(WEST, 0.94), ("price_shift", "shelf_price", "region", "West"), "-5.8%",
    ),
    "a region's sales missing": (
        f"SELECT * FROM week_lines WHERE NOT {WEST}", ("lost_feed", "sales_lines", "region", "West"), "-99%",
    ),
    "two days of a region missing": (
        f"""SELECT * FROM week_lines WHERE NOT ({WEST} AND date_day IN
            (SELECT DISTINCT date_day FROM week_lines ORDER BY 1 LIMIT 2))""",
        ("lost_feed", "days_with_sales", "region", "West"), "29%",
    ),
    "discounts no longer delivered": (
        "SELECT * REPLACE (net_sales AS gross_sales, 0 AS discounts) FROM week_lines",
        ("lost_feed", "discounts", "all", "all"), "discounts",
    ),
    "twice the share of a department": (
        repeated(of("department", "DRUG GM"), 2), ("mix_shift", "department_share", "all", "all"), "DRUG GM",
    ),
    "four times the share of a category": (
        repeated(of("category", "SOFT DRINKS"), 4),
        ("mix_shift", "category_share", "category", "SOFT DRINKS"), "SOFT DRINKS",
    ),
    "a category under another name": (
        RENAMED, ("renamed_code", "category", "all", "all"), "SOFT DRINKS → CARBONATED",
    ),
    "a channel under another name": (
        "SELECT * REPLACE ('POS' AS channel) FROM week_lines",
        ("renamed_code", "channel", "all", "all"), "store → POS",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def con(release_dir: Path):
    """Marts of the release in memory, sales as the columns that monitoring reads."""
    con = duckdb.connect()
    con.execute("SET threads = 2")
    con.execute(f"ATTACH {literal(release_dir / 'warehouse.duckdb')} AS w (READ_ONLY)")
    con.execute(f"CREATE TABLE lines AS SELECT {COLUMNS} FROM w.main.fct_sales_lines")
    con.execute("""CREATE TABLE plans AS SELECT week, location_id FROM w.main.fct_promotions_weekly
        WHERE hash(product_id) % 20 = 0""")
    for name in ("dim_product", "dim_location", "feat_calendar_week"):
        con.execute(f"CREATE TABLE {name} AS FROM w.main.{name}")
    con.execute("""INSERT INTO dim_product BY NAME SELECT * REPLACE ('renamed ' || product_id AS product_id,
        'CARBONATED' AS category) FROM dim_product WHERE category = 'SOFT DRINKS'""")
    con.execute("DETACH w")
    yield con
    con.close()


@pytest.fixture(scope="module")
def judged(con: duckdb.DuckDBPyConnection) -> Callable[..., pd.DataFrame]:
    def run(sales: str, plans: str = "SELECT * FROM plans") -> pd.DataFrame:
        con.execute(f"CREATE OR REPLACE VIEW fct_sales_lines AS {sales}")
        con.execute(f"CREATE OR REPLACE VIEW fct_promotions_weekly AS {plans}")
        seen = observe(con)
        values = pd.concat([changes(seen), code_changes(seen)], ignore_index=True)
        return judge(values, set(seen.weeks.loc[seen.weeks["is_special"], "week"].astype(int)))

    return run


@pytest.mark.parametrize("name", PLANTED)
def test_planted_drift_alerts_in_its_week_and_is_named(
    name: str, con: duckdb.DuckDBPyConnection, judged: Callable[..., pd.DataFrame]
) -> None:
    week_sql, expected, sentence = PLANTED[name]
    con.execute(f"CREATE OR REPLACE VIEW week_lines AS SELECT * FROM lines WHERE week = {WEEK}")
    results = judged(
        f"SELECT * FROM lines WHERE week BETWEEN {WEEK - 24} AND {WEEK - 1} UNION ALL {week_sql}"
    )
    alerts = results[(results["week"] == WEEK) & (results["alert_state"] == "alert")]
    findings = {(r.kind, r.feature, r.segment_type, r.segment): finding(r) for r in alerts.itertuples()}
    assert expected in findings, sorted(findings)
    assert sentence in findings[expected]


def test_a_promotion_feed_that_ends_is_named(judged: Callable[..., pd.DataFrame]) -> None:
    results = judged(
        f"SELECT * FROM lines WHERE week BETWEEN {WEEK - 24} AND {WEEK}",
        f"SELECT * FROM plans WHERE week <> {WEEK} OR NOT {WEST}",
    )
    alerts = results[(results["week"] == WEEK) & (results["alert_state"] == "alert")]
    assert [(r.kind, r.feature, r.segment) for r in alerts.itertuples()] == [
        ("lost_feed", "promotions", "West")
    ]


def test_at_most_one_quiet_window_in_twenty_alerts(
    con: duckdb.DuckDBPyConnection, judged: Callable[..., pd.DataFrame]
) -> None:
    """The recorded weeks of two halves of the households, each a retailer of its own: 72 windows.

    A store that really stopped selling, or was replaced, is no false alarm: it is checked against the lines.
    """
    windows, false = 0, []
    for half in (0, 1):
        results = judged(f"SELECT * FROM lines WHERE hash(customer_id) % 2 = {half}")
        windows += results["week"].nunique()
        alerts = results[(results["alert_state"] == "alert")]
        of_stores = (alerts["segment_type"] == "location") | (alerts["feature"] == "location")
        false += [(half, week) for week in sorted(alerts.loc[~of_stores, "week"].unique())]
        for row in alerts[of_stores & (alerts["segment_type"] == "location")].itertuples():
            false += [] if _really_ended(con, row.segment, row.week) else [(half, row.week)]
    assert windows >= 50
    assert len(set(false)) <= 0.05 * windows, false


def _really_ended(con: duckdb.DuckDBPyConnection, location: str, week: int) -> bool:
    """The store sold less than a fifth of its usual lines in that week, to all households."""
    now, usual = con.execute(
        f"""SELECT count(*) FILTER (week = {week}), count(*) FILTER (week < {week} - 8) / ({week} - 10)
            FROM lines WHERE location_id = ?""",
        [location],
    ).fetchone()
    return bool(now < 0.2 * usual)


def test_an_alert_opens_at_once_when_far_and_else_when_it_lasts() -> None:
    never = np.zeros(8, bool)
    lasting = np.array([0, 1, 0, 0, 1, 1, 0, 0], bool)
    assert states(lasting, never) == ["quiet", "watch", "quiet", "quiet", "watch", "alert", "alert", "quiet"]
    far = np.array([0, 1, 0, 0, 0, 0, 0, 0], bool)
    assert states(far, far) == ["quiet", "alert", "alert", "quiet", "quiet", "quiet", "quiet", "quiet"]
