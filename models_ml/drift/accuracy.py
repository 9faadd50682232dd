"""Error and bias of forecasts once their weeks are recorded, week by week and by department and region."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd

from models_ml.drift.changes import before
from semantic.sql.quoting import literal

SQL = """
WITH actual AS (
    SELECT 'category' AS tier, location_id, category AS item, week, units FROM feat_demand_category_week
    UNION ALL
    SELECT 'product', location_id, product_id, week, units FROM feat_demand_product_week
),
forecasts AS (
    SELECT tier, location_id, item, department, week, q50, mean,
        row_number() OVER (PARTITION BY tier, location_id, item, week ORDER BY origin_week DESC) AS newest
    FROM read_parquet({files}, union_by_name = true)
)
SELECT f.tier, f.week, f.department, coalesce(l.region, 'UNKNOWN') AS region,
    sum(abs(coalesce(a.units, 0) - f.q50)) AS absolute_error,
    sum(f.mean - coalesce(a.units, 0)) AS mean_error,
    sum(coalesce(a.units, 0)) AS units, count(*) AS forecasts
FROM forecasts f
JOIN feat_calendar_week w ON w.week = f.week AND w.is_recorded
LEFT JOIN actual a
    ON a.tier = f.tier AND a.location_id = f.location_id AND a.item = f.item AND a.week = f.week
LEFT JOIN dim_location l ON l.location_id = f.location_id
WHERE f.newest = 1 GROUP BY ALL
"""
LEAST_UNITS = 300  # a week in a segment: below, its error is chance


def error_changes(con: duckdb.DuckDBPyConnection, files: list[Path]) -> pd.DataFrame:
    """WAPE and bias of each week against the mean of the weeks before; empty where nothing is recorded yet.

    Of several forecasts for one week the one of the newest origin counts: what orders were placed on.
    """
    if not files:
        return pd.DataFrame()
    listed = "[" + ", ".join(literal(path) for path in files) + "]"
    sums = con.execute(SQL.format(files=listed)).df()
    parts = []
    for tier, rows in sums.groupby("tier"):
        for segment_type in ("all", "department", "region"):
            keyed = rows.assign(all="all")
            for segment, group in keyed.groupby(segment_type):
                weekly = group.groupby("week")[["absolute_error", "mean_error", "units"]].sum()
                weekly = weekly[weekly["units"] >= LEAST_UNITS]
                for feature, column in (("wape", "absolute_error"), ("bias", "mean_error")):
                    rate = (weekly[column] / weekly["units"]).to_frame()
                    change = (rate - before(rate)).iloc[:, 0].dropna()
                    sentences = [f"{feature} {rate.iloc[:, 0][week]:.1%}" for week in change.index]
                    parts.append(pd.DataFrame({
                        "week": change.index, "kind": "error_shift", "feature": f"{tier}.{feature}",
                        "segment_type": segment_type, "segment": str(segment), "value": change.to_numpy(),
                        "words": sentences,
                    }))  # fmt: skip
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
