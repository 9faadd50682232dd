"""What no proposal and no decision may be, whoever agrees: the guardrail of each action."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from governance.approvals.actions import UNDO, Guardrail, action_of
from governance.approvals.limits import Level, Limits, default_limits
from governance.approvals.recommendation import Recommendation
from governance.json_types import JsonObject

_NUMBERS = (
    *("quantity_units", "expected_units", "expected_margin", "expected_cash"),
    *("expected_service", "confidence", "at_stake"),
)
_SHARES = ("expected_service", "confidence")


def guardrail_violation(
    record: Recommendation, *, quantity: float | None = None, limits: Limits | None = None
) -> str | None:
    """Why this is outside policy, in a sentence; None if it is within.

    `quantity` is what a person decided instead of the proposed one, in units. What a guardrail needs and the
    record does not say (the depth of a markdown, the donor's free stock) violates it.
    """
    level = (limits or default_limits()).at(record.banner, record.region)
    action = action_of(record.action)
    units = record.quantity_units if quantity is None else quantity
    details: JsonObject = record.details if isinstance(record.details, Mapping) else {}
    if action is None:
        return f"no policy for the action {record.action.removeprefix(UNDO)!r}"
    if (bad := _of_numbers(record, units)) is not None:
        return bad
    return _GUARDRAILS[action.guardrail](record, units, details, level)


def _of_numbers(record: Recommendation, units: float) -> str | None:
    values = {name: getattr(record, name) for name in _NUMBERS} | {"quantity_units": units}
    for name, value in values.items():
        if value is not None and not math.isfinite(value):
            return f"{name} is not a number"
        if value is not None and name in _SHARES and not 0 <= value <= 1:
            return f"{name} is not a share"
    return "a quantity below zero" if units < 0 else None


def _one_place(record: Recommendation, units: float, details: JsonObject, level: Level) -> str | None:
    if record.from_location_id is None:
        return None
    return f"a {record.action.removeprefix(UNDO)} takes nothing from another location"


def _donor_can_spare(record: Recommendation, units: float, details: JsonObject, level: Level) -> str | None:
    if record.from_location_id is None or record.from_location_id == record.location_id:
        return "a transfer needs two places"
    if record.action.startswith(UNDO):
        return None
    free = details.get("donor_free_units")
    if not isinstance(free, int | float) or not units <= free:
        return "more than the donor can spare"
    return None


def _price_above_floor(record: Recommendation, units: float, details: JsonObject, level: Level) -> str | None:
    if (elsewhere := _one_place(record, units, details, level)) is not None:
        return elsewhere
    greatest = level.greatest_markdown_share
    depth, price, floor = (details.get(name) for name in ("depth", "price", "floor_price"))
    if not isinstance(depth, int | float) or not 0 <= depth <= greatest:
        return f"a markdown deeper than {greatest:.0%}, or of unknown depth"
    if not isinstance(price, int | float) or not isinstance(floor, int | float) or not price >= floor > 0:
        return "a price below the brand's floor"
    return None


_Check = Callable[[Recommendation, float, JsonObject, Level], str | None]
_GUARDRAILS: Mapping[Guardrail, _Check] = {
    "one_place": _one_place,
    "donor_can_spare": _donor_can_spare,
    "price_above_floor": _price_above_floor,
}
