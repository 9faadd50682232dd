"""Something is wrong here: shrink, returns and late deliveries far beyond what is usual elsewhere.

Each watch compares counts with what the same exposure brings in the rest of the network, by robust
statistics: the usual rate is a median over places, the spread of the scores is their median absolute
deviation, so that an anomaly does not hide itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

WINDOW_DAYS = 28
LEAST_SCORE = 4.5  # robust standard deviations
LEAST_RATIO = 2.0  # times the usual: a large place is not wrong for being a little different
LEAST_COUNT = 6.0  # events beyond the usual; fewer may be chance
_MAD_TO_SD = 1.4826

_SHRINK = """
WITH lost AS (
    SELECT a.location_id, p.department, sum(a.lost_units)::DOUBLE AS events,
        sum(a.lost_value)::DOUBLE AS money, arg_max(a.product_id, a.lost_value) AS product_id
    FROM fct_stock_adjustments a JOIN dim_product p USING (product_id)
    WHERE a.adjustment_type = 'shrink' AND a.date_day > DATE '{day}' - {window} AND a.date_day <= DATE '{day}'
    GROUP BY ALL
),
held AS (
    SELECT i.location_id, p.department, sum(i.on_hand_units)::DOUBLE AS exposure
    FROM fct_inventory_daily i JOIN dim_product p USING (product_id)
    WHERE i.date_day > DATE '{day}' - {window} AND i.date_day <= DATE '{day}' GROUP BY ALL
)
SELECT 'shrink' AS kind, h.location_id || '/' || h.department AS subject, h.location_id,
    h.department AS peers, l.product_id, NULL AS supplier_id, coalesce(l.events, 0) AS events, h.exposure,
    coalesce(l.money, 0) AS money
FROM held h LEFT JOIN lost l ON l.location_id = h.location_id AND l.department = h.department
JOIN dim_location d ON d.location_id = h.location_id WHERE d.location_type = 'store' AND h.exposure > 0
"""
_RETURNS = """
WITH back AS (
    SELECT location_id, count(*)::DOUBLE AS events, sum(refund)::DOUBLE AS money,
        arg_max(product_id, refund) AS product_id
    FROM fct_returns WHERE date_day > DATE '{day}' - {window} AND date_day <= DATE '{day}'
    GROUP BY location_id
),
sold AS (
    SELECT location_id, count(*)::DOUBLE AS exposure, any_value(product_id) AS product_id FROM fct_sales_lines
    WHERE is_stock_kept AND date_day > DATE '{day}' - {window} AND date_day <= DATE '{day}'
    GROUP BY location_id
)
SELECT 'returns' AS kind, s.location_id AS subject, s.location_id, 'all' AS peers,
    coalesce(b.product_id, s.product_id) AS product_id, NULL AS supplier_id, coalesce(b.events, 0) AS events,
    s.exposure, coalesce(b.money, 0) AS money
FROM sold s LEFT JOIN back b USING (location_id)
WHERE s.location_id IN (SELECT DISTINCT location_id FROM fct_stock_adjustments)
"""
_LATE = """
WITH lines AS (
    SELECT supplier_id, location_id, product_id, ordered_value, ordered_on, promised_on,
        coalesce(received_on, DATE '{day}' + 1) AS came_on,
        (received_on IS NOT NULL AND received_on <= DATE '{day}') OR promised_on < DATE '{day}' AS is_known
    FROM fct_purchase_order_lines
    WHERE status <> 'cancelled' AND ordered_on <= DATE '{day}' AND promised_on > DATE '{day}' - {window}
        AND promised_on <= DATE '{day}'
),
missed AS (
    SELECT p.supplier_id, sum(s.lost_sales_value)::DOUBLE AS money
    FROM fct_lost_sales s JOIN dim_product p USING (product_id)
    WHERE s.date_day > DATE '{day}' - {window} AND s.date_day <= DATE '{day}' GROUP BY p.supplier_id
)
SELECT 'late_supplier' AS kind, supplier_id AS subject,
    arg_max(location_id, ordered_value) FILTER (WHERE came_on > promised_on) AS location_id,
    'all' AS peers, arg_max(product_id, ordered_value) FILTER (WHERE came_on > promised_on) AS product_id,
    supplier_id, (count(*) FILTER (WHERE came_on > promised_on))::DOUBLE AS events,
    count(*)::DOUBLE AS exposure, coalesce(any_value(m.money), 0) AS money
FROM lines LEFT JOIN missed m USING (supplier_id) WHERE is_known GROUP BY supplier_id
"""
DETECTORS = {"shrink": _SHRINK, "returns": _RETURNS, "late_supplier": _LATE}


@dataclass(frozen=True)
class Limits:
    """When a score is worth somebody's walk."""

    least_score: float = LEAST_SCORE
    least_count: float = LEAST_COUNT
    least_ratio: float = LEAST_RATIO


def detect_anomalies(warehouse: Path, day: date, limits: Limits | None = None) -> pd.DataFrame:
    """Anomalies in the four weeks up to `day`, most money beyond the usual first.

    One row per kind and subject (store and department, store, supplier): `events` counted, `usual` for the
    same exposure, `score` in robust standard deviations, `money_beyond` (the money beyond the usual share:
    value lost, refunds, or sales that a late supplier's goods missed), and the product and location where
    most of it lies.
    """
    parts = []
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.execute("SET threads = 2")
        for sql in DETECTORS.values():
            rows = con.execute(sql.format(day=day.isoformat(), window=WINDOW_DAYS)).df()
            if len(rows):
                parts.append(score(rows, limits or Limits()))
    anomalies = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    if anomalies.empty:
        return anomalies
    return anomalies.sort_values(
        ["money_beyond", "kind", "subject"], ascending=[False, True, True]
    ).reset_index(drop=True)


def score(rows: pd.DataFrame, limits: Limits) -> pd.DataFrame:
    """Rows that stand out of their `peers`, with `usual`, `score` and `money_beyond`.

    The usual rate is the exposure-weighted median over peers; counts are compared on the square-root scale,
    where a Poisson count's spread does not grow with it, and the spread is the peers' own where that is
    wider.
    """
    parts = []
    for _, group in rows.groupby("peers", sort=True):
        rate = _usual_rate(group)
        usual = rate * group["exposure"].to_numpy(float)
        residual = 2 * (np.sqrt(group["events"].to_numpy(float) + 0.375) - np.sqrt(usual + 0.375))
        spread = max(_MAD_TO_SD * float(np.median(np.abs(residual - np.median(residual)))), 1.0)
        parts.append(group.assign(usual=usual, score=residual / spread))
    scored: pd.DataFrame = pd.concat(parts)
    beyond = (scored["events"] - scored["usual"]).clip(lower=0)
    scored["money_beyond"] = scored["money"] * beyond / scored["events"].clip(lower=1)
    stands_out = scored["events"] >= limits.least_ratio * scored["usual"]
    enough = (scored["score"] >= limits.least_score) & (beyond >= limits.least_count)
    out: pd.DataFrame = scored[enough & stands_out]
    return out


def _usual_rate(group: pd.DataFrame) -> float:
    """Events per exposure at the middle of the exposure; the overall rate where most places have none."""
    rates = (group["events"] / group["exposure"]).to_numpy(float)
    order = np.argsort(rates, kind="stable")
    exposure = group["exposure"].to_numpy(float)[order].cumsum()
    middle = float(rates[order][np.searchsorted(exposure, exposure[-1] / 2)])
    if middle > 0:
        return middle
    return float(group["events"].sum() / group["exposure"].sum())
