"""Compute a proposal's expected effect again, from what is stored with it and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from models_ml.errors import ModelError
from models_ml.recommend import effects
from models_ml.recommend.counting import expected_served, share_within

Expected = dict[str, float]


def reproduce(row: Mapping[str, Any], quantity: float | None = None) -> Expected:
    """`expected_units`, `expected_service`, `expected_margin_usd` and `expected_cash_usd` of a stored row.

    `quantity` answers what another one would have brought. Raises ModelError for an action that has no
    formula.
    """
    try:
        formula = FORMULAS[row["action"]]
    except KeyError:
        raise ModelError(
            f"no formula for the action {row['action']!r}", hint=f"known: {', '.join(FORMULAS)}"
        ) from None
    return formula(row["drivers"], float(row["quantity_units"] if quantity is None else quantity))


def _reorder(drivers: Mapping[str, Any], quantity: float) -> Expected:
    mean, variance, interval, margin, cost = (
        np.array([drivers[name]])
        for name in (
            *("demand_mean_units", "demand_variance_units2", "protection_interval_days"),
            *("unit_margin_usd", "unit_cost_usd"),
        )
    )
    demand = effects.Demand(mean, variance, interval, margin, cost, drivers["carrying_rate"])
    effect = effects.of_stock(np.array([drivers["position_units"]]), np.array([quantity]), demand)
    return _expected(effect.units[0], effect.service[0], effect.margin_usd[0], effect.cash_usd[0])


def _transfer(drivers: Mapping[str, Any], quantity: float) -> Expected:
    gained, service = _served_more(drivers, "", drivers["position_units"], quantity)
    lost = 0.0
    if not drivers["donor_is_centre"]:
        lost = -_served_more(drivers, "donor_", drivers["donor_before_units"], -quantity)[0]
    share = quantity / drivers["moved_units"]
    cost = drivers["transfer_cost_usd"] * share
    unit = drivers["transfer_cost_usd"] / drivers["moved_units"]
    charged = unit * gained if drivers["donor_is_centre"] else cost
    margin = gained * drivers["unit_margin_usd"] - lost * drivers["donor_unit_margin_usd"] - charged
    return _expected(gained - lost, service, margin, -cost)


def _served_more(drivers: Mapping[str, Any], whose: str, before: float, units: float) -> tuple[float, float]:
    mean = np.array([drivers[f"{whose}demand_mean_units"]])
    variance = np.array([drivers[f"{whose}demand_variance_units2"]])
    low, high = np.array([before]), np.array([before + units])
    more = expected_served(high, mean, variance) - expected_served(low, mean, variance)
    return float(more[0]), float(share_within(np.floor(high), mean, variance)[0])


def _expected(units: float, service: float, margin: float, cash: float) -> Expected:
    return {
        "expected_units": float(units), "expected_service": float(service),
        "expected_margin_usd": float(margin), "expected_cash_usd": float(cash),
    }  # fmt: skip


FORMULAS: dict[str, Callable[[Mapping[str, Any], float], Expected]] = {
    "reorder": _reorder,
    "transfer": _transfer,
}
