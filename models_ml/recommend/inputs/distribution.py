"""Which distribution stands behind an order: for each class of demand, the one that replays best.

Classes are Syntetos & Boylan's (2005): how often something sells, and how much its size varies. Candidates:
counts (Poisson, or negative binomial, which is Poisson buyers with logarithmic baskets), kσ around the mean,
and empirical quantiles of the ratio to the mean. The first half of the training weeks teaches the ratios, the
second is replayed; the least newsvendor cost wins where it is clearly less than that of counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from scipy import stats

from models_ml.recommend.count_distributions import quantile

CLASSES = ("smooth", "erratic", "intermittent", "lumpy")
KINDS = ("counts", "k_sigma", "empirical")
RARE_INTERVAL, VARIED_SIZE = 1.32, 0.49  # Syntetos & Boylan's borders
REPLAY_TARGET = 0.95
LAST_TRAINING_WEEK = 37
MOST_PAIRS = 4000  # replayed; a fixed choice by hash
LEAST_WEEKS = 200  # of a class, else counts
LEAST_GAIN = 0.02  # cheaper by less than this is chance: counts stay
SHARES = np.array([0.8, 0.85, 0.9, 0.925, 0.95, 0.96, 0.97, 0.98, 0.99])

CLASS_SQL = """
SELECT location_id, product_id, count(*)::DOUBLE / nullif(count(*) FILTER (WHERE units > 0), 0) AS interval,
    var_samp(units) FILTER (WHERE units > 0) / power(avg(units) FILTER (WHERE units > 0), 2) AS size_cv2
FROM feat_demand_product_week WHERE week <= {last} GROUP BY ALL ORDER BY ALL
"""
REPLAY_SQL = """
WITH held AS (
    SELECT DISTINCT location_id, product_id FROM fct_inventory_daily
    WHERE is_ranged AND date_day = (SELECT max(date_day) FROM fct_inventory_daily)
),
chosen AS (SELECT * FROM held ORDER BY hash(location_id || '/' || product_id) LIMIT {most}),
weeks AS (
    SELECT location_id, product_id, f.week, units, lag(units_ma_13) OVER pair AS mean,
        var_samp(units) OVER (PARTITION BY location_id, product_id ORDER BY f.week
                              RANGE BETWEEN 13 PRECEDING AND 1 PRECEDING) AS variance
    FROM feat_demand_product_week f JOIN chosen USING (location_id, product_id) WHERE f.week <= {last}
    WINDOW pair AS (PARTITION BY location_id, product_id ORDER BY f.week)
)
SELECT * FROM weeks WHERE week > 15 AND mean > 0 AND variance IS NOT NULL ORDER BY ALL
"""


@dataclass(frozen=True)
class Choice:
    """By class: the kind behind orders, the ratios' quantiles at `SHARES`, and the replayed costs."""

    kind: dict[str, str]
    ratios: dict[str, np.ndarray]
    costs: pd.DataFrame


def read_classes(warehouse: Path) -> pd.DataFrame:
    """`demand_class` by location and product, from the training weeks."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.execute("SET threads = 2")
        rows = con.execute(CLASS_SQL.format(last=LAST_TRAINING_WEEK)).df()
    rows["demand_class"] = classify(rows["interval"].to_numpy(float), rows["size_cv2"].to_numpy(float))
    return rows[["location_id", "product_id", "demand_class"]]


def read_replay(warehouse: Path) -> pd.DataFrame:
    """Weeks of some stocked pairs: units, and mean and variance as known the week before."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.execute("SET threads = 2")
        return con.execute(REPLAY_SQL.format(last=LAST_TRAINING_WEEK, most=MOST_PAIRS)).df()


def classify(interval: np.ndarray, size_cv2: np.ndarray) -> np.ndarray:
    """Class by mean weeks between sales and squared variation of their size; NULL sizes do not vary."""
    rare, varied = interval >= RARE_INTERVAL, np.nan_to_num(size_cv2) >= VARIED_SIZE
    names = np.array(CLASSES, object)
    return np.asarray(names[2 * rare.astype(int) + varied.astype(int)])


def choose(replay: pd.DataFrame) -> Choice:
    """`replay` has `demand_class`, `week`, `units`, `mean`, `variance`. Counts yield to a clear gain only."""
    middle = replay["week"].median()
    kinds: dict[str, str] = {}
    ratios: dict[str, np.ndarray] = {}
    costs: list[dict[str, object]] = []
    for name in CLASSES:
        rows = replay[replay["demand_class"] == name]
        early, late = rows[rows["week"] <= middle], rows[rows["week"] > middle]
        if min(len(early), len(late)) < LEAST_WEEKS:
            kinds[name] = "counts"
            continue
        ratios[name] = np.quantile(early["units"] / early["mean"], SHARES)
        mean, variance = late["mean"].to_numpy(float), late["variance"].to_numpy(float)
        target = np.full(len(late), REPLAY_TARGET)
        units = late["units"].to_numpy(float)
        paid = {
            kind: newsvendor_cost(units, level(kind, target, mean, variance, ratios[name])) for kind in KINDS
        }
        best = min(KINDS, key=lambda kind: paid[kind])
        kinds[name] = best if paid[best] <= (1 - LEAST_GAIN) * paid["counts"] else "counts"
        costs += [{"demand_class": name, "kind": kind, "cost": cost} for kind, cost in paid.items()]
    return Choice(kinds, ratios, pd.DataFrame(costs, columns=["demand_class", "kind", "cost"]))


def newsvendor_cost(units: np.ndarray, stock: np.ndarray) -> float:
    """Mean cost a week where one unit too many costs 1 and one too few what makes `REPLAY_TARGET` optimal."""
    under = REPLAY_TARGET / (1 - REPLAY_TARGET)
    return float((np.maximum(stock - units, 0) + under * np.maximum(units - stock, 0)).mean())


def level(
    kind: str, target: np.ndarray, mean: np.ndarray, variance: np.ndarray, ratios: np.ndarray | None
) -> np.ndarray:
    """Units that demand does not exceed with probability `target`, by one kind of distribution."""
    if kind == "k_sigma":
        return np.asarray(np.ceil(np.maximum(mean + stats.norm.ppf(target) * np.sqrt(variance), 0) - 1e-9))
    if kind == "empirical" and ratios is not None:
        return np.asarray(np.ceil(mean * np.interp(target, SHARES, ratios) - 1e-9))
    return quantile(target, mean, variance)


def levels(rows: pd.DataFrame, choice: Choice, target: np.ndarray) -> np.ndarray:
    """Base stock of each row by its class's kind. An empirical ratio is of one week: it is drawn towards the
    mean by the square root of the interval in weeks, as independent weeks are."""
    mean, variance = rows["demand_mean"].to_numpy(float), rows["demand_variance"].to_numpy(float)
    out = quantile(target, mean, variance)
    for name, kind in choice.kind.items():
        of_class = (rows["demand_class"] == name).to_numpy()
        if kind == "counts" or not of_class.any():
            continue
        weeks = np.maximum(rows["interval_days"].to_numpy(float)[of_class] / 7, 1)
        if kind == "k_sigma":
            out[of_class] = level(kind, target[of_class], mean[of_class], variance[of_class], None)
        else:
            ratio = np.interp(target[of_class], SHARES, choice.ratios[name])
            out[of_class] = np.ceil(mean[of_class] * (1 + (ratio - 1) / np.sqrt(weeks)) - 1e-9)
    return out
