"""The sentence and the drivers of a reorder: every number that led to it."""

from __future__ import annotations

import json
from typing import Any

WORDS = {
    "model": "the demand model",
    "category_share": "its share of the category's forecast",
    "sum_of_stores": "the forecasts of the stores it serves",
    "moving_average": "the thirteen-week moving average",
}


def reason_sentence(row: Any) -> str:
    """One sentence with the numbers of a proposal row."""
    owed = row.in_transit_units + row.on_order_units
    kept = f", kept to the {row.shelf_life_days:.0f} days it lasts" if row.is_capped else ""
    why = f" ({row.fallback_reason})" if row.fallback_reason else ""
    return (
        f"Order {row.quantity_units:.0f} ({row.quantity_units / row.case_pack_units:.0f} × "
        f"{row.case_pack_units:.0f}){kept}: {row.demand_mean:.1f} units expected "
        f"over {row.interval_days:.1f} days by {WORDS.get(row.method, row.method)}{why}, "
        f"{row.level:.0f} needed for {row.service_target:.0%} service, "
        f"{row.on_hand_units - row.reserved_units:.0f} free on hand and {owed:.0f} on the way; "
        f"service rises from {row.service_without:.0%} to {row.expected_service:.0%}."
    )


def drivers_json(row: Any) -> str:
    """The inputs of the quantity as JSON, keys sorted."""
    plain = {
        "demand_mean_units": round(row.demand_mean, 3),
        "demand_sd_units": round(row.demand_variance**0.5, 3),
        "protection_interval_days": round(row.interval_days, 2),
        "lead_time_mean_days": round(row.lead_time_mean_days, 2),
        "lead_time_sd_days": round(row.lead_time_sd_days, 2),
        "service_target": round(row.service_target, 4),
        "service_without_order": round(row.service_without, 4),
        "base_stock_units": float(row.level),
        "on_hand_units": float(row.on_hand_units),
        "reserved_units": float(row.reserved_units),
        "in_transit_units": float(row.in_transit_units),
        "on_order_units": float(row.on_order_units),
        "case_pack_units": float(row.case_pack_units),
        "shelf_life_capped": bool(row.is_capped),
        "unit_cost_usd": round(row.unit_cost_usd, 4),
        "unit_margin_usd": round(row.unit_margin_usd, 4),
        "replenished_from": row.replenished_from,
        "forecast_method": row.method,
        "fallback_reason": row.fallback_reason or None,
        "as_of": row.as_of_day.isoformat(),
    }
    return json.dumps(plain, sort_keys=True)
