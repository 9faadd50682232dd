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
TRANSFER_DAYS = 2  # between two stores
SCENARIOS = ("decided", "proposed", "baseline")


def measure(warehouse: Path, settled: pd.DataFrame, output: Path) -> int:
    """Write what `settled` brought to `output` (Parquet, replaced whole); returns how many could be measured.

    `settled` has recommendation_id, product_id, location_id, as_of (last day whose stock was known),
    proposed_units, decided_units (0 where rejected), from_location_id and action_cost (of the proposed
    units; NULL but for transfers) and is_simulated.
    """
    last = _last_day(warehouse)
    rows = pd.DataFrame()
    if last is not None:
        day_passed = pd.to_datetime(settled["as_of"]) + pd.Timedelta(days=WINDOW_DAYS)
        passed = settled[day_passed <= pd.Timestamp(last)]
        rows = _measured(warehouse, passed, last) if len(passed) else rows
    output.parent.mkdir(parents=True, exist_ok=True)
    if rows.empty:
        output.unlink(missing_ok=True)
        return 0
    rows = rows.merge(settled[["recommendation_id", "is_simulated"]], on="recommendation_id")
    partial = output.with_suffix(".partial")
    rows.to_parquet(partial, index=False)
    partial.replace(output)
    return len(rows)


def _measured(warehouse: Path, settled: pd.DataFrame, last: datetime) -> pd.DataFrame:
    """Both ends of a transfer: a centre that gives has no demand of its own, so that only stores count."""
    moved = settled[settled["from_location_id"].notna()]
    givers = moved.assign(location_id=moved["from_location_id"])
    given = donors(read_situation(warehouse, givers, WINDOW_DAYS)) if len(givers) else None
    received = outcomes(read_situation(warehouse, settled, WINDOW_DAYS), last, given)
    costs = settled.set_index("recommendation_id")["action_cost"]
    return less_costs(received, settled, costs.reindex(received["recommendation_id"]).to_numpy(float))


def outcomes(situation: Situation, last: datetime, given: pd.DataFrame | None = None) -> pd.DataFrame:
    """One row per decision, columns as the contract of decision_outcomes; `given` is what donors felt.

    What another store gives is there after `TRANSFER_DAYS`; everything else after the pair's own lead time.
    """
    rows = situation.rows
    policy = _rule(rows)
    position = rows["free_units"].to_numpy(float) + situation.arrivals.sum(1)
    first = {
        "decided": rows["decided_units"].to_numpy(float),
        "proposed": rows["proposed_units"].to_numpy(float),
        "baseline": policy.order(position),
    }
    as_of = pd.to_datetime(rows["as_of"])
    lead = rows["lead_days"].to_numpy(int)
    from_store = rows["recommendation_id"].isin([] if given is None else given.index).to_numpy()
    out = pd.DataFrame({
        "recommendation_id": rows["recommendation_id"],
        "baseline_policy": BASELINE,
        "measured_from": (as_of + pd.Timedelta(days=1)).dt.date,
        "measured_to": (as_of + pd.Timedelta(days=WINDOW_DAYS)).dt.date,
        "demand_units": situation.demand.sum(1),
    })  # fmt: skip
    for name in SCENARIOS:
        is_moved = from_store & (name != "baseline")
        done = replay(
            free=rows["free_units"].to_numpy(float), first_order=first[name], demand=situation.demand,
            arrivals=situation.arrivals, lead_days=lead, policy=policy,
            first_lead_days=np.where(is_moved, TRANSFER_DAYS, lead),
        )  # fmt: skip
        _add(out, name, done, rows)
    if given is not None:
        felt = given.reindex(out["recommendation_id"]).fillna(0.0)
        out[felt.columns] += felt.to_numpy(float)
    return out.assign(measured_at=last)


def donors(situation: Situation) -> pd.DataFrame:
    """What giving did to the stores that gave, by recommendation: units and money by scenario.

    The decided (proposed) units leave on the first day; then every scenario follows the common rule.
    """
    rows = situation.rows
    policy = _rule(rows)
    out = pd.DataFrame({"demand_units": situation.demand.sum(1)})
    for name in SCENARIOS:
        gone = rows[f"{name}_units"].to_numpy(float) if name != "baseline" else np.zeros(len(rows))
        free = rows["free_units"].to_numpy(float) - gone
        done = replay(
            free=free, first_order=policy.order(free + situation.arrivals.sum(1)), demand=situation.demand,
            arrivals=situation.arrivals, lead_days=rows["lead_days"].to_numpy(int), policy=policy,
        )  # fmt: skip
        _add(out, name, done, rows)
    return out.set_index(rows["recommendation_id"])


def less_costs(measured: pd.DataFrame, settled: pd.DataFrame, cost: np.ndarray) -> pd.DataFrame:
    """With `action_cost` of the units decided, taken off the margin of decision and proposal alike."""
    of = settled.set_index("recommendation_id").reindex(measured["recommendation_id"])
    proposed = of["proposed_units"].to_numpy(float)
    share = np.where(proposed > 0, of["decided_units"].to_numpy(float) / np.maximum(proposed, 1e-9), 0.0)
    paid = cost * share
    return measured.assign(
        action_cost=paid,
        margin_decided=measured["margin_decided"] - np.nan_to_num(paid),
        margin_proposed=measured["margin_proposed"] - np.nan_to_num(cost),
    )


def _rule(rows: pd.DataFrame) -> MinMax:
    mean, sd = (rows[name].to_numpy(float) for name in ("daily_mean", "daily_sd"))
    return MinMax.from_history(mean, sd, rows["lead_days"].to_numpy(int), rows["pack_units"].to_numpy(float))


def _add(out: pd.DataFrame, name: str, done: Replayed, rows: pd.DataFrame) -> None:
    cost, margin = rows["unit_cost"].to_numpy(float), rows["unit_margin"].to_numpy(float)
    value = done.mean_stock_units * cost
    out[f"served_{name}_units"] = done.served_units
    out[f"margin_{name}"] = done.served_units * margin - value * CARRYING_RATE_A_YEAR * WINDOW_DAYS / 365
    out[f"stock_value_{name}"] = value
    out[f"cogs_{name}"] = done.served_units * cost


def _last_day(warehouse: Path) -> datetime | None:
    """The last day whose stock is known; None if no stock is known at all."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        ((day,),) = con.execute("SELECT max(date_day) FROM fct_inventory_daily").fetchall()
    return datetime.combine(day, time()) if day else None
