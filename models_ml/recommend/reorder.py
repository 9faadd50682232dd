"""Reorder: what to buy for every ranged product and location, on the last day whose stock is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from models_ml.recommend import buy_first, effects
from models_ml.recommend.needs import Needs, weigh
from models_ml.recommend.parameters import ReorderParameters
from models_ml.recommend.proposal import (
    Option,
    Run,
    details,
    frame,
    of_pair,
    proposal_id,
    weekly_rows,
)
from models_ml.recommend.quantity import cycle_service, order_quantity
from models_ml.recommend.reason import drivers_of, reason_sentence, words_of


def decide(positions: pd.DataFrame, forecasts: Path, parameters: ReorderParameters) -> pd.DataFrame:
    """Every position with its quantity (zero: nothing to do) and what it is expected to bring."""
    return order_up(weigh(positions, forecasts, parameters), parameters)


def order_up(needs: Needs, parameters: ReorderParameters) -> pd.DataFrame:
    """Rows of `needs` with the quantity to buy and its effect.

    `moved_in_units` and `moved_out_units` of the rows are transfers of the same run: netted before buying.
    A store that a distribution centre replenishes buys nothing itself: what the centre lacks, the centre
    orders.
    """
    rows = needs.rows
    pack, least = rows["case_pack_units"].to_numpy(float), rows["minimum_order_units"].to_numpy(float)
    position = rows["position"].to_numpy(float)
    for name, sign in (("moved_in_units", 1), ("moved_out_units", -1)):
        position = position + sign * (rows[name].to_numpy(float) if name in rows else 0.0)
    level = rows["level"].to_numpy(float)
    own = rows["replenished_from"].isna().to_numpy()
    quantity = order_quantity(position, level, pack, least, rows["sellable"].to_numpy(float)) * own
    uncapped = order_quantity(position, level, pack, least, np.full(len(rows), np.inf)) * own
    effect = effects.of_stock(position, quantity, demand_of(rows, parameters))
    mean, variance = rows["demand_mean"].to_numpy(float), rows["demand_variance"].to_numpy(float)
    decided: pd.DataFrame = rows.assign(
        position=position, quantity_units=quantity, is_capped=quantity < uncapped,
        service_without=cycle_service(np.maximum(position, 0), mean, variance),
        expected_service=effect.service, expected_units=effect.units,
        expected_margin_usd=effect.margin_usd, expected_cash_usd=effect.cash_usd,
    )  # fmt: skip
    return decided


def demand_of(rows: pd.DataFrame, parameters: ReorderParameters) -> effects.Demand:
    """Demand and money of the rows, as effects take them."""
    return effects.Demand(
        rows["demand_mean"].to_numpy(float), rows["demand_variance"].to_numpy(float),
        rows["interval_days"].to_numpy(float), rows["unit_margin_usd"].to_numpy(float, na_value=0.0),
        rows["unit_cost_usd"].to_numpy(float, na_value=0.0), parameters.carrying_rate,
    )  # fmt: skip


def propose(
    needs: Needs, decided: pd.DataFrame, run: Run, budgets: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Proposals for every row with a quantity, with the options beside it and its rank for the budget."""
    wanted = (decided["quantity_units"] > 0).to_numpy()
    rows, chosen = decided[wanted].reset_index(drop=True), needs.where(wanted)
    if budgets is not None:
        rows = buy_first.rank_orders(rows, budgets)
    pack = rows["case_pack_units"].to_numpy(float)
    quantity, position = rows["quantity_units"].to_numpy(float), rows["position"].to_numpy(float)
    demand = demand_of(rows, run.parameters)
    tried = {
        label: (units, effects.of_stock(position, units, demand))
        for label, units in (
            ("nothing", 0 * quantity), ("reorder", quantity), ("less", np.maximum(quantity - pack, 0)),
            ("more", quantity + pack),
        )
    }  # fmt: skip
    weekly = effects.by_week(
        position, quantity, arrives_days=rows["lead_time_mean_days"].to_numpy(float),
        terms_days=rows["payment_terms_days"].to_numpy(float), weekly_mean=chosen.weekly_mean,
        weekly_variance=chosen.weekly_variance, cost_usd=demand.cost_usd,
        price_usd=rows["unit_price_usd"].to_numpy(float, na_value=0.0),
    )  # fmt: skip
    made = []
    for i, row in enumerate(rows.itertuples()):
        proposed = _option("reorder", tried["reorder"], i, "as proposed")
        others = [_option("nothing", tried["nothing"], i, "do nothing")]
        if quantity[i] > pack[i]:
            others.append(_option("reorder", tried["less"], i, "a pack less"))
        others.append(_option("reorder", tried["more"], i, "a pack more"))
        made.append(_proposal(row, run, proposed, others, weekly_rows(run, weekly, i)))
    return frame(made)


def _option(action: str, tried: tuple[np.ndarray, effects.Effect], i: int, words: str) -> Option:
    units, effect = tried
    return Option(
        action, units[i], effect.units[i], effect.service[i], effect.margin_usd[i], effect.cash_usd[i], words
    )


def _proposal(
    row: Any, run: Run, proposed: Option, others: list[Option], weekly: list[dict[str, Any]]
) -> dict[str, Any]:
    return of_pair(row, run) | {
        "recommendation_id": proposal_id(
            "reorder", row.product_id, row.location_id, run.as_of, float(row.position),
            float(row.quantity_units),
        ),
        "action": "reorder",
        "quantity_units": proposed.quantity,
        "order_by": run.day(row.days_of_cover - row.lead_time_mean_days),
        "need_by": run.day(row.days_of_cover),
        "expected_units": proposed.units,
        "expected_margin_usd": proposed.margin_usd,
        "expected_cash_usd": proposed.cash_usd,
        "expected_service": proposed.service,
        "reason": reason_sentence(row),
        "drivers": drivers_of(row, run),
        "details": details(
            run, proposed, others, weekly=weekly, words=words_of(row),
            fallback_reason=row.fallback_reason or None,
            buy_first=buy_first.words_of(row) if hasattr(row, "budget_left_usd") else None,
        ),
    }  # fmt: skip
