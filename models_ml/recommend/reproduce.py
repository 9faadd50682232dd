"""Compute a proposal's expected effect again, from what is stored with it and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from governance.json_types import JsonObject
from models_ml.errors import ModelError
from models_ml.recommend import effects
from models_ml.recommend.count_distributions import expected_served, share_within
from models_ml.recommend.inputs.open_orders import OpenOrders
from models_ml.recommend.markdown_programme import Item, best_plan, hold_price

Expected = dict[str, float]


def reproduce(row: JsonObject, quantity: float | None = None) -> Expected:
    """`expected_units`, `expected_service`, `expected_margin` and `expected_cash` of a stored row, or
    of an anomaly `at_stake`.

    `quantity` answers what another one would have brought. Raises ModelError for an action that has no
    formula.
    """
    try:
        formula = FORMULAS[row["action"]]
    except KeyError:
        raise ModelError(
            f"No formula for the action {row['action']!r}.", hint=f"known: {', '.join(FORMULAS)}"
        ) from None
    return formula(row["drivers"], float(row["quantity_units"] if quantity is None else quantity))


def _reorder(drivers: JsonObject, quantity: float) -> Expected:
    """Another quantity differs by one protection interval: the next order makes up for it."""
    mean, variance, interval, unit_margin, cost = (
        np.array([drivers[name]])
        for name in (
            *("demand_mean_units", "demand_variance_units2", "protection_interval_days"),
            *("unit_margin", "unit_cost"),
        )
    )
    demand = effects.Demand(mean, variance, interval, unit_margin, cost, drivers["carrying_rate"])
    at, proposed = np.array([drivers["position_units"]]), np.array([drivers["proposed_units"]])
    units, margin = effects.until_sold(_arrival(drivers), demand.margin, drivers["carrying_rate"])
    usual, other = (effects.of_stock(at, q, demand) for q in (proposed, np.array([quantity])))
    if quantity == 0:
        return _expected(0.0, other.service[0], 0.0, 0.0)
    return _expected(
        (units + other.units - usual.units)[0], other.service[0],
        (margin + other.margin - usual.margin)[0], other.cash[0],
    )  # fmt: skip


def _arrival(drivers: JsonObject) -> effects.Arrival:
    """What is proposed, on its way: neither terms nor price matter to units and margin."""
    names = ("position_units", "proposed_units", "lead_time_mean_days")
    position, quantity, days = (np.array([drivers[name]]) for name in names)
    mean, variance = (np.array([drivers[f"weekly_{name}"]]) for name in ("mean_units", "variance_units2"))
    cost, missed = (np.array([drivers[name]]) for name in ("unit_cost", "missed_units"))
    return effects.Arrival(position, quantity, days, 0 * days, mean, variance, cost, 0 * cost, missed)


def _transfer(drivers: JsonObject, quantity: float) -> Expected:
    gained, service = _served_more(drivers, "", drivers["position_units"], quantity)
    cost = drivers["transfer_cost"] * quantity / drivers["proposed_units"]
    margin = drivers["unit_margin"]
    if not drivers["donor_is_centre"]:
        lost = -_served_more(drivers, "donor_", drivers["donor_before_units"], -quantity)[0]
        gain = gained * margin - lost * drivers["donor_unit_margin"]
        return _expected(gained - lost, service, gain - cost, -cost)
    if quantity == 0:
        return _expected(0.0, service, 0.0, 0.0)
    usual, _ = _served_more(drivers, "", drivers["position_units"], drivers["proposed_units"])
    units = _arrival(drivers).sold[0, -1] + gained - usual
    return _expected(units, service, units * margin - cost, -cost)


def _markdown(drivers: JsonObject, quantity: float) -> Expected:
    one = Item(
        stock=np.array([quantity]), mean=np.array([drivers["weekly_mean_units"]]),
        variance=np.array([drivers["weekly_variance_units2"]]), weeks=np.array([drivers["weeks_left"]]),
        price=np.array([drivers["unit_price"]]), salvage=np.array([drivers["salvage"]]),
        elasticity=np.array([drivers["elasticity"]]), deepest=np.array([drivers["deepest"]]),
    )  # fmt: skip
    best, hold = best_plan(one, np.array(drivers["depths"])), hold_price(one)
    gain, units = float((best.value - hold.value)[0]), float((best.units - hold.units)[0])
    return _expected(units, float("nan"), gain, gain + drivers["salvage"] * units)


def _expedite(drivers: JsonObject, quantity: float) -> Expected:
    line, stock = _line(drivers), np.array([drivers["before_units"]])
    days, sooner = np.array([drivers["arrives_days"]]), np.array([drivers["sooner_days"]])
    lost = line.lost(stock, days) - line.lost(stock, sooner) - line.lost(stock + quantity, days)
    saved = float(np.clip(lost, 0, quantity)[0])
    margin = saved * drivers["unit_margin"] - drivers["fee"]
    return _expected(saved, float(line.in_stock(stock, sooner)[0]), margin, -drivers["fee"])


def _cancel(drivers: JsonObject, quantity: float) -> Expected:
    missed, service = _missed(drivers, 7.0 * drivers["cover_weeks"], quantity)
    waste = drivers["waste_share"] * drivers["spoiled_units"] * drivers["unit_cost"]
    gain = drivers["carrying"] + waste - drivers["fee"] - missed * drivers["unit_margin"]
    return _expected(-missed, service, gain, quantity * drivers["unit_cost"] - drivers["fee"])


def _defer(drivers: JsonObject, quantity: float) -> Expected:
    missed, service = _missed(drivers, drivers["later_days"], quantity)
    return _expected(-missed, service, drivers["carrying"] - missed * drivers["unit_margin"], 0.0)


def _investigate(drivers: JsonObject, quantity: float) -> Expected:
    beyond = max(drivers["events"] - drivers["usual"], 0) / max(drivers["events"], 1)
    return {"expected_units": 0.0, "expected_cash": 0.0, "at_stake": drivers["money"] * beyond}


def _missed(drivers: JsonObject, days: float, quantity: float) -> tuple[float, float]:
    line, stock, until = _line(drivers), np.array([drivers["others_units"]]), np.array([days])
    mean, variance = line.demand(until)
    more = expected_served(stock + quantity, mean, variance) - expected_served(stock, mean, variance)
    return float(more[0]), float(line.in_stock(stock, until)[0])


def _line(drivers: JsonObject) -> OpenOrders:
    weekly = (np.array([drivers[f"weekly_{name}"]]) for name in ("mean_units", "variance_units2"))
    return OpenOrders(pd.DataFrame(), *weekly)


def _served_more(drivers: JsonObject, whose: str, before: float, units: float) -> tuple[float, float]:
    mean = np.array([drivers[f"{whose}demand_mean_units"]])
    variance = np.array([drivers[f"{whose}demand_variance_units2"]])
    low, high = np.array([before]), np.array([before + units])
    more = expected_served(high, mean, variance) - expected_served(low, mean, variance)
    return float(more[0]), float(share_within(np.floor(high), mean, variance)[0])


def _expected(units: float, service: float, margin: float, cash: float) -> Expected:
    return {
        "expected_units": float(units), "expected_service": float(service),
        "expected_margin": float(margin), "expected_cash": float(cash),
    }  # fmt: skip


FORMULAS: dict[str, Callable[[JsonObject, float], Expected]] = {
    "reorder": _reorder,
    "transfer": _transfer,
    "markdown": _markdown,
    "expedite": _expedite,
    "cancel": _cancel,
    "defer": _defer,
    "investigate": _investigate,
}
