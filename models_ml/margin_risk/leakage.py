"""The leakage check of the margin features: another future of sales, margins and discounts, the same plan."""

from __future__ import annotations

from dataclasses import replace

from models_ml.demand.leakage import leaked
from models_ml.evaluate.leakage import after, require_unchanged, sample
from models_ml.margin_risk import features
from models_ml.margin_risk.model import rows_of
from models_ml.margin_risk.panel import MarginPanel, Money


def require_no_leak(panel: MarginPanel, cut: int) -> None:
    """Build the features twice, on the panel and on one with another future. Raises LeakageError."""
    few = sample(len(panel.demand.items))
    other = replace(
        panel,
        demand=leaked(panel.demand, cut),
        money=_leaked(panel.money, cut),
        pools={name: (_leaked(money, cut), member) for name, (money, member) in panel.pools.items()},
    )
    one, two = (rows_of(features.build(each, cut), few) for each in (panel, other))
    week = int(panel.demand.weeks[cut])
    require_unchanged([*one.names], one.values, two.values, "margin risk", week)


def _leaked(money: Money, cut: int) -> Money:
    return Money(*(after(values, cut) for values in money))
