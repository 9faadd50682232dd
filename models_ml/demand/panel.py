"""Reads the demand features of a release into dense arrays, one row per series and one column per week."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np

from models_ml.errors import NotEnoughHistoryError
from models_ml.evaluate.forecast import HORIZON

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
WEEK_COLUMNS = ("week", "last_day", "is_recorded")
CALENDAR = ("is_holiday", "is_before_holiday")  # of any calendar; days that a retailer names come beside them
LEAST_WEEKS = 1


@dataclass(frozen=True)
class Pool:
    """Units and baskets of a group of series, shape (members, weeks), and each series' member."""

    units: np.ndarray
    baskets: np.ndarray
    member: np.ndarray


@dataclass(frozen=True)
class Panel:
    """Series of one tier, sorted by location and item.

    Weeks are columns in the order of their days, whatever the retailer numbers them; `weeks` are the numbers
    of the recorded ones, `coming` those of the eight that follow. `measures` are (series, recorded weeks),
    zero if nothing was sold; `plan` is (series, weeks + 8) and `plan_known` says for which weeks the
    promotion calendar holds anything; `calendar` is (weeks + 8,).
    """

    tier: str
    locations: np.ndarray
    items: np.ndarray
    departments: np.ndarray
    categories: np.ndarray
    regions: np.ndarray
    weeks: np.ndarray
    coming: np.ndarray
    measures: dict[str, np.ndarray]
    pools: dict[str, Pool]
    plan: dict[str, np.ndarray]
    plan_known: np.ndarray
    calendar: dict[str, np.ndarray]

    @property
    def units(self) -> np.ndarray:
        return self.measures["units"]

    def column(self, week: int) -> int:
        """Index of a recorded week. Raises NotEnoughHistoryError if the release does not hold it."""
        columns = np.flatnonzero(self.weeks == week)
        if not len(columns):
            raise NotEnoughHistoryError(f"Week {week} is not among the recorded weeks of the release.")
        return int(columns[0])

    def columns(self, weeks: np.ndarray) -> np.ndarray:
        """Index of each week by its number, coming weeks behind the recorded ones; -1 if it is neither."""
        numbers = np.concatenate([self.weeks, self.coming])
        order = np.argsort(numbers, kind="stable")
        at = np.minimum(np.searchsorted(numbers[order], weeks), len(numbers) - 1)
        return np.where(numbers[order][at] == weeks, order[at], -1)

    def ahead(self, origin: int) -> np.ndarray:
        """Numbers of the eight weeks after column `origin`."""
        return np.concatenate([self.weeks, self.coming])[origin + 1 : origin + 1 + HORIZON]

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
    days = _calendar(con)
    recorded = days["is_recorded"].astype(bool)
    if recorded.sum() < LEAST_WEEKS:
        raise NotEnoughHistoryError("No week of sales is complete yet: a forecast needs one.")
    keys = _series(con, tier)
    count, nothing = len(keys["item"]), np.zeros(0)
    panel = Panel(
        tier=tier,
        locations=keys["location_id"].astype(str),
        items=keys["item"].astype(str),
        departments=keys["department"].astype(str),
        categories=keys["category"].astype(str),
        regions=_regions(con, keys["location_id"].astype(str)),
        weeks=days["week"][recorded],
        coming=days["week"][~recorded],
        measures={},
        pools={},
        plan={},
        plan_known=nothing,
        calendar={name: days[name].astype(float) for name in days if name not in WEEK_COLUMNS},
    )
    plan, plan_known = _plan(con, panel)
    return replace(
        panel,
        measures=_dense(con, panel, f"feat_demand_{tier}_week", MEASURES, (count, len(panel.weeks))),
        pools={name: _pool(con, name, member, panel) for name, member in _members(panel).items()},
        plan=plan,
        plan_known=plan_known,
    )


def _calendar(con: duckdb.DuckDBPyConnection) -> dict[str, np.ndarray]:
    """Weeks by day: number, last day, whether they are recorded, then the days that the retailer names (one
    column `is_…` each), then whether they have a holiday of any name or come before one."""
    there = [name for name, *_ in con.execute("SELECT * FROM feat_calendar_week LIMIT 0").description or []]
    named = [name for name in there if name.startswith("is_") and name not in (*WEEK_COLUMNS, *CALENDAR)]
    names = ", ".join((*WEEK_COLUMNS, *named, *CALENDAR))
    return _arrays(con, f"SELECT {names} FROM feat_calendar_week ORDER BY last_day")


def _series(con: duckdb.DuckDBPyConnection, tier: str) -> dict[str, np.ndarray]:
    """Location, item, department and category of each series, sorted by the first two."""
    item = TIERS[tier]
    return _arrays(
        con,
        f"""SELECT location_id, {item} AS item, min(department) AS department, min(category) AS category
            FROM feat_demand_{tier}_week GROUP BY location_id, {item} ORDER BY location_id, {item}""",
    )


def _dense(
    con: duckdb.DuckDBPyConnection, panel: Panel, table: str, names: tuple[str, ...], shape: tuple[int, int]
) -> dict[str, np.ndarray]:
    """Columns of a table by location, item and week as (series, weeks); zero if there is no row."""
    item = TIERS[panel.tier]
    rows = _arrays(
        con,
        f"""WITH series AS (
                SELECT location_id, {item}, row_number() OVER (ORDER BY location_id, {item}) - 1 AS series
                FROM (SELECT DISTINCT location_id, {item} FROM feat_demand_{panel.tier}_week))
            SELECT series, week, {", ".join(names)} FROM {table} JOIN series USING (location_id, {item})""",
    )
    column = panel.columns(rows["week"])
    inside = (column >= 0) & (column < shape[1])
    out = {}
    for name in names:
        out[name] = np.zeros(shape)
        out[name][rows["series"][inside], column[inside]] = rows[name][inside]
    return out


def _plan(con: duckdb.DuckDBPyConnection, panel: Panel) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The promotion calendar by series, and the weeks for which it holds anything."""
    table, names = f"feat_promotion_plan_{panel.tier}_week", PLAN[panel.tier]
    width = len(panel.weeks) + len(panel.coming)
    is_planned = np.zeros(width, bool)
    weeks = panel.columns(_arrays(con, f"SELECT DISTINCT week FROM {table}")["week"])
    is_planned[weeks[weeks >= 0]] = True
    return _dense(con, panel, table, names, (len(panel.items), width)), is_planned


def _members(panel: Panel) -> dict[str, np.ndarray]:
    """The pools of larger groups in which a series is, and its member of each."""
    members = {"category": panel.categories, "department": panel.departments, "location": panel.locations}
    return members | ({"product": panel.items} if panel.tier == "product" else {})


def _arrays(con: duckdb.DuckDBPyConnection, sql: str) -> dict[str, np.ndarray]:
    """The columns of a query; what is NULL counts as zero, a text as UNKNOWN."""
    return {name: _filled(np.ma.asanyarray(values)) for name, values in con.execute(sql).fetchnumpy().items()}


def _filled(values: np.ma.MaskedArray) -> np.ndarray:
    return np.asarray(values.filled("UNKNOWN" if values.dtype == object else 0))


def has_table(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Whether the release holds a table that earlier ones were built without."""
    rows = con.execute("SELECT 1 FROM information_schema.tables WHERE table_name = ?", [name]).fetchall()
    return bool(rows)


def _regions(con: duckdb.DuckDBPyConnection, locations: np.ndarray) -> np.ndarray:
    """Region of each series' store, 'unknown' where it has none."""
    rows = con.execute("SELECT location_id, region FROM feat_location").fetchall()
    region_of = {str(location): str(region or "unknown") for location, region in rows}
    return np.array([region_of.get(location, "unknown") for location in locations], str)


def _pool(con: duckdb.DuckDBPyConnection, name: str, member: np.ndarray, panel: Panel) -> Pool:
    rows = _arrays(
        con, f"SELECT member, week, units, baskets FROM feat_demand_pool_week WHERE pool = '{name}'"
    )
    names, position = np.unique(rows["member"].astype(str), return_inverse=True)
    units, baskets = np.zeros((2, len(names), len(panel.weeks)))
    column = panel.columns(rows["week"])
    inside = (column >= 0) & (column < len(panel.weeks))
    units[position[inside], column[inside]] = rows["units"][inside]
    baskets[position[inside], column[inside]] = rows["baskets"][inside]
    return Pool(units, baskets, np.searchsorted(names, member))
