"""Weekly sales, margin, discounts and planned discounts of every tracked store × category, dense."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import duckdb
import numpy as np

from models_ml.demand.panel import Panel, panel_from
from models_ml.errors import NotEnoughHistoryError

MONEY = ("net_sales", "gross_margin", "discounts")
DEPTHS = ("mailer_depth", "display_depth", "mailer_sales_share", "display_sales_share")
POOLS = ("category", "department", "location")


class Money(NamedTuple):
    """Net sales, gross margin and discounts in USD, each (members, weeks)."""

    sales: np.ndarray
    margin: np.ndarray
    discounts: np.ndarray


@dataclass(frozen=True)
class MarginPanel:
    """The category tier's demand panel with money: `plan` is (series, weeks + 8), `member` maps a series
    to its row of a pool. `is_simulated` where any landed cost was derived."""

    demand: Panel
    money: Money
    pools: dict[str, tuple[Money, np.ndarray]]
    plan: dict[str, np.ndarray]
    is_simulated: bool


def read_margin_panel(warehouse: Path) -> MarginPanel:
    """Every tracked store × category of the release's warehouse (opened read-only)."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.execute("SET threads = 2")
        return margin_panel_from(con)


def margin_panel_from(con: duckdb.DuckDBPyConnection) -> MarginPanel:
    """As `read_margin_panel`, from an open connection that holds the feature tables.

    A week whose margin is not known counts as one without sales. Raises NotEnoughHistoryError if none is.
    """
    demand = panel_from(con, "category")
    ((rows, costed, simulated),) = con.execute(
        f"SELECT count(*), count({MONEY[1]}), bool_or(is_simulated) FROM feat_margin_category_week"
    ).fetchall()
    if rows and not costed:
        raise NotEnoughHistoryError("Margin risk needs the landed cost of what is sold.")
    weeks, width = len(demand.weeks), len(demand.plan_known)
    row_of = {key: i for i, key in enumerate(zip(demand.locations, demand.items, strict=True))}

    def dense(table: str, columns: tuple[str, ...], across: int) -> list[np.ndarray]:
        rows = con.execute(
            f"SELECT location_id, category, week, {', '.join(columns)} FROM {table}"
            f" WHERE {columns[1]} IS NOT NULL"
        ).fetchnumpy()
        keys = zip(rows["location_id"], rows["category"], strict=True)
        row = np.array([row_of.get(key, -1) for key in keys], int)
        column = demand.columns(np.asarray(rows["week"]))
        inside = (row >= 0) & (column >= 0) & (column < across)
        out = []
        for name in columns:
            values = np.zeros((len(row_of), across))
            values[row[inside], column[inside]] = np.asarray(rows[name])[inside]
            out.append(values)
        return out

    members = {
        "category": demand.categories, "department": demand.departments, "location": demand.locations,
    }  # fmt: skip
    return MarginPanel(
        demand=demand,
        money=Money(*dense("feat_margin_category_week", MONEY, weeks)),
        pools={name: _pool(con, name, members[name], demand) for name in POOLS},
        plan=dict(zip(DEPTHS, dense("feat_discount_plan_category_week", DEPTHS, width), strict=True)),
        is_simulated=bool(simulated),
    )


def _pool(
    con: duckdb.DuckDBPyConnection, name: str, member: np.ndarray, demand: Panel
) -> tuple[Money, np.ndarray]:
    rows = con.execute(
        f"SELECT member, week, {', '.join(MONEY)} FROM feat_margin_pool_week WHERE pool = ?"
        f" AND {MONEY[1]} IS NOT NULL ORDER BY member, week",
        [name],
    ).fetchnumpy()
    names, position = np.unique(np.asarray(rows["member"], str), return_inverse=True)
    values = np.zeros((len(MONEY), len(names), len(demand.weeks)))
    column = demand.columns(np.asarray(rows["week"]))
    inside = (column >= 0) & (column < len(demand.weeks))
    for i, money in enumerate(MONEY):
        values[i, position[inside], column[inside]] = np.asarray(rows[money])[inside]
    return Money(*values), np.searchsorted(names, member)
