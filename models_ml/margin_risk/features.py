"""Margin features of one origin, each under the driver it is told under: one code path for fit and score.

Columns up to `origin` and the promotion plan of the four weeks after it are read, nothing else: a realised
discount of those weeks would all but give the outcome away.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models_ml.margin_risk.panel import MarginPanel, Money
from models_ml.margin_risk.settings import HORIZON_WEEKS, TARGET_WEEKS
from models_ml.margin_risk.target import LEAST_MONEY, rate, target_rate, total

PRIOR_SALES = 15.0  # sales at target that a short window's rate is weighed against
PLAN_SHARES = ("display_share", "mailer_share", "front_page_share")


class Features(NamedTuple):
    """Values (series, names), the driver of each name, and the target rate (series,)."""

    values: np.ndarray
    names: list[str]
    drivers: list[str]
    target: np.ndarray


def build(panel: MarginPanel, origin: int) -> Features:
    """Features of every series as known at the end of column `origin`."""
    target = target_rate(panel, origin)
    groups = {
        "recent_margin": _recent(panel, origin, target),
        "recent_discounts": _discounts(panel, origin),
        "target_height": _height(panel, origin, target),
        "category_trend": _pool(panel, origin, "category", target)
        | _pool(panel, origin, "department", target),
        "store_trend": _pool(panel, origin, "location", None),
        "planned_promotions": _plan(panel, origin),
        "size": _size(panel, origin),
        "season": _season(panel, origin),
    }
    flat = [(name, driver, values) for driver, group in groups.items() for name, values in group.items()]
    values = np.stack([np.asarray(v, np.float32) for _, _, v in flat], 1)
    return Features(values, [n for n, _, _ in flat], [d for _, d, _ in flat], target)


Group = dict[str, np.ndarray]


def _recent(panel: MarginPanel, origin: int, target: np.ndarray) -> Group:
    money, out = panel.money, {}
    for weeks in (1, 2, 4, 8):
        sales, margin = total(money.sales, origin, weeks), total(money.margin, origin, weeks)
        out[f"gap_{weeks}"] = (margin + PRIOR_SALES * target) / (sales + PRIOR_SALES) - target
    window = slice(max(0, origin + 1 - TARGET_WEEKS), origin + 1)
    sold = money.sales[:, window] > LEAST_MONEY
    weekly = np.where(sold, money.margin[:, window] / np.maximum(money.sales[:, window], LEAST_MONEY), 0.0)
    count = np.maximum(sold.sum(1), 1)
    apart = np.where(sold, weekly - target[:, None], 0.0)
    out["weekly_spread"] = np.sqrt((apart**2).sum(1) / count)
    out["share_of_weeks_below"] = (sold & (weekly < target[:, None])).sum(1) / count
    return out


def _discounts(panel: MarginPanel, origin: int) -> Group:
    return {f"depth_{weeks}": _depth(panel.money, origin, weeks) for weeks in (1, 4, TARGET_WEEKS)}


def _depth(money: Money, origin: int, weeks: int) -> np.ndarray:
    """Discounts as a share of shelf value."""
    off = total(money.discounts, origin, weeks)
    return np.asarray(off / np.maximum(off + total(money.sales, origin, weeks), LEAST_MONEY))


def _height(panel: MarginPanel, origin: int, target: np.ndarray) -> Group:
    money = panel.money
    own = np.nan_to_num(rate(money, origin, origin + 1), nan=0.0)
    category, member = panel.pools["category"]
    chain = np.nan_to_num(rate(category, origin, 2 * TARGET_WEEKS))[member]
    return {"target": target, "above_own_history": target - own, "above_category": target - chain}


def _pool(panel: MarginPanel, origin: int, name: str, target: np.ndarray | None) -> Group:
    """Rates of a pool against the target, or against its own quarter where there is none, and discounts."""
    money, member = panel.pools[name]
    usual = np.nan_to_num(rate(money, origin, TARGET_WEEKS))
    out: Group = {}
    for weeks in (1, 4, TARGET_WEEKS, 2 * TARGET_WEEKS):
        now = np.nan_to_num(rate(money, origin, weeks))
        out[f"{name}_gap_{weeks}"] = (now - usual)[member] if target is None else now[member] - target
    for weeks in (4, TARGET_WEEKS):
        out[f"{name}_depth_{weeks}"] = _depth(money, origin, weeks)[member]
    return out


def _plan(panel: MarginPanel, origin: int) -> Group:
    """Planned weeks against the quarter before and the last four weeks; an unplanned week counts as usual."""
    ahead, quarter = (
        slice(origin + 1, origin + 1 + HORIZON_WEEKS),
        slice(max(0, origin + 1 - TARGET_WEEKS), origin + 1),
    )
    is_planned = panel.demand.plan_known[ahead]
    plan = {**panel.plan, **{name: panel.demand.plan[name] for name in PLAN_SHARES}}
    plan["added_depth"] = panel.plan["mailer_depth"] + panel.plan["display_depth"]
    out: Group = {}
    for name, values in plan.items():
        usual = values[:, quarter].mean(1)
        planned = np.where(is_planned, values[:, ahead], usual[:, None])
        out[f"{name}_planned"] = planned.mean(1)
        out[f"{name}_against_usual"] = planned.mean(1) - usual
        out[f"{name}_against_last_4"] = planned.mean(1) - values[:, quarter][:, -HORIZON_WEEKS:].mean(1)
        out[f"{name}_peak_against_usual"] = planned.max(1) - usual
    return out


def _size(panel: MarginPanel, origin: int) -> Group:
    sales, units = (
        total(panel.money.sales, origin, TARGET_WEEKS),
        total(panel.demand.units, origin, TARGET_WEEKS),
    )
    return {
        "log_sales": np.log1p(sales),
        "log_units": np.log1p(units),
        "sales_trend": np.log1p(total(panel.money.sales, origin, HORIZON_WEEKS)) - np.log1p(sales),
        "department": panel.pools["department"][1].astype(float),
    }


def _season(panel: MarginPanel, origin: int) -> Group:
    ahead = panel.demand.calendar["is_holiday"][origin + 1 : origin + 1 + HORIZON_WEEKS].sum()
    return {"holidays_ahead": np.full(len(panel.demand.items), float(ahead))}
