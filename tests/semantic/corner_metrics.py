# ruff: noqa: E501 - tables of cases read better in one line
"""MetricFlow's own manifest with metrics at the corners of dbt's spec: nested filters, shifts on top of shifts of
other kinds, every period_agg, conversions inside derived metrics, fills inside and outside."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from metricflow.engine.metricflow_engine import MetricFlowEngine

from .metricflow_oracle import as_json, engine_of, shipped_manifest

INSTANT = "{{ Dimension('booking__is_instant') }}"
LUX = "{{ Dimension('listing__is_lux_latest') }}"
KNOWN = "{{ Dimension('listing__country_latest') }} IS NOT NULL"


def _where(*texts: str) -> dict[str, Any] | None:
    return {"where_filters": [{"where_sql_template": t} for t in texts]} if texts else None


def _input(
    name: str, alias: str | None = None, filters: tuple[str, ...] = (), **shift: Any
) -> dict[str, Any]:
    return {"name": name, "alias": alias, "filter": _where(*filters), **shift}


def _derived(name: str, expr: str, *inputs: dict[str, Any], filters: tuple[str, ...] = ()) -> dict[str, Any]:
    params = {"expr": expr, "metrics": list(inputs)}
    return {"name": name, "type": "derived", "type_params": params, "filter": _where(*filters)}


def _ratio(name: str, top: dict[str, Any], bottom: dict[str, Any], *filters: str) -> dict[str, Any]:
    params = {"numerator": top, "denominator": bottom}
    return {"name": name, "type": "ratio", "type_params": params, "filter": _where(*filters)}


def _cumulative(name: str, how: dict[str, Any], metric: str = "revenue", *filters: str) -> dict[str, Any]:
    params = {"cumulative_type_params": {"metric": {"name": metric}, **how}}
    return {"name": name, "type": "cumulative", "type_params": params, "filter": _where(*filters)}


def _conversion(name: str, calculation: str, window: int | None, *constants: str) -> dict[str, Any]:
    params: dict[str, Any] = {
        "base_metric": {"name": "visits"}, "conversion_metric": {"name": "buys"}, "entity": "user",
        "calculation": calculation,
        "constant_properties": [{"base_property": "session", "conversion_property": c} for c in constants],
    }  # fmt: skip
    if window:
        params["window"] = {"count": window, "granularity": "day"}
    return {"name": name, "type": "conversion", "type_params": {"conversion_type_params": params}}


def _days(count: int) -> dict[str, Any]:
    return {"offset_window": {"count": count, "granularity": "day"}}


def _window(count: int, grain: str, period_agg: str) -> dict[str, Any]:
    return {"window": {"count": count, "granularity": grain}, "period_agg": period_agg}


CORNERS = [
    _derived("lux_gap", "a - b", _input("bookings", "a", (INSTANT,)), _input("bookings", "b", (LUX,)), filters=(KNOWN,)),
    _derived("lux_gap_growth", "g - h", _input("lux_gap", "g"), _input("lux_gap", "h", **_days(7))),
    _derived("lux_gap_instant", "2 * g", _input("lux_gap", "g", (INSTANT,)), filters=(LUX,)),
    _ratio("instant_share", _input("bookings", "n", (INSTANT,)), _input("bookings", "d"), KNOWN),
    _derived("instant_share_points", "100 * s", _input("instant_share", "s", (LUX,))),
    _derived("instant_share_gain", "s - t", _input("instant_share", "s"), _input("instant_share", "t", **_days(14))),
    _cumulative("revenue_3_weeks_last", _window(3, "week", "last")),
    _cumulative("revenue_10_days_first", _window(10, "day", "first")),
    _cumulative("revenue_10_days_average", _window(10, "day", "average")),
    _cumulative("revenue_qtd_last", {"grain_to_date": "quarter", "period_agg": "last"}),
    _cumulative("revenue_wtd_average", {"grain_to_date": "week", "period_agg": "average"}),
    _cumulative("bookers_9_days", _window(9, "day", "last"), "bookers"),
    _cumulative("max_value_to_date", {"grain_to_date": "month", "period_agg": "last"}, "max_booking_value"),
    _derived("revenue_share_of_quarter", "1.0 * r / nullif(q, 0)", _input("revenue", "r"), _input("revenue_qtd_last", "q")),
    _derived("booked_or_none", "coalesce(a, 0) + coalesce(b, 0)", _input("bookings_fill_nulls_with_0", "a", (LUX,)), _input("views", "b")),
    _derived("filled_difference", "a - b", _input("bookings_fill_nulls_with_0", "a"), _input("bookings_fill_nulls_with_0", "b", (INSTANT,))),
    _conversion("buys_in_5_days", "conversions", 5),
    _conversion("buy_rate_ever", "conversion_rate", None),
    _conversion("buys_of_session_3_days", "conversions", 3, "session_id"),
    _derived("buy_rate_percent", "100 * c", _input("buy_rate_ever", "c")),
    _derived("buys_and_visits", "c + v", _input("buys_in_5_days", "c"), _input("visits", "v")),
]  # fmt: skip
NAMES = [m["name"] for m in CORNERS]


def _complete(metric: dict[str, Any]) -> dict[str, Any]:
    """With the keys that dbt always writes."""
    return {
        "description": "",
        "metadata": None,
        "label": None,
        "config": None,
        "time_granularity": None,
        **metric,
    }


@lru_cache
def corner_manifest() -> dict[str, Any]:
    raw = as_json(shipped_manifest("simple_manifest"))
    raw["metrics"] += [_complete(m) for m in CORNERS]
    return raw


@lru_cache
def corner_oracle() -> MetricFlowEngine:
    return engine_of(corner_manifest())
