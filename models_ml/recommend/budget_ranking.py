"""Buy first: where the open-to-buy budget does not reach for everything, the best return comes first.

One budget over concave returns is a linear programme with a single constraint: taking pack after pack by
return per dollar is its exact optimum, and the return of the first pack left out is the budget's shadow price
(Dantzig's greedy for the continuous knapsack).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from governance.json_types import JsonDict
from models_ml.recommend.count_distributions import expected_served
from models_ml.table_row import TableRow

SQL = """
WITH ordered AS (SELECT max(date_day) + 1 AS day FROM fct_inventory_daily),
open_to_buy AS (
    SELECT o.month_starts_on, l.region, p.department, sum(o.budget) AS budget,
        sum(o.commitments + o.receipts)::DOUBLE AS spent
    FROM fct_open_to_buy_monthly o
    JOIN dim_location l USING (location_id) JOIN dim_product p USING (product_id)
    GROUP BY ALL
),
planned AS (
    SELECT max(month_starts_on) AS month FROM open_to_buy, ordered
    WHERE budget > 0 AND month_starts_on <= ordered.day
)
SELECT b.region, b.department, b.budget, coalesce(s.spent, 0) AS spent,
    b.month_starts_on AS budget_month, date_trunc('month', ordered.day)::DATE AS month
FROM open_to_buy b JOIN planned ON b.month_starts_on = planned.month CROSS JOIN ordered
LEFT JOIN open_to_buy s ON s.region = b.region AND s.department = b.department
    AND s.month_starts_on = date_trunc('month', ordered.day)::DATE
WHERE b.budget > 0 ORDER BY 1, 2
"""


@dataclass(frozen=True)
class Spending:
    """How much of each segment is taken (0–1), and what one more dollar would have brought."""

    taken: np.ndarray
    shadow_price: float


def read_budgets(warehouse: Path) -> pd.DataFrame:
    """One row per region and department: the budget of the month in which is ordered, and what is spent.

    A month without a budget yet has the last one's: `budget_month` says which.
    """
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.execute("SET threads = 2")
        return con.execute(SQL).df()


def spend(cost: np.ndarray, gain: np.ndarray, budget: float) -> Spending:
    """The greatest gain that the budget buys; segments that gain nothing are left.

    Segments of one order must come with falling return per dollar: then none is taken before an earlier one.
    """
    worth = np.flatnonzero((gain > 0) & (cost > 0))
    order = worth[np.argsort(-gain[worth] / cost[worth], kind="stable")]
    spent = np.cumsum(cost[order])
    room = np.clip(max(budget, 0.0) - (spent - cost[order]), 0, cost[order])
    taken = np.zeros(len(cost))
    taken[order] = room / cost[order]
    left = order[taken[order] < 1]
    return Spending(taken, float(gain[left[0]] / cost[left[0]]) if len(left) else 0.0)


def budget_details(row: TableRow) -> JsonDict:
    """What the budget says to one order, as stored in its details."""
    if not np.isfinite(row.budget_left):
        return {"budget_left": None, "return_on_spend": round(float(row.return_on_spend), 6)}
    return {
        "return_on_spend": round(float(row.return_on_spend), 6),
        "rank": int(row.budget_rank),
        "shadow_price": round(float(row.shadow_price), 6),
        "budget_left": round(float(row.budget_left), 2),
        "budget_month": pd.Timestamp(row.budget_month).date().isoformat(),
        "funded_units": float(row.funded_units),
        "over_budget": round(float((row.quantity_units - row.funded_units) * row.unit_cost), 4),
    }


@dataclass(frozen=True)
class _Packs:
    """The packs of all orders in the order in which they would be bought: whose they are (`order`, a row
    number), what each costs and gains."""

    order: np.ndarray
    cost: np.ndarray
    gain: np.ndarray


def rank_orders(rows: pd.DataFrame, budgets: pd.DataFrame) -> pd.DataFrame:
    """Orders (`quantity_units` above zero) with their place in the queue for the budget.

    Added: `return_on_spend` of the whole order, `budget_rank` within region and department (1 first),
    `shadow_price`, `funded_units` in whole packs, `budget_left` before this run, `budget_month`. If no
    budget is known, everything is funded and the shadow price is NULL.
    """
    packs, size = _packs(rows), len(rows)
    cost = np.maximum(np.bincount(packs.order, packs.cost, size), 1e-9)
    returns = np.bincount(packs.order, packs.gain, size) / cost
    budgeted = rows[["region", "department"]].merge(budgets, on=["region", "department"], how="left")
    left = (budgeted["budget"] - budgeted["spent"]).to_numpy(float)
    groups = rows.reset_index(drop=True).groupby(["region", "department"], sort=True)
    members_of_groups = [group.index.to_numpy() for _, group in groups]
    funded, shadow = _funded(rows, packs, members_of_groups, left)
    return rows.assign(
        return_on_spend=returns, budget_rank=_ranks(returns, members_of_groups), shadow_price=shadow,
        funded_units=funded, budget_left=left, budget_month=budgeted["budget_month"].to_numpy(),
    )  # fmt: skip


def _packs(rows: pd.DataFrame) -> _Packs:
    """Each pack serves what the packs before it leave of the demand: its gain falls from pack to pack."""
    pack = _pack_units(rows)
    count = np.ceil(rows["quantity_units"].to_numpy(float) / pack).astype(int)
    order = np.repeat(np.arange(len(rows)), count)
    step = np.arange(len(order)) - np.repeat(np.cumsum(count) - count, count)
    mean, variance = (rows[f"demand_{name}"].to_numpy(float)[order] for name in ("mean", "variance"))
    low = np.maximum(rows["position"].to_numpy(float), 0)[order] + step * pack[order]
    served = expected_served(low + pack[order], mean, variance) - expected_served(low, mean, variance)
    return _Packs(
        order,
        pack[order] * rows["unit_cost"].to_numpy(float)[order],
        served * rows["worth"].to_numpy(float)[order],
    )


def _funded(
    rows: pd.DataFrame, packs: _Packs, members_of_groups: list[np.ndarray], left: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Units in whole packs that each group's budget buys, and its shadow price; all if it has no budget."""
    pack, funded = _pack_units(rows), rows["quantity_units"].to_numpy(float).copy()
    shadow = np.full(len(rows), np.nan)
    for members in members_of_groups:
        if np.isnan(left[members[0]]):
            continue
        own = np.flatnonzero(np.isin(packs.order, members))
        spending = spend(packs.cost[own], packs.gain[own], left[members[0]])
        count = np.bincount(packs.order[own], np.floor(spending.taken + 1e-9), len(rows))
        funded[members], shadow[members] = count[members] * pack[members], spending.shadow_price
    return funded, shadow


def _ranks(returns: np.ndarray, members_of_groups: list[np.ndarray]) -> np.ndarray:
    ranks = np.zeros(len(returns), int)
    for members in members_of_groups:
        ranks[members[np.argsort(-returns[members], kind="stable")]] = np.arange(1, len(members) + 1)
    return ranks


def _pack_units(rows: pd.DataFrame) -> np.ndarray:
    return np.asarray(np.maximum(rows["case_pack_units"].to_numpy(float), 1))
