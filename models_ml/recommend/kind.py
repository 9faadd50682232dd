"""What a kind of recommendation is: it plans on what the kinds before it left, then it proposes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import pandas as pd

from models_ml.recommend.inputs.needs import Needs
from models_ml.recommend.inputs.open_orders import OpenOrders
from models_ml.recommend.proposal import Run


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

    def plan(self, situation: Situation) -> Situation:
        """The situation with what this kind is going to do, for the kinds after it."""

    def propose(self, situation: Situation) -> pd.DataFrame:
        """Proposals, columns as `proposal.COLUMNS`, once every kind has planned."""
