"""Backtest forecasts kept with their version, in the form of live ones: one mart tells accuracy of both."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd

from models_ml.registry import ModelVersion

FOLDER = "backtests"  # below the artifact root: one file a model version

SQL = """
WITH series AS (
    SELECT DISTINCT 'category' AS tier, location_id, category AS item, department, category
    FROM feat_demand_category_week
    UNION ALL
    SELECT 'product', location_id, product_id, min(department), min(category)
    FROM feat_demand_product_week GROUP BY location_id, product_id
)
SELECT ? AS model_name, ? AS model_version, ? AS release_id, b.tier, b.store_id AS location_id, b.item,
    s.department, s.category, b.origin AS origin_week, b.week, w.last_day AS week_ending,
    b.week - b.origin AS horizon, b.q025, b.q10, b.q25, b.q50, b.q75, b.q90, b.q975, b.mean
FROM backtest b
JOIN series s ON s.tier = b.tier AND s.location_id = b.store_id AND s.item = b.item
JOIN feat_calendar_week w ON w.week = b.week
ORDER BY b.tier, b.store_id, b.item, b.week
"""


def backtest_path(artifact_root: Path, name: str, version: str) -> Path:
    """Where the backtest of a version lies."""
    return artifact_root / FOLDER / f"{name}-{version}.parquet"


def newest_backtest(artifact_root: Path, name: str) -> Path | None:
    """The backtest of the newest version; None where there is none."""
    found = (artifact_root / FOLDER).glob(f"{name}-*.parquet")
    return max(found, key=lambda path: int(path.stem.rpartition("-")[2]), default=None)


def keep_backtest(frame: pd.DataFrame, warehouse: Path, artifact_root: Path, version: ModelVersion) -> Path:
    """Write the rows of `backtest_frame` with version, release, department and last day of the week."""
    path = backtest_path(artifact_root, version.name, version.version)
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.register("backtest", frame)
        rows = con.execute(SQL, [version.name, version.version, version.release_id]).df()
    partial = path.with_suffix(".partial")
    rows.to_parquet(partial, index=False)
    partial.replace(path)
    return path
