"""The sentence and the drivers of a reorder: every number that led to it."""

from __future__ import annotations

from math import isfinite

from governance.json_types import JsonDict
from models_ml.recommend.inputs.demand_over import PLANNED_WEEKS
from models_ml.recommend.proposal import Option, Run, number
from models_ml.table_row import TableRow

METHOD_LABELS = {
    "model": "the demand model",
    "category_share": "its share of the category's forecast",
    "cold_start": "what products like it sell, having no history of its own,",
    "sum_of_stores": "the forecasts of the stores it serves",
    "moving_average": "the thirteen-week moving average",
}


def reason_sentence(row: TableRow) -> str:
    """One sentence with the numbers of a proposal row."""
    owed = row.position - row.free
    coming = f"{owed:.0f} on the way" if owed >= 0 else f"{-owed:.0f} of them promised to its stores"
    capped = f", kept to the {row.shelf_life_days:.0f} days it lasts" if row.is_capped else ""
    why = f" ({row.fallback_reason})" if row.fallback_reason else ""
    return (
        f"Order {row.quantity_units:.0f} ({row.quantity_units / row.case_pack_units:.0f} × "
        f"{row.case_pack_units:.0f}){capped}: {row.demand_mean:.1f} units expected "
        f"over {row.interval_days:.1f} days by {METHOD_LABELS.get(row.method, row.method)}{why}, "
        f"{row.level:.0f} needed for {row.service_target:.0%} service, "
        f"{row.free:.0f} free on hand and {coming}; "
        f"service rises from {row.service_without:.0%} to {row.expected_service:.0%}."
    )


def sentences_of(row: TableRow, waiting: Option) -> list[str]:
    """The drivers one by one, each with its number; `waiting` is ordering at the next review instead."""
    sentences = [
        f"{row.expected_units:.1f} of them sell within {PLANNED_WEEKS} weeks, "
        f"for ${row.expected_margin:.2f} of margin; waiting for the next review costs "
        f"{usd(row.expected_margin - waiting.margin)} of it",
        f"{row.demand_mean:.1f} ± {row.demand_variance**0.5:.1f} units wanted "
        f"over {row.interval_days:.1f} days",
        f"{row.free:.0f} free on hand, {row.in_transit_units + row.on_order_units:.0f} on the way",
        f"lead time {row.lead_time_mean_days:.1f} ± {row.lead_time_sd_days:.1f} days",
        f"{row.service_target:.0%} service pays: a unit missed costs ${row.worth:.2f}, "
        f"one too many ties up ${row.unit_cost:.2f}",
    ]
    if row.pledged_units:
        sentences.append(f"{row.pledged_units:.0f} approved and not yet carried out are counted in")
    if getattr(row, "moved_in_units", 0):
        sentences.append(f"{row.moved_in_units:.0f} proposed to come from another place are counted in")
    if getattr(row, "moved_out_units", 0):
        sentences.append(f"{row.moved_out_units:.0f} proposed for the stores it serves are taken off")
    left = getattr(row, "budget_left", None)
    if left is not None and isfinite(left):
        sentences.append(
            f"brings ${row.return_on_spend:.2f} for each dollar, rank {row.budget_rank:.0f} in "
            f"{row.department} {row.region}, where ${left:,.0f} may be ordered and one more dollar is worth "
            f"${row.shadow_price:.2f}"
        )
    if getattr(row, "suspicion", ""):
        sentences.append(f"look first: {row.suspicion}")
    if row.customer_weight > 1:
        sentences.append(f"loyal customers buy it: an unmet unit weighs {row.customer_weight:.2f} times")
    return sentences


def usd(value: float) -> str:
    """Dollars and cents, in words where they come to nothing."""
    return "nothing" if value < 0.005 else f"${value:.2f}"


def text_or_none(value: object) -> str | None:
    """A text, or None for what a table calls missing."""
    return value if isinstance(value, str) and value else None


def drivers_of(row: TableRow, run: Run) -> JsonDict:
    """The inputs of quantity and effect: with them, both can be computed again."""
    return {
        "demand_mean_units": number(row.demand_mean),
        "demand_variance_units2": number(row.demand_variance),
        "demand_sd_units": number(row.demand_variance**0.5),
        "protection_interval_days": number(row.interval_days),
        "lead_time_mean_days": number(row.lead_time_mean_days),
        "lead_time_sd_days": number(row.lead_time_sd_days),
        "service_target": number(row.service_target),
        "service_without_order": number(row.service_without),
        "base_stock_units": float(row.level),
        "on_hand_units": float(row.on_hand_units),
        "reserved_units": float(row.reserved_units),
        "in_transit_units": float(row.in_transit_units),
        "on_order_units": float(row.on_order_units),
        "pledged_units": float(row.pledged_units),
        "position_units": float(row.position),
        "proposed_units": float(row.proposed_units),
        "missed_units": number(row.missed_units),
        "case_pack_units": float(row.case_pack_units),
        "shelf_life_capped": bool(row.is_capped),
        "unit_cost": number(row.unit_cost),
        "unit_margin": number(row.unit_margin),
        "worth": number(row.worth),
        "customer_weight": number(row.customer_weight),
        "carrying_rate": run.parameters.carrying_rate,
        "replenished_from": text_or_none(row.replenished_from),
        "demand_class": text_or_none(getattr(row, "demand_class", None)),
        "distribution": getattr(row, "distribution", "counts"),
        "forecast_method": row.method,
        "fallback_reason": row.fallback_reason or None,
        "as_of": run.as_of.isoformat(),
    }
