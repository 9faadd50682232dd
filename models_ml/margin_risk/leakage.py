"""The leakage check of the margin features: another future of sales, margins and discounts, the same plan."""

from __future__ import annotations

from dataclasses import replace

from models_ml.demand.leakage import leaked
from models_ml.evaluate.leakage import after, require_unchanged, sample
from models_ml.margin_risk import features
from models_ml.margin_risk.model import rows_of
from models_ml.margin_risk.panel import MarginPanel, Money


def require_no_leak(panel: MarginPanel, origin: int) -> None:
    """Build the features twice, on the panel and on one with another future. Raises LeakageError."""
    few = sample(len(panel.demand.items))
    other = replace(
        panel,
        demand=leaked(panel.demand, origin),
        money=_leaked(panel.money, origin),
        pools={name: (_leaked(money, origin), member) for name, (money, member) in panel.pools.items()},
    )
    one, two = (rows_of(features.build(each, origin), few) for each in (panel, other))
    week = int(panel.demand.weeks[origin])
    require_unchanged([*one.names], one.values, two.values, "margin risk", week)


def _leaked(money: Money, origin: int) -> Money:
    return Money(*(after(values, origin) for values in money))
