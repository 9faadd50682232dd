"""What the monitored weeks look like: sales by week, store, channel and category; prices of like goods."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pandas as pd

from models_ml.errors import NotEnoughHistoryError
from models_ml.lifecycle.drift_policy import REFERENCE_WEEKS

CELLS = """
SELECT s.week, s.location_id, coalesce(l.region, 'UNKNOWN') AS region, s.channel,
    coalesce(p.department, 'UNKNOWN') AS department, coalesce(p.category, 'UNKNOWN') AS category,
    count(*) AS lines, sum(s.quantity)::DOUBLE AS units, sum(s.net_sales)::DOUBLE AS net_sales,
    sum(s.discounts)::DOUBLE AS discounts,
    count(*) FILTER (coalesce(s.net_sales, 0) = 0) AS lines_without_money
FROM fct_sales_lines s
LEFT JOIN dim_product p USING (product_id)
LEFT JOIN dim_location l USING (location_id)
JOIN weeks USING (week)
WHERE coalesce(p.is_merchandise, true)
GROUP BY ALL
"""
DAYS = """
SELECT s.week, coalesce(l.region, 'UNKNOWN') AS region, s.date_day, count(*) AS lines
FROM fct_sales_lines s LEFT JOIN dim_location l USING (location_id) JOIN weeks USING (week) GROUP BY ALL
"""
PLANS = """
SELECT s.week, coalesce(l.region, 'UNKNOWN') AS region, count(*) AS lines
FROM fct_promotions_weekly s LEFT JOIN dim_location l USING (location_id) JOIN weeks USING (week) GROUP BY ALL
"""
# Shelf price of a product in a region against its own price over the reference weeks: goods compared with
# themselves, so that a changed mix is no changed price. A product counts by its lines, each change at most
# by a factor of two.
PRICES = f"""
WITH sold AS (
    SELECT s.week, coalesce(l.region, 'UNKNOWN') AS region, s.channel, s.product_id,
        count(*)::DOUBLE AS lines, sum(s.gross_sales)::DOUBLE AS gross, sum(s.quantity)::DOUBLE AS units
    FROM fct_sales_lines s LEFT JOIN dim_location l USING (location_id) JOIN weeks USING (week)
    WHERE s.quantity > 0 AND s.gross_sales > 0 GROUP BY ALL
),
held AS (
    SELECT *, sum(gross) OVER earlier AS gross_before, sum(units) OVER earlier AS units_before,
        sum(lines) OVER earlier AS lines_before
    FROM sold
    WINDOW earlier AS (PARTITION BY product_id, region, channel ORDER BY week
        RANGE BETWEEN {REFERENCE_WEEKS} PRECEDING AND 1 PRECEDING)
)
SELECT week, region, channel, p.department, p.category, sum(lines) AS lines,
    sum(lines * greatest(-0.7, least(0.7, ln(gross / units) - ln(gross_before / units_before)))) AS change
FROM held JOIN dim_product p USING (product_id)
WHERE lines_before >= 3 AND p.is_merchandise GROUP BY ALL
"""


@dataclass(frozen=True)
class Observed:
    """Frames by week: `cells` by store, region, channel, department and category; `days` and `plans` by
    region; `prices` with the summed log change of shelf prices; `weeks` with their last day."""

    cells: pd.DataFrame
    days: pd.DataFrame
    plans: pd.DataFrame
    prices: pd.DataFrame
    weeks: pd.DataFrame

    @property
    def last_week(self) -> int:
        if self.weeks.empty:
            raise NotEnoughHistoryError("No whole week is recorded yet, so there is nothing to compare.")
        return int(self.weeks["week"].max())


def observe(con: duckdb.DuckDBPyConnection) -> Observed:
    """Everything monitoring compares, from the marts that `con` sees; recorded weeks only."""
    weeks = con.execute(
        "SELECT week, last_day, is_holiday + is_before_holiday > 0 AS is_special, trading_days "
        "FROM feat_calendar_week WHERE is_recorded ORDER BY week"
    ).df()
    con.register("weeks", weeks)
    try:
        cells, days, plans, prices = (_coded(con.execute(sql).df()) for sql in (CELLS, DAYS, PLANS, PRICES))
    finally:
        con.unregister("weeks")
    return Observed(cells, days, plans, prices, weeks)


def _coded(frame: pd.DataFrame) -> pd.DataFrame:
    """Names as categoricals: half a million rows are grouped many times."""
    names = frame.columns.intersection(["location_id", "region", "channel", "department", "category"])
    return frame.astype(dict.fromkeys(names, "category"))
