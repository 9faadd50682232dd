"""Markdown: how deep and when, for stock that will not sell while it keeps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from governance.json_types import JsonDict
from models_ml.recommend.effects import Weekly
from models_ml.recommend.inputs.demand_over import PLANNED_WEEKS
from models_ml.recommend.inputs.lots import age_by_lots
from models_ml.recommend.inputs.needs import Needs
from models_ml.recommend.kind import COST, STOCK_AND_DEMAND, Situation
from models_ml.recommend.markdown_programme import Item, Plan, best_plan, hold_price
from models_ml.recommend.proposal import (
    Option,
    Run,
    details,
    frame,
    number,
    of_pair,
    proposal_id,
    weekly_rows,
)
from models_ml.table_row import TableRow

DEPTHS = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5])


def propose(
    needs: Needs, elasticities: pd.DataFrame, run: Run, lots: pd.DataFrame | None = None
) -> pd.DataFrame:
    """One proposal for every endangered stock that a markdown brings more for than waiting."""
    rows, items = endangered(needs, elasticities, run, lots)
    if rows.empty:
        return frame([])
    best, hold = best_plan(items, DEPTHS), hold_price(items)
    anything = replace(items, deepest=np.ones(len(rows)))
    flat = {depth: best_plan(anything, np.array([depth])) for depth in DEPTHS[1:].tolist()}
    gain = best.value - hold.value
    pays = (gain >= run.parameters.least_markdown_gain) & (best.depth.max(1) > 0)
    weekly = _by_week(best.units - hold.units, gain, rows)
    proposals = []
    for i, row in enumerate(rows.itertuples()):
        if not pays[i]:
            continue
        options = [_option(row, best, hold, i), _option(row, hold, hold, i, "keep the price")]
        for depth, plan in flat.items():
            if depth <= items.deepest[i] + 1e-12:
                options.append(_option(row, plan, hold, i, f"{depth:.0%} off all weeks"))
        proposed = _proposal(row, run, best.depth[i], (best.units[i], hold.units[i]), options)
        proposed["drivers"] = _drivers(row, run, items, i)
        proposed["details"]["weekly"] = weekly_rows(run, weekly, i)
        proposals.append(proposed)
    return frame(proposals)


def _by_week(units: np.ndarray, gain: np.ndarray, rows: pd.DataFrame) -> Weekly:
    """Stock goes evenly until its end; after it, what would have been left over is gone either way."""
    ends = np.arange(1, PLANNED_WEEKS + 1)[None, :]
    last = rows["weeks_left"].to_numpy(float)[:, None]
    share = np.minimum(ends / last, 1.0)
    cost, salvage = (rows[f"{name}"].to_numpy(float)[:, None] for name in ("unit_cost", "salvage"))
    stays = (ends < last) | (salvage > 0)
    inventory = np.where(stays, -share * units[:, None] * cost, 0)
    return Weekly(inventory, 0 * inventory, share * (gain[:, None] + salvage * units[:, None]))


def _age_by_value(rows: pd.DataFrame, run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Aged units and the days that they have left, where only first in, first out tells the age."""
    cost = np.maximum(rows["unit_cost"].to_numpy(float), 1e-9)
    life = rows["shelf_life_days"].to_numpy(float, na_value=np.inf) * (1 - run.parameters.aged_life_share)
    return np.rint(rows["aged_inventory_value"].to_numpy(float) / cost), life


def endangered(
    needs: Needs, elasticities: pd.DataFrame, run: Run, lots: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, Item]:
    """Store stock that will not sell in the life that it has left: by its lots where they are known, else
    what is older than its share of the shelf life."""
    parameters, rows = run.parameters, needs.rows
    aged, life = _age_by_value(rows, run) if lots is None or lots.empty else age_by_lots(rows, lots)
    aged = np.minimum(aged, np.maximum(rows["free"].to_numpy(float), 0))
    slow = rows["daily_mean"].to_numpy(float) * life < aged
    wanted = (aged > 0) & slow & (rows["location_type"] == "store").to_numpy()
    chosen = rows[wanted].assign(
        endangered_units=aged[wanted], life_left_days=life[wanted],
        weeks_left=np.clip(np.floor(life[wanted] / 7), 1, parameters.markdown_weeks).astype(int),
    )  # fmt: skip
    chosen = chosen.merge(
        elasticities[["department", "category", "elasticity", "raw", "sd", "rows"]].rename(
            columns={"raw": "own_elasticity", "sd": "elasticity_sd", "rows": "price_rows"}
        ), on=["department", "category"], how="left",
    )  # fmt: skip
    usual = elasticities["elasticity"].median() if len(elasticities) else -2.0
    chosen["elasticity"] = chosen["elasticity"].fillna(usual)
    national = chosen["brand"].fillna("").str.lower().str.contains("national").to_numpy()
    deepest = np.where(national, parameters.deepest_national, parameters.deepest_private)
    weeks = slice(0, parameters.markdown_weeks)
    unsold = np.where(np.isfinite(chosen["shelf_life_days"].to_numpy(float, na_value=np.inf)), 0.0, 0.5)
    keeps = chosen["weeks_left"].to_numpy(int) >= parameters.markdown_weeks
    salvage = np.where(keeps, (1 - parameters.waste_share), unsold) * chosen["unit_cost"].to_numpy(float)
    items = Item(
        stock=chosen["endangered_units"].to_numpy(float),
        mean=needs.weekly_mean[wanted][:, weeks], variance=needs.weekly_variance[wanted][:, weeks],
        price=chosen["unit_price"].to_numpy(float, na_value=0.0), salvage=salvage,
        elasticity=chosen["elasticity"].to_numpy(float), deepest=deepest,
        weeks=chosen["weeks_left"].to_numpy(int),
    )  # fmt: skip
    return chosen.assign(deepest=deepest, salvage=salvage), items


def _proposal(
    row: TableRow, run: Run, depths: np.ndarray, units: tuple[float, float], options: list[Option]
) -> JsonDict:
    path, price = depths[: row.weeks_left], float(row.unit_price)
    first = int(np.argmax(path > 0))
    depth, proposed = float(path[first]), options[0]
    floor = price * (1 - row.deepest)
    reason = (
        f"Mark {row.endangered_units:.0f} of {row.free:.0f} down by {depth:.0%} from week {first + 1}: "
        f"they have about {row.life_left_days:.0f} days left and {7 * row.daily_mean:.1f} sell a week "
        f"at ${price:.2f}; {units[0]:.1f} sell instead of {units[1]:.1f}, "
        f"for ${proposed.margin:.2f} more."
    )
    rows_seen = 0 if pd.isna(row.price_rows) else row.price_rows
    sentences = [
        f"{row.endangered_units:.0f} endangered units cost ${row.endangered_units * row.unit_cost:.2f}",
        f"demand answers to price with elasticity {row.elasticity:.1f}, learnt from "
        f"{rows_seen:.0f} product-weeks of {row.category}",
        f"a unit left at the end brings ${row.salvage:.2f}",
        f"the price stays at or above ${floor:.2f}",
    ]
    return of_pair(row, run) | {
        "recommendation_id": proposal_id(
            "markdown", row.product_id, row.location_id, run.as_of, float(row.endangered_units),
            float(round(100 * depth)), float(first),
        ),
        "action": "markdown",
        "supplier_id": None,
        "quantity_units": float(row.endangered_units),
        "order_by": run.day(7 * first),
        "need_by": run.day(7 * row.weeks_left),
        "expected_units": proposed.units,
        "expected_margin": proposed.margin,
        "expected_cash": proposed.cash,
        "expected_service": None,
        "confidence": number(row.confidence * _trust(row)),
        "reason": reason,
        "details": details(
            run, proposed, options[1:], sentences=sentences, depth=depth,
            price=number(price * (1 - depth)),
            usual_price=number(price), floor_price=number(floor), starts_in_week=first + 1,
            depth_by_week=[number(value) for value in path], fallback_reason=row.fallback_reason or None,
        ),
    }  # fmt: skip


def _option(row: TableRow, plan: Plan, hold: Plan, i: int, label: str = "as proposed") -> Option:
    """Against keeping the price. Cash is what comes in; margin also counts what is left at the end."""
    gain, units = plan.value[i] - hold.value[i], plan.units[i] - hold.units[i]
    cash = gain + row.salvage * units  # what sells does not come back as salvage
    if plan is hold:
        return Option("nothing", 0.0, 0.0, None, 0.0, 0.0, label)
    return Option("markdown", row.endangered_units, units, None, gain, cash, label)


def _trust(row: TableRow) -> float:
    """A slope that is two standard deviations from zero is trusted; its department's, half."""
    if pd.isna(row.own_elasticity):
        return 0.5
    return float(np.clip(abs(row.own_elasticity) / max(2 * row.elasticity_sd, 1e-6), 0.5, 1.0))


def _drivers(row: TableRow, run: Run, items: Item, i: int) -> JsonDict:
    return {
        "endangered_units": float(row.endangered_units),
        "weekly_mean_units": [number(value) for value in items.mean[i]],
        "weekly_variance_units2": [number(value) for value in items.variance[i]],
        "weeks_left": int(row.weeks_left),
        "unit_price": number(items.price[i]),
        "salvage": number(items.salvage[i]),
        "elasticity": number(items.elasticity[i]),
        "own_elasticity": None if pd.isna(row.own_elasticity) else number(row.own_elasticity),
        "deepest": number(items.deepest[i]),
        "depths": [number(value) for value in DEPTHS],
        "unit_cost": number(row.unit_cost),
        "position_units": float(row.position),
        "demand_mean_units": number(row.demand_mean),
        "forecast_method": row.method,
        "as_of": run.as_of.isoformat(),
    }


class Markdown:
    """Stock that will not sell while it keeps."""

    action = "markdown"
    needs = STOCK_AND_DEMAND
    assumes = (("inventory_lots", "first in, first out"), COST)

    def plan(self, situation: Situation) -> Situation:
        return situation

    def propose(self, situation: Situation) -> pd.DataFrame:
        return propose(situation.needs, situation.elasticities, situation.run, situation.lots)


KIND = Markdown()
