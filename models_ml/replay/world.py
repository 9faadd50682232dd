"""The demand that is replayed: recorded units by item and day, and what was known at the end of each week."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from models_ml.demand.model import fit
from models_ml.demand.panel import TIERS, Panel, read_panel
from models_ml.demand.settings import DemandSettings
from models_ml.errors import NotEnoughHistoryError

_DAILY = """
SELECT lines.location_id, {item} AS item, lines.week,
    date_diff('day', days.fiscal_week_starts_on, lines.date_day) AS day,
    sum(lines.quantity)::DOUBLE AS units
FROM fct_sales_lines AS lines
JOIN dim_product AS products USING (product_id)
JOIN dim_date AS days ON days.date_day = lines.date_day
WHERE products.department NOT IN ('FUEL', 'MISCELLANEOUS', 'UNKNOWN')
    AND products.category NOT IN ('COUPON/MISC ITEMS', 'UNKNOWN') AND lines.quantity BETWEEN 1 AND 60
GROUP BY ALL
"""  # the lines of feat_demand_lines, which keeps weeks only

_MONEY = """
SELECT lines.location_id, {item} AS item,
    sum(lines.net_sales - lines.gross_margin)::DOUBLE / sum(lines.units_sold) AS cost,
    sum(lines.gross_margin)::DOUBLE / sum(lines.units_sold) AS margin
FROM fct_sales_lines AS lines JOIN dim_product AS products USING (product_id)
WHERE lines.week <= {last} AND lines.units_sold > 0 GROUP BY ALL
"""


@dataclass(frozen=True)
class World:
    """Items (a store's category or product) with recorded demand.

    `units` is (items, weeks × 7), whole units, zero where nothing sold; week `first_week` comes first.
    `forecasts` holds, by week, mean units of the eight weeks after it, (items, 8), from a model fitted on
    nothing later than that week. `is_promoted` marks items with half or more of their held-out weeks on
    display or in a mailer; `promotion_lift` is units a promoted week over units another week, as known.
    Money of a unit in USD, of the known weeks.
    """

    tier: str
    locations: np.ndarray
    items: np.ndarray
    departments: np.ndarray
    units: np.ndarray
    first_week: int
    forecasts: dict[int, np.ndarray]
    is_promoted: np.ndarray
    promotion_lift: np.ndarray
    regions: np.ndarray
    unit_cost: np.ndarray
    unit_margin: np.ndarray

    @property
    def weekly(self) -> np.ndarray:
        """Units by item and week."""
        return np.asarray(self.units.reshape(len(self.units), -1, 7).sum(2))

    def day(self, week: int) -> int:
        """Column of the first day of a week."""
        return (week - self.first_week) * 7


def read_world(
    warehouse: Path,
    tier: str,
    *,
    count: int,
    seed: int,
    origins: tuple[int, ...],
    settings: DemandSettings,
    last_known: int = 37,
) -> World:
    """A seeded sample of `count` items that sold often enough up to week `last_known`.

    A model is fitted at each origin week and, until the next, only fed with newer weeks. Raises
    NotEnoughHistoryError where the daily lines do not add up to the weekly features.
    """
    panel = read_panel(warehouse, tier)
    selling = np.flatnonzero(panel.selling(panel.column(last_known)))
    chosen = np.sort(np.random.default_rng(seed).permutation(selling)[:count])
    few = panel.select(chosen)
    units = _daily(warehouse, few)
    if not np.array_equal(units.reshape(len(units), -1, 7).sum(2), few.units):
        raise NotEnoughHistoryError("The daily sales lines do not add up to the weekly demand features.")
    on = _on_promotion(few)
    known_weeks, later = slice(0, few.column(last_known) + 1), slice(few.column(last_known) + 1, None)
    cost, margin = _money(warehouse, few, last_known)
    return World(
        tier, few.locations, few.items, few.departments, units, int(panel.weeks[0]),
        _rolling(panel, few, origins, settings), np.asarray(on[:, later].mean(1) >= 0.5),
        _lift(few.units[:, known_weeks], on[:, known_weeks]), few.regions, cost, margin,
    )  # fmt: skip


def _daily(warehouse: Path, panel: Panel) -> np.ndarray:
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.execute("SET threads = 2")
        rows = con.execute(_DAILY.format(item=TIERS[panel.tier])).df()
    index = pd.MultiIndex.from_arrays([panel.locations, panel.items])
    at = index.get_indexer(pd.MultiIndex.from_arrays([rows["location_id"], rows["item"].astype(str)]))
    week = panel.columns(rows["week"].to_numpy().astype(int))
    inside = (at >= 0) & (week >= 0) & (week < len(panel.weeks))
    day = np.clip(rows["day"].to_numpy(), 0, 6).astype(int)
    units = np.zeros((len(panel.items), len(panel.weeks) * 7), np.float32)
    np.add.at(units, (at[inside], week[inside] * 7 + day[inside]), rows["units"].to_numpy()[inside])
    return units


def _rolling(
    panel: Panel, few: Panel, origins: tuple[int, ...], settings: DemandSettings
) -> dict[int, np.ndarray]:
    out = {}
    for origin, following in zip(origins, [*origins[1:], int(panel.weeks[-1]) + 1], strict=True):
        model = fit(panel, panel.column(origin), settings)
        for week in range(origin, following):
            out[week] = model.forecast(few, panel.column(week)).mean
    return out


def _on_promotion(panel: Panel) -> np.ndarray:
    """Whether an item was on display or in a mailer, (series, weeks)."""
    names = {"is_display", "is_mailer", "display_share", "mailer_share"} & panel.plan.keys()
    on = np.max([panel.plan[name][:, : len(panel.weeks)] for name in sorted(names)], axis=0)
    return np.asarray(on > 0)


def _lift(units: np.ndarray, on: np.ndarray) -> np.ndarray:
    """Mean units of promoted weeks over those of others, each with one week of the item's mean added."""
    usual = units.mean(1)
    each = [(np.where(mask, units, 0).sum(1) + usual) / (mask.sum(1) + 1) for mask in (on, ~on)]
    return np.asarray(each[0] / np.maximum(each[1], 1e-9))


def _money(warehouse: Path, panel: Panel, last_known: int) -> tuple[np.ndarray, np.ndarray]:
    """Cost and margin of a unit sold up to that week; 0 where cost is not known."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.execute("SET threads = 2")
        rows = con.execute(_MONEY.format(item=TIERS[panel.tier], last=int(last_known))).df()
    index = pd.MultiIndex.from_arrays([rows["location_id"], rows["item"].astype(str)])
    at = index.get_indexer(pd.MultiIndex.from_arrays([panel.locations, panel.items]))
    money = np.nan_to_num(rows[["cost", "margin"]].to_numpy(float)[at]) * (at >= 0)[:, None]
    return money[:, 0], money[:, 1]
