"""Who decides: automatic, a planner, the category manager, finance, or two people. With the reasons."""

from __future__ import annotations

from dataclasses import dataclass

from governance.approvals.limits import Limits, default_limits
from governance.store.records import Recommendation

ROUTES = ("automatic", "planner", "category_manager", "finance_controller", "two_people")
_TRUSTED = frozenset({"champion"})


@dataclass(frozen=True)
class Route:
    """Who decides, why, and after how many hours it escalates and expires."""

    name: str
    reasons: tuple[str, ...]
    escalate_after_hours: float
    expire_after_hours: float


def money_at_stake_usd(record: Recommendation) -> float | None:
    """The larger of cash bound and margin expected; None when the recommendation tells neither."""
    known = [abs(x) for x in (record.expected_cash_usd, record.expected_margin_usd) if x is not None]
    return max(known) if known else None


def route(record: Recommendation, *, model_state: str, limits: Limits | None = None) -> Route:
    """The strictest of what money, confidence, department and model state ask for.

    `model_state` is `champion`, or anything else: `stale`, `drifted`, `fallback`, `missing`. What is unknown
    (no money, no confidence, not a champion) is never decided automatically.
    """
    level = (limits or default_limits()).at(record.banner, record.region)
    wanted: list[tuple[str, str]] = [_by_money(record, limits or default_limits())]
    if record.confidence is None or record.confidence < level.minimum_confidence:
        wanted.append(("planner", f"confidence below {level.minimum_confidence:.0%}, or not known"))
    if record.confidence is not None and record.confidence < level.two_people_below_confidence:
        wanted.append(("two_people", f"confidence below {level.two_people_below_confidence:.0%}"))
    if record.department in level.category_manager_departments:
        wanted.append(("category_manager", f"department {record.department}"))
    if model_state not in _TRUSTED:
        wanted.append(("planner", f"model state {model_state}"))
    if record.compensates is not None:
        wanted.append(("planner", "compensates an executed decision"))
    strictest = max((name for name, _ in wanted), key=ROUTES.index)
    reasons = tuple(why for name, why in wanted if name == strictest)
    return Route(strictest, reasons, level.escalate_after_hours, level.expire_after_hours)


def _by_money(record: Recommendation, limits: Limits) -> tuple[str, str]:
    level = limits.at(record.banner, record.region)
    money = money_at_stake_usd(record)
    if money is None:
        return "category_manager", "money at stake is not known"
    steps = (
        ("automatic", level.automatic_below_usd),
        ("planner", level.planner_below_usd),
        ("category_manager", level.category_manager_below_usd),
        ("finance_controller", level.finance_controller_below_usd),
    )
    for name, below in steps:
        if money < below:
            return name, f"${money:,.0f} at stake, below ${below:,.0f}"
    return "two_people", f"${money:,.0f} at stake, ${level.finance_controller_below_usd:,.0f} or more"
