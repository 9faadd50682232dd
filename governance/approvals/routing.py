"""Who decides: automatic, a planner, the category manager, finance, or two people. With the reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from governance.approvals.actions import ACTIONS, ROUTE_LABELS, ROUTES, UNDO
from governance.approvals.limits import Level, Limits, default_limits
from governance.approvals.recommendation import Recommendation
from governance.json_types import JsonDict

_TRUSTED = frozenset({"champion"})


MONEY = ("expected_cash", "expected_margin", "at_stake")
"""What a proposal says of money: the largest of them is at stake."""


@dataclass(frozen=True)
class Route:
    """Who decides, why, and after how many hours it escalates and expires."""

    name: str
    reasons: tuple[str, ...]
    escalate_after_hours: float
    expire_after_hours: float


def money_at_stake(record: Recommendation, quantity: float | None = None) -> float | None:
    """The largest of cash bound, margin expected and money in question; None if none is known.

    Of another `quantity` than the proposed one it is as much a unit. That is not known, and None, if the
    proposal has no units or no money to divide.
    """
    known_amounts = [abs(amount) for name in MONEY if (amount := getattr(record, name)) is not None]
    money = max(known_amounts) if known_amounts else None
    if quantity is None or quantity == record.quantity_units:
        return money
    return money / record.quantity_units * quantity if money and record.quantity_units > 0 else None


def route(record: Recommendation, *, model_state: str, limits: Limits | None = None) -> Route:
    """The strictest of what action, money, confidence, department, data and model state ask for.

    `model_state` is `champion`, or anything else: `stale`, `drifted`, `fallback`, `missing`. What is unknown
    (no money, no confidence, not a champion, an action without a policy) is never decided automatically.
    `details.data_age_days` is how far the data behind it lag; left out, `model_state` alone speaks for them.
    """
    level = (limits or default_limits()).at(record.banner, record.region)
    wanted: list[tuple[str, str]] = [_by_money(record, limits or default_limits())]
    wanted += _by_action(record, level)
    if record.confidence is None or record.confidence < level.minimum_confidence:
        wanted.append(("planner", f"confidence below {level.minimum_confidence:.0%}, or not known"))
    if record.confidence is not None and record.confidence < level.two_people_below_confidence:
        wanted.append(("two_people", f"confidence below {level.two_people_below_confidence:.0%}"))
    if record.department in level.category_manager_departments:
        wanted.append(("category_manager", f"department {record.department}"))
    if model_state not in _TRUSTED:
        wanted.append(("planner", f"model state {model_state}"))
    if record.compensates is not None or record.action.startswith(UNDO):
        wanted.append(("planner", "compensates an executed decision"))
    strictest = max((name for name, _ in wanted), key=ROUTES.index)
    reasons = tuple(why for name, why in wanted if name == strictest)
    return Route(strictest, reasons, level.escalate_after_hours, level.expire_after_hours)


def automatic_rule(record: Recommendation, *, limits: Limits | None = None) -> JsonDict:
    """The rule and the limits under which policy approves without a person: for the audit."""
    level = (limits or default_limits()).at(record.banner, record.region)
    return {
        "rule": "automatic_below",
        "limit": level.automatic_below,
        "at_stake": money_at_stake(record),
        "minimum_confidence": level.minimum_confidence,
        "confidence": record.confidence,
    }


def decision_route(record: Recommendation, quantity: float | None, limits: Limits | None = None) -> str:
    """Who decides on `quantity` units: the stricter of the proposal's route and what their money asks for.

    Without a quantity, or without a route (two people then), it is the proposal's own.
    """
    own = record.policy_route or "two_people"
    if quantity is None or quantity == record.quantity_units:
        return own
    by_money, _ = _by_money(record, limits or default_limits(), quantity)
    return max(own, by_money, key=_strictness)


def _strictness(route: str) -> int:
    return ROUTES.index(route) if route in ROUTES else len(ROUTES)


def _by_action(record: Recommendation, level: Level) -> list[tuple[str, str]]:
    """What the action itself asks for, and the details that it brings."""
    action = record.action.removeprefix(UNDO)
    least = level.least_route(action)
    wanted = [] if least == "automatic" else [(least, _least_reason(action, least))]
    details = record.details if isinstance(record.details, Mapping) else {}
    age = details.get("data_age_days")
    if age is not None and not age <= level.stale_after_days:
        wanted.append(("planner", f"data {age:.0f} days old"))
    if details.get("fallback_reason"):
        wanted.append(("planner", f"not by the model: {details['fallback_reason']}"))
    over = (details.get("buy_first") or {}).get("over_budget") or 0
    if over > 0:
        wanted.append(("finance_controller", f"${over:,.2f} beyond the open-to-buy"))
    origin = details.get("from_region")
    if action == "transfer" and origin != record.region:
        wanted.append(("category_manager", f"from {origin or 'an unknown region'} to {record.region}"))
    return wanted


def _least_reason(action: str, least: str) -> str:
    registered = ACTIONS.get(action)
    label = registered.label if registered else action.replace("_", " ")
    return f"{label}: {ROUTE_LABELS[least]} at least"


def _by_money(record: Recommendation, limits: Limits, quantity: float | None = None) -> tuple[str, str]:
    level = limits.at(record.banner, record.region)
    money = money_at_stake(record, quantity)
    if money is None:
        return "category_manager", "money at stake is not known"
    steps = (
        ("automatic", level.automatic_below),
        ("planner", level.planner_below),
        ("category_manager", level.category_manager_below),
        ("finance_controller", level.finance_controller_below),
    )
    for name, below in steps:
        if money < below:
            return name, f"${money:,.0f} at stake, below ${below:,.0f}"
    return "two_people", f"${money:,.0f} at stake, ${level.finance_controller_below:,.0f} or more"
