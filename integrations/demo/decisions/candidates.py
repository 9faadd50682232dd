"""What a planner could have been asked in each past week: a fixed sample of store products, as known then.

Where the model's backtest has the product, its forecast from the last origin before that week speaks; else
thirteen weeks of demand.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from models_ml.outcomes.replay import REVIEW_DAYS
from models_ml.outcomes.situation import read_situation
from models_ml.recommend.count_distributions import expected_served, quantile
from models_ml.recommend.inputs.demand_over import Z_90
from semantic.sql.quoting import literal

FIRST_WEEK, LAST_WEEK = 38, 51  # fiscal weeks of the recorded year that the demand model never trained on
PAIRS_A_REGION = 40
SERVICE_TARGET = 0.95
CARRYING_RATE_A_YEAR = 0.22
_SAMPLE = """
WITH days AS (
    SELECT fiscal_week, max(date_day) AS as_of FROM dim_date
    WHERE is_full_fiscal_week AND fiscal_week BETWEEN {first} AND {last} GROUP BY 1
),
pairs AS (
    SELECT i.location_id, i.product_id, l.region, l.banner FROM fct_inventory_daily i
    JOIN dim_location l USING (location_id) JOIN dim_date d USING (date_day)
    WHERE l.location_type = 'store' AND i.is_ranged AND d.fiscal_week < {first}
    GROUP BY 1, 2, 3, 4 HAVING avg(i.demand_units) BETWEEN 0.25 AND 12 AND count(*) > 180
    QUALIFY row_number() OVER (
        PARTITION BY l.region ORDER BY md5(i.location_id || '/' || i.product_id)
    ) <= {pairs}
)
SELECT days.as_of, days.fiscal_week, pairs.*, p.product_type AS product_name, p.department, p.category,
    p.supplier_id
FROM pairs CROSS JOIN days JOIN dim_product p USING (product_id)
ORDER BY as_of, location_id, product_id
"""


@dataclass(frozen=True)
class Candidates:
    """`rows`: one line a week and pair with a positive quantity.

    `surprise`: how many standard deviations demand came out above what was expected, over the days that the
    order had to cover; known to nobody then.
    """

    rows: pd.DataFrame
    surprise: np.ndarray


_FORECAST = """
WITH latest AS (
    SELECT a.recommendation_id, max(f.origin_week) AS origin_week FROM asked a
    JOIN read_parquet({backtest}) f ON f.tier = 'product' AND f.location_id = a.location_id
        AND f.item = a.product_id AND f.origin_week <= a.fiscal_week AND f.week > a.fiscal_week
    GROUP BY 1
)
SELECT a.recommendation_id, any_value(f.model_name) AS model_name,
    any_value(f.model_version) AS model_version, any_value(f.origin_week)::INTEGER AS origin_week,
    list(f.mean ORDER BY f.week) AS weekly_mean, list(f.q90 - f.q10 ORDER BY f.week) AS weekly_width
FROM asked a JOIN latest USING (recommendation_id)
JOIN read_parquet({backtest}) f ON f.tier = 'product' AND f.location_id = a.location_id
    AND f.item = a.product_id AND f.origin_week = latest.origin_week AND f.week > a.fiscal_week
GROUP BY 1
"""


def read_candidates(warehouse: Path, backtest: Path | None = None) -> Candidates:
    """Quantities of a base-stock rule on forecasts (of the `backtest` file if it has the pair, else
    thirteen weeks of demand), as of each week's end."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        sql = _SAMPLE.format(first=FIRST_WEEK, last=LAST_WEEK, pairs=PAIRS_A_REGION)
        asked = con.execute(sql).df()
    asked["recommendation_id"] = (
        asked["as_of"].dt.strftime("%Y%m%d") + "/" + asked["location_id"] + "/" + asked["product_id"]
    )
    asked["proposed_units"] = asked["decided_units"] = 0.0
    situation = read_situation(warehouse, asked, 28)
    situation_rows = situation.rows.drop(columns=["proposed_units", "decided_units", "as_of"])
    rows = asked.drop(columns=["proposed_units", "decided_units"]).merge(
        situation_rows, on="recommendation_id", how="inner"
    )
    place = {key: i for i, key in enumerate(situation_rows["recommendation_id"])}
    order = rows["recommendation_id"].map(place).to_numpy()
    demand, arrivals = situation.demand[order], situation.arrivals[order]
    days = rows["lead_days"].to_numpy(int) + REVIEW_DAYS
    mean = rows["daily_mean"].to_numpy(float) * days
    spread = rows["daily_sd"].to_numpy(float) * np.sqrt(days)
    rows, mean, spread = _apply_model_forecasts(rows, mean, spread, days, backtest)
    rows = _quantities(rows, mean, spread, arrivals.sum(1), days)
    within = np.arange(demand.shape[1])[None, :] < days[:, None]
    surprise = ((demand * within).sum(1) - mean) / np.maximum(spread, 1e-9)
    wanted = rows["quantity_units"].to_numpy() > 0
    return Candidates(rows[wanted].reset_index(drop=True), surprise[wanted])


def _apply_model_forecasts(
    rows: pd.DataFrame, mean: np.ndarray, spread: np.ndarray, days: np.ndarray, backtest: Path | None
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Mean and spread over the days by the model if it forecast the pair; its last week goes on."""
    if backtest is None:
        return rows.assign(model_name=None, model_version=None, origin_week=np.nan), mean, spread
    with duckdb.connect() as con:
        con.register("asked", rows[["recommendation_id", "location_id", "product_id", "fiscal_week"]])
        forecasts = con.execute(_FORECAST.format(backtest=literal(backtest))).df()
    joined = rows.merge(forecasts, on="recommendation_id", how="left")
    mean, spread = mean.copy(), spread.copy()
    for i, row in enumerate(joined.itertuples()):
        if isinstance(row.model_name, str):
            weekly, width = (np.asarray(values, float) for values in (row.weekly_mean, row.weekly_width))
            share = np.clip(days[i] / 7 - np.arange(len(weekly)), 0, 1)
            share[-1] += max(days[i] / 7 - len(weekly), 0)
            mean[i] = weekly @ share
            spread[i] = np.sqrt(np.maximum((width / (2 * Z_90)) ** 2, weekly) @ share)
    return joined.drop(columns=["weekly_mean", "weekly_width"]), mean, spread


def _quantities(
    rows: pd.DataFrame, mean: np.ndarray, spread: np.ndarray, coming: np.ndarray, days: np.ndarray
) -> pd.DataFrame:
    variance = np.maximum(spread**2, mean)
    position = rows["free_units"].to_numpy(float) + coming
    level = quantile(np.full(len(rows), SERVICE_TARGET), mean, variance)
    pack = np.maximum(rows["pack_units"].to_numpy(float), 1)
    units = np.ceil(np.maximum(level - position, 0) / pack) * pack
    gained = expected_served(position + units, mean, variance) - expected_served(position, mean, variance)
    cost, margin = rows["unit_cost"].to_numpy(float), rows["unit_margin"].to_numpy(float)
    carrying = (units - gained) * cost * CARRYING_RATE_A_YEAR * days / 365
    return rows.assign(
        quantity_units=units,
        level_units=level,
        position_units=position,
        interval_days=days,
        spread_units=spread,
        expected_units=gained,
        expected_margin=gained * margin - carrying,
        expected_cash=-units * cost,
        confidence=np.round(1 / (1 + 0.5 * np.sqrt(variance) / np.maximum(mean, 1e-6)), 4),
    )
