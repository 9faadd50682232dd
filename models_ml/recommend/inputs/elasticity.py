"""How demand answers to price, learnt from the recorded promotions, with shrinkage.

log(units ÷ usual units) = a + e · log(price ÷ usual price) + display + mailer, by category over
product-weeks; a category's slope is drawn towards its department's, that towards the retailer's, by how sure
each is (empirical Bayes, DerSimonian & Laird 1986).
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

LEAST_USUAL_UNITS = 4.0  # a week, over the network: below, a ratio of counts says nothing
LEAST_ROWS = 30
SHALLOWEST, DEEPEST = -0.3, -5.0  # demand never rises with price; beyond −5 a table is wrong
SQL = """
WITH weekly AS (
    SELECT product_id, any_value(p.department) AS department, any_value(p.category) AS category, s.week,
        sum(s.units_sold)::DOUBLE AS units, (sum(s.net_sales) / sum(s.units_sold))::DOUBLE AS price,
        avg((w.display_location <> '0')::INT) AS display, avg((w.mailer_location <> '0')::INT) AS mailer
    FROM fct_sales_lines s JOIN dim_product p USING (product_id)
    LEFT JOIN dim_promotion w USING (promotion_id)
    WHERE s.units_sold > 0 AND s.net_sales > 0 AND s.is_stock_kept GROUP BY product_id, s.week
),
usual AS (
    SELECT *, sum(units) OVER before / 8 AS usual_units,
        sum(price * units) OVER before / sum(units) OVER before AS usual_price
    FROM weekly
    WINDOW before AS (PARTITION BY product_id ORDER BY week RANGE BETWEEN 8 PRECEDING AND 1 PRECEDING)
)
SELECT department, category, ln(units / usual_units) AS lift, ln(price / usual_price) AS price,
    display, mailer, least(usual_units, 50) AS weight
FROM usual WHERE week > 9 AND usual_units >= {least} AND usual_price > 0 ORDER BY ALL
"""


def read_responses(warehouse: Path) -> pd.DataFrame:
    """One row per product and week: lift and relative price as logarithms, promotion shares, weight."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.execute("SET threads = 2")
        return con.execute(SQL.format(least=LEAST_USUAL_UNITS)).df()


def learn_elasticities(responses: pd.DataFrame) -> pd.DataFrame:
    """One row per category: `elasticity` (shrunk), its own `raw` slope with `sd`, the department's, `rows`.

    Where a category says too little by itself (`raw` is NULL) it has its department's.
    """
    slopes = pd.DataFrame(
        [(*key, *_slope(group)) for key, group in responses.groupby(["department", "category"], sort=True)],
        columns=["department", "category", "raw", "sd", "rows"],
    ).astype({"raw": float, "sd": float, "rows": int})
    overall, _ = _pooled(slopes["raw"].to_numpy(), slopes["sd"].to_numpy())
    parts = []
    for _, group in slopes.groupby("department", sort=True):
        raw, sd = group["raw"].to_numpy(), group["sd"].to_numpy()
        mean, between = _pooled(raw, sd)
        has_slope = np.isfinite(raw).sum()
        centre = overall if not has_slope else (has_slope * mean + 2 * overall) / (has_slope + 2)
        drawn = (raw / sd**2 + centre / between) / (1 / sd**2 + 1 / between)
        shrunk = np.where(np.isfinite(raw), drawn, centre)
        parts.append(group.assign(department_mean=centre, elasticity=np.clip(shrunk, DEEPEST, SHALLOWEST)))
    return (
        pd.concat(parts, ignore_index=True) if parts else slopes.assign(department_mean=0.0, elasticity=0.0)
    )


def _slope(group: pd.DataFrame) -> tuple[float, float, int]:
    """Weighted least squares: the price slope and its standard deviation; NULL where it is not told."""
    count = len(group)
    if count < LEAST_ROWS or group["price"].std() < 1e-3:
        return np.nan, np.nan, count
    root = np.sqrt(group["weight"].to_numpy(float))
    design = np.column_stack([np.ones(count), group[["price", "display", "mailer"]].to_numpy(float)])
    design = design[:, [True, True, *(np.ptp(design[:, 2:], axis=0) > 1e-9)]] * root[:, None]
    answer = group["lift"].to_numpy(float) * root
    slopes, *_ = np.linalg.lstsq(design, answer, rcond=None)
    left = answer - design @ slopes
    spread = (left**2).sum() / max(count - design.shape[1], 1)
    variance = spread * np.linalg.pinv(design.T @ design)[1, 1]
    return float(slopes[1]), float(np.sqrt(max(variance, 1e-8))), count


def _pooled(values: np.ndarray, sd: np.ndarray) -> tuple[float, float]:
    """Precision-weighted mean, and the variance between beyond chance."""
    has_slope = np.isfinite(values)
    values, weight = values[has_slope], 1 / sd[has_slope] ** 2
    if not len(values):
        return -2.0, 1.0  # the field's usual elasticity of grocery promotions, where nothing is recorded
    mean = (weight * values).sum() / weight.sum()
    if len(values) == 1:
        return float(mean), 1.0
    spread = (weight * (values - mean) ** 2).sum() - (len(values) - 1)
    between = spread / (weight.sum() - (weight**2).sum() / weight.sum())
    between = max(float(between), 0.01)
    full = 1 / (sd[has_slope] ** 2 + between)
    return float((full * values).sum() / full.sum()), between
