"""What a kind of recommendation is: it plans on what the kinds before it left, then it proposes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import pandas as pd

from models_ml.recommend.inputs.needs import Needs
from models_ml.recommend.inputs.open_orders import OpenOrders
from models_ml.recommend.proposal import Run

STOCK_AND_DEMAND = ("demand_forecasts", "inventory_snapshots")
OPEN_ORDERS = (*STOCK_AND_DEMAND, "purchase_orders", "purchase_order_lines")
LEAD_TIME = ("suppliers or receipts", "a lead time of seven days")
COST = (
    "products.landed_cost or price_changes.landed_cost",
    "a cost of seven tenths of the list price",
)
"""What kinds need, and what they assume without a table or column."""


@dataclass(frozen=True)
class Situation:
    """Everything that is known before anything is proposed, and what kinds have planned so far.

    `needs` are of every forecast pair; `netted` the same after the planned `moves` between places. `orders`
    are open purchase order lines; `cancelled` holds the ids of those that are to be cancelled.
    """

    run: Run
    positions: pd.DataFrame
    needs: Needs
    netted: Needs
    orders: OpenOrders
    anomalies: pd.DataFrame
    elasticities: pd.DataFrame
    lots: pd.DataFrame
    budgets: pd.DataFrame
    moves: pd.DataFrame = field(default_factory=pd.DataFrame)
    cancelled: frozenset[str] = frozenset()


class Kind(Protocol):
    """One kind, named as its action in `governance.approvals.actions`."""

    @property
    def action(self) -> str: ...

    @property
    def needs(self) -> tuple[str, ...]:
        """Tables or columns without which nothing of this kind is proposed (`semantic.definitions.needs`)."""

    @property
    def assumes(self) -> tuple[tuple[str, str], ...]:
        """Needs that are better met, each with what is assumed without it."""

    def plan(self, situation: Situation) -> Situation:
        """The situation with what this kind is going to do, for the kinds after it."""

    def propose(self, situation: Situation) -> pd.DataFrame:
        """Proposals, columns as `proposal.COLUMNS`, once every kind has planned."""
