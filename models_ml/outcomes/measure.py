"""Measure settled decisions once their window lies in recorded data."""

from __future__ import annotations

from datetime import datetime, time
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from models_ml.outcomes.replay import CARRYING_RATE_A_YEAR, MinMax, Replayed, replay
from models_ml.outcomes.situation import Situation, read_situation

WINDOW_DAYS = 28
BASELINE = "min-max, 13 weeks"
SCENARIOS = ("decided", "proposed", "baseline")


def measure(warehouse: Path, settled: pd.DataFrame, output: Path) -> int:
    """Write what `settled` brought to `output` (Parquet, replaced whole); returns how many could be measured.

    `settled` has recommendation_id, product_id, location_id, as_of (last day whose stock was known),
    proposed_units, decided_units (0 where rejected) and is_simulated.
    """
    last = _last_day(warehouse)
    passed = settled[pd.to_datetime(settled["as_of"]) + pd.Timedelta(days=WINDOW_DAYS) <= pd.Timestamp(last)]
    rows = outcomes(read_situation(warehouse, passed, WINDOW_DAYS), last) if len(passed) else pd.DataFrame()
    output.parent.mkdir(parents=True, exist_ok=True)
    if rows.empty:
        output.unlink(missing_ok=True)
        return 0
    rows = rows.merge(settled[["recommendation_id", "is_simulated"]], on="recommendation_id")
    partial = output.with_suffix(".partial")
    rows.to_parquet(partial, index=False)
    partial.replace(output)
    return len(rows)


def outcomes(situation: Situation, last: datetime) -> pd.DataFrame:
    """One row per decision, columns as the contract of decision_outcomes."""
    rows = situation.rows
    numbers = {
        name: rows[name].to_numpy(float) for name in ("free_units", "unit_cost_usd", "unit_margin_usd")
    }
    lead = rows["lead_days"].to_numpy(int)
    policy = MinMax.known(
        rows["daily_mean"].to_numpy(float),
        rows["daily_sd"].to_numpy(float),
        lead,
        rows["pack_units"].to_numpy(float),
    )
    position = numbers["free_units"] + situation.arrivals.sum(1)
    first = {
        "decided": rows["decided_units"].to_numpy(float),
        "proposed": rows["proposed_units"].to_numpy(float),
        "baseline": policy.order(position),
    }
    as_of = pd.to_datetime(rows["as_of"])
    out = pd.DataFrame({
        "recommendation_id": rows["recommendation_id"],
        "baseline_policy": BASELINE,
        "measured_from": (as_of + pd.Timedelta(days=1)).dt.date,
        "measured_to": (as_of + pd.Timedelta(days=WINDOW_DAYS)).dt.date,
        "demand_units": situation.demand.sum(1),
    })  # fmt: skip
    for name in SCENARIOS:
        done = replay(
            free=numbers["free_units"], first_order=first[name], demand=situation.demand,
            arrivals=situation.arrivals, lead_days=lead, policy=policy,
        )  # fmt: skip
        _add(out, name, done, numbers["unit_cost_usd"], numbers["unit_margin_usd"])
    return out.assign(action_cost_usd=np.nan, measured_at=last)


def _add(out: pd.DataFrame, name: str, done: Replayed, cost: np.ndarray, margin: np.ndarray) -> None:
    value = done.mean_stock_units * cost
    out[f"served_{name}_units"] = done.served_units
    out[f"margin_{name}_usd"] = done.served_units * margin - value * CARRYING_RATE_A_YEAR * WINDOW_DAYS / 365
    out[f"stock_value_{name}_usd"] = value
    out[f"cogs_{name}_usd"] = done.served_units * cost


def _last_day(warehouse: Path) -> datetime:
    with duckdb.connect(str(warehouse), read_only=True) as con:
        ((day,),) = con.execute("SELECT max(date_day) FROM fct_inventory_daily").fetchall()
    return datetime.combine(day, time())
