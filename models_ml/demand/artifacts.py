"""Backtest forecasts stored with their version, in the form of live ones: one mart has accuracy of both."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from models_ml.demand.panel import Panel
from models_ml.demand.settings import MODEL_NAME
from models_ml.evaluate.forecast import HORIZON, QUANTILE_COLUMNS, Forecast
from models_ml.lifecycle.champion import receipt_path
from models_ml.lifecycle.registry import ModelVersion

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
    row_number() OVER (
        PARTITION BY b.tier, b.store_id, b.item, b.origin ORDER BY w.last_day
    ) AS horizon, b.q025, b.q10, b.q25, b.q50, b.q75, b.q90, b.q975, b.mean
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
    paths = (artifact_root / FOLDER).glob(f"{name}-*.parquet")
    return max(paths, key=lambda path: int(path.stem.rpartition("-")[2]), default=None)


def champion_backtest(artifact_root: Path) -> Path | None:
    """The backtest of the version that may score, by its promotion's receipt; None where there is none."""
    receipt = receipt_path(artifact_root, MODEL_NAME)
    if not receipt.exists():
        return None
    path = backtest_path(artifact_root, MODEL_NAME, json.loads(receipt.read_text())["version"])
    return path if path.exists() else None


def backtest_forecasts(path: Path, panel: Panel, origins: list[int]) -> dict[int, Forecast] | None:
    """A kept backtest as forecasts of the panel's series by origin week; None unless it holds every one of
    them: a champion of other series or origins cannot stand in the same table."""
    rows = duckdb.execute(
        f"""SELECT location_id, item, origin_week, week, {", ".join(QUANTILE_COLUMNS)}, mean
            FROM read_parquet(?) WHERE tier = ?""",
        [str(path), panel.tier],
    ).df()
    out = {}
    for origin in origins:
        own = rows[rows["origin_week"] == origin].set_index(["location_id", "item", "week"])
        weeks = panel.ahead(panel.column(origin))
        keys = [(*key, week) for key in zip(panel.locations, panel.items, strict=True) for week in weeks]
        values = own.reindex(keys)[[*QUANTILE_COLUMNS, "mean"]].to_numpy(float)
        if np.isnan(values).any():
            return None
        cube = values.reshape(len(panel.items), HORIZON, -1)
        out[origin] = Forecast(cube[..., :-1], cube[..., -1])
    return out


def save_backtest(frame: pd.DataFrame, warehouse: Path, artifact_root: Path, version: ModelVersion) -> Path:
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
