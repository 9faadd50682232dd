"""Demand behind an empty shelf: a week out of stock is not a week without demand.

On the days that a product's shelf is empty its sales say nothing. What would have been asked for on them is
estimated by the rate at which the pair sells while it is in stock: a Poisson-gamma mean over the quarter up
to the week, so that a pair that is hardly ever in stock leans on its long run. Recorded sales stay as they
are; the estimate stands beside them.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np

from models_ml.demand.panel import Panel, has_table
from models_ml.demand.reconcile import on_grain

WINDOW = 13  # weeks whose rate is taken
PRIOR_DAYS = 7.0  # in-stock days that the rate of the whole history is weighed as
WEEK_DAYS = 7.0


def read_empty_days(warehouse: Path, panel: Panel) -> np.ndarray:
    """Days of each week on which each product's shelf was empty, (series, weeks)."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.execute("SET threads = 2")
        return empty_days_from(con, panel)


def empty_days_from(con: duckdb.DuckDBPyConnection, panel: Panel) -> np.ndarray:
    """As `read_empty_days`, from an open connection; nil in a release that was built without stock."""
    out = np.zeros(panel.units.shape)
    if not has_table(con, "feat_stockout_product_week"):
        return out
    rows = con.execute(
        "SELECT location_id, product_id, week, empty_days FROM feat_stockout_product_week"
    ).fetchnumpy()
    row_of = {key: i for i, key in enumerate(zip(panel.locations, panel.items, strict=True))}
    keys = zip(rows["location_id"], rows["product_id"], strict=True)
    row: np.ndarray = np.array([row_of.get(key, -1) for key in keys], int)
    column = panel.columns(np.asarray(rows["week"]))
    inside = (row >= 0) & (column >= 0) & (column < len(panel.weeks))
    out[row[inside], column[inside]] = np.asarray(rows["empty_days"], float)[inside]
    return out


def unmet_units(units: np.ndarray, empty_days: np.ndarray) -> np.ndarray:
    """Units of each week that an empty shelf kept from being sold, estimated from the weeks up to it."""
    open_days = WEEK_DAYS - empty_days
    ever = np.cumsum(units, 1) / np.maximum(np.cumsum(open_days, 1), 1.0)
    rate = (_trailing(units, WINDOW) + PRIOR_DAYS * ever) / (_trailing(open_days, WINDOW) + PRIOR_DAYS)
    return np.asarray(rate * empty_days)


def coming_unmet(units: np.ndarray, empty_days: np.ndarray, origin: int) -> np.ndarray:
    """Units a week, (series,), that a forecast of sales leaves out as long as shelves are as often empty as
    in the quarter up to column `origin`: what ordering adds to the forecast to reach demand."""
    seen = slice(0, origin + 1)
    unmet = unmet_units(units[:, seen], empty_days[:, seen])
    return on_grain(unmet[:, max(0, origin + 1 - WINDOW) :].mean(1))


def _trailing(values: np.ndarray, weeks: int) -> np.ndarray:
    """Sum over the last `weeks` columns up to each."""
    total = np.cumsum(values, 1)
    out = total.copy()
    out[:, weeks:] -= total[:, :-weeks]
    return np.asarray(out)
