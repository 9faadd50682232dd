"""Reads the demand features of a release into dense arrays, one row per series and one column per week."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from models_ml.errors import NotEnoughHistoryError

TIERS = {"category": "category", "product": "product_id"}
LEAST_ACTIVE_WEEKS = {"category": 20, "product": 12}  # of the 28 weeks up to the origin
SELECTION_WEEKS = 28

MEASURES = ("units", "baskets", "customers", "largest_line_units", "net_sales", "discounts")
PLAN = {
    "category": (
        "planned_products", "displayed_products", "mailed_products", "display_share", "mailer_share",
        "display_and_mailer_share", "interior_page_share", "front_page_share",
    ),
    "product": (
        "is_display", "is_mailer", "is_interior_page", "is_front_page", "is_wrap_front",
        "is_prominent_display",
    ),
}  # fmt: skip
CALENDAR = (
    "is_easter", "is_memorial_day", "is_independence_day", "is_labor_day", "is_holiday", "is_before_holiday",
)  # fmt: skip


@dataclass(frozen=True)
class Pool:
    """Units and baskets of a group of series, shape (members, weeks), and each series' member."""

    units: np.ndarray
    baskets: np.ndarray
    member: np.ndarray


@dataclass(frozen=True)
class Panel:
    """Series of one tier, sorted by location and item.

    `measures` are (series, recorded weeks), zero where nothing was sold; `plan` is (series, weeks + 8) and
    `plan_known` says for which weeks the promotion calendar holds anything; `calendar` is (weeks + 8,).
    """

    tier: str
    locations: np.ndarray
    items: np.ndarray
    departments: np.ndarray
    categories: np.ndarray
    regions: np.ndarray
    weeks: np.ndarray
    measures: dict[str, np.ndarray]
    pools: dict[str, Pool]
    plan: dict[str, np.ndarray]
    plan_known: np.ndarray
    calendar: dict[str, np.ndarray]

    @property
    def units(self) -> np.ndarray:
        return self.measures["units"]

    def column(self, week: int) -> int:
        """Index of a recorded week; raises where the release does not hold it."""
        columns = np.flatnonzero(self.weeks == week)
        if not len(columns):
            raise NotEnoughHistoryError(f"Week {week} is not among the recorded weeks of the release.")
        return int(columns[0])

    def select(self, chosen: np.ndarray) -> Panel:
        """The same panel with the series that `keep` (mask or index) names."""
        return replace(
            self,
            locations=self.locations[chosen],
            items=self.items[chosen],
            departments=self.departments[chosen],
            categories=self.categories[chosen],
            regions=self.regions[chosen],
            measures={name: values[chosen] for name, values in self.measures.items()},
            pools={name: replace(pool, member=pool.member[chosen]) for name, pool in self.pools.items()},
            plan={name: values[chosen] for name, values in self.plan.items()},
        )

    def selling(self, origin: int) -> np.ndarray:
        """Mask of the series sold in enough of the 28 weeks up to column `origin`, in proportion where fewer
        exist."""
        window = self.units[:, max(0, origin + 1 - SELECTION_WEEKS) : origin + 1]
        least = LEAST_ACTIVE_WEEKS[self.tier] * window.shape[1] / SELECTION_WEEKS
        return np.asarray((window > 0).sum(1) >= least)


def read_panel(warehouse: Path, tier: str) -> Panel:
    """Every series of the tier's feature table in the release's warehouse (opened read-only)."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.execute("SET threads = 2")
        return panel_from(con, tier)


def panel_from(con: duckdb.DuckDBPyConnection, tier: str) -> Panel:
    """As `read_panel`, from an open connection that holds the feature tables."""
    item = TIERS[tier]
    table = f"feat_demand_{tier}_week"
    calendar = con.execute(
        f"SELECT week, is_recorded, {', '.join(CALENDAR)} FROM feat_calendar_week ORDER BY week"
    )
    days = calendar.fetchnumpy()
    recorded = np.asarray(days["is_recorded"], bool)
    weeks = np.asarray(days["week"])[recorded]
    if len(weeks) < 16:
        raise NotEnoughHistoryError(f"{len(weeks)} complete weeks are recorded; the demand model needs 16.")
    category = "category" if tier == "category" else "min(category)"
    keys = con.execute(
        f"""SELECT location_id, {item} AS item, min(department) AS department, {category} AS category
            FROM {table} GROUP BY location_id, {item} ORDER BY location_id, {item}"""
    ).fetchnumpy()
    count, width = len(keys["item"]), len(recorded)
    first = int(weeks[0])

    def dense(rows: Mapping[str, np.ndarray | pd.Categorical], name: str, across: int) -> np.ndarray:
        out = np.zeros((count, across))
        out[np.asarray(rows["series"]), np.asarray(rows["week"]) - first] = np.asarray(rows[name])
        return out

    numbered = f"""(SELECT location_id, {item}, row_number() OVER (ORDER BY location_id, {item}) - 1 AS series
                    FROM (SELECT DISTINCT location_id, {item} FROM {table}))"""
    sold = con.execute(
        f"SELECT series, week, {', '.join(MEASURES)} FROM {table} JOIN {numbered} USING (location_id, {item})"
        " WHERE units > 0"
    ).fetchnumpy()
    plan_table = f"feat_promotion_plan_{tier}_week"
    planned = con.execute(
        f"""SELECT series, week, {", ".join(PLAN[tier])} FROM {plan_table} JOIN {numbered}
            USING (location_id, {item}) WHERE week BETWEEN {first} AND {first + width - 1}"""
    ).fetchnumpy()
    planned_weeks = np.zeros(width, bool)
    planned_weeks[np.unique(planned["week"]) - first] = True
    members = {
        "category": np.asarray(keys["category"], str),
        "department": np.asarray(keys["department"], str),
        "location": np.asarray(keys["location_id"], str),
    }
    if tier == "product":
        members["product"] = np.asarray(keys["item"], str)
    return Panel(
        tier=tier,
        locations=np.asarray(keys["location_id"], str),
        items=np.asarray(keys["item"], str),
        departments=np.asarray(keys["department"], str),
        categories=np.asarray(keys["category"], str),
        regions=_regions(con, np.asarray(keys["location_id"], str)),
        weeks=weeks,
        measures={name: dense(sold, name, len(weeks)) for name in MEASURES},
        pools={name: _read_pool(con, name, member, weeks) for name, member in members.items()},
        plan={name: dense(planned, name, width) for name in PLAN[tier]},
        plan_known=planned_weeks,
        calendar={name: np.asarray(days[name], float) for name in CALENDAR},
    )


def has_table(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Whether the release holds a table that earlier ones were built without."""
    rows = con.execute("SELECT 1 FROM information_schema.tables WHERE table_name = ?", [name]).fetchall()
    return bool(rows)


def _regions(con: duckdb.DuckDBPyConnection, locations: np.ndarray) -> np.ndarray:
    """Region of each series' store, 'unknown' where it has none."""
    rows = con.execute("SELECT location_id, region FROM feat_location").fetchall()
    region_of = {str(location): str(region or "unknown") for location, region in rows}
    return np.array([region_of.get(location, "unknown") for location in locations], str)


def _read_pool(con: duckdb.DuckDBPyConnection, name: str, member: np.ndarray, weeks: np.ndarray) -> Pool:
    rows = con.execute(
        "SELECT member, week, units, baskets FROM feat_demand_pool_week WHERE pool = ? ORDER BY member, week",
        [name],
    ).fetchnumpy()
    names, position = np.unique(np.asarray(rows["member"], str), return_inverse=True)
    units, baskets = np.zeros((2, len(names), len(weeks)))
    column = np.asarray(rows["week"]) - int(weeks[0])
    units[position, column] = rows["units"]
    baskets[position, column] = rows["baskets"]
    return Pool(units, baskets, np.searchsorted(names, member))
