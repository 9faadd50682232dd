"""What can be recommended: one line an action. Whatever lists actions reads this or is held to it by a test.

The contract of exported recommendations and dbt's descriptions and accepted values are written from here by
`.ci/write_vocabularies.py`. To add an action: its line below, its file in `models_ml/recommend/kinds`, its
policy cases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

RouteName = Literal["automatic", "planner", "category_manager", "finance_controller", "two_people"]
StockEffect = Literal["adds", "withdraws", "hastens", "delays", "none"]
Guardrail = Literal["one_place", "donor_can_spare", "price_above_floor"]

ROUTES: tuple[RouteName, ...] = (
    "automatic",
    "planner",
    "category_manager",
    "finance_controller",
    "two_people",
)
"""Who decides, the least strict first."""

ROUTE_LABELS: dict[str, str] = {
    "automatic": "policy, without a person",
    "planner": "a planner",
    "category_manager": "the category manager",
    "finance_controller": "finance",
    "two_people": "two people",
}
"""The routes as people read them."""

UNDO = "undo_"  # before an action: the compensation of one that was carried out


@dataclass(frozen=True)
class Action:
    """One kind of recommendation.

    `label` is the verb as the review page writes it. `stock_effect` is what an agreed one does to the units
    that come to its location: adds or withdraws some, brings them sooner or later, or nothing. `least_route`
    is the least strict route, whatever the money; limits may only tighten it. `guardrail` names what it may
    never be (`governance.approvals.guardrails`). `unit` is what its quantity counts, None if there is
    nothing to count and so nothing to override.
    """

    name: str
    verb: str
    label: str
    stock_effect: StockEffect
    least_route: RouteName
    guardrail: Guardrail = "one_place"
    unit: str | None = "units"

    @property
    def moves_stock(self) -> bool:
        """Whether units come to the location that would not have come: what outcomes can be measured by."""
        return self.stock_effect == "adds"


ACTIONS: dict[str, Action] = {
    action.name: action
    for action in (
        Action("reorder", "order from the supplier", "Order", "adds", "automatic"),
        Action("transfer", "move from another location", "Move", "adds", "automatic", "donor_can_spare"),
        Action("markdown", "lower the price", "Mark down", "none", "category_manager", "price_above_floor"),
        Action("expedite", "have an open order sooner", "Expedite", "hastens", "planner"),
        Action("defer", "have an open order later", "Defer", "delays", "planner"),
        Action("cancel", "cancel an open order", "Cancel", "withdraws", "category_manager"),
        Action("investigate", "look into an anomaly", "Look into", "none", "planner", unit=None),
    )
}
"""By name. A markdown changes what customers pay and a cancellation breaks a promise to a supplier: never
below the category manager. Expediting costs money, the supplier must agree to defer, and somebody has to go
and look into an anomaly: never without a person."""


def action_of(name: str) -> Action | None:
    """The action, also of a compensation (`undo_…`); None if there is no such action."""
    return ACTIONS.get(name.removeprefix(UNDO))


def unit_sign(name: str) -> int:
    """What one agreed unit adds to what comes to the location: 1, -1 or 0; a compensation the opposite."""
    action = action_of(name)
    sign = {"adds": 1, "withdraws": -1}.get(action.stock_effect, 0) if action else 0
    return -sign if name.startswith(UNDO) else sign


def recorded_names() -> tuple[str, ...]:
    """Every value that a recommendation's `action` may have: the actions, then their compensations."""
    return (*ACTIONS, *(f"{UNDO}{name}" for name in ACTIONS))
