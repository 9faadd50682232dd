"""Reorder: what to buy for every ranged product and location, on the last day whose stock is known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from governance.json_types import JsonDict
from models_ml.recommend import budget_ranking, effects
from models_ml.recommend.inputs.needs import Needs, compute_needs
from models_ml.recommend.kind import COST, LEAD_TIME, STOCK_AND_DEMAND, Situation
from models_ml.recommend.parameters import ReorderParameters
from models_ml.recommend.proposal import (
    Option,
    Run,
    details,
    frame,
    of_pair,
    proposal_id,
    weekly_rows,
    weeks_ahead,
)
from models_ml.recommend.quantity import cycle_service, order_quantity
from models_ml.recommend.reorder_reason import drivers_of, reason_sentence, sentences_of
from models_ml.table_row import TableRow


def decide(positions: pd.DataFrame, forecasts: Path, parameters: ReorderParameters) -> pd.DataFrame:
    """Every position with its quantity (zero: nothing to do) and what it is expected to bring."""
    return plan_orders(compute_needs(positions, forecasts, parameters), parameters)


def plan_orders(needs: Needs, parameters: ReorderParameters) -> pd.DataFrame:
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
    effect = effects.of_stock(position, quantity, effects.demand_of(rows, parameters))
    mean, variance = rows["demand_mean"].to_numpy(float), rows["demand_variance"].to_numpy(float)
    decided: pd.DataFrame = rows.assign(
        position=position, quantity_units=quantity, is_capped=quantity < uncapped,
        service_without=cycle_service(np.maximum(position, 0), mean, variance),
        expected_service=effect.service, expected_units=effect.units,
        expected_margin=effect.margin, expected_cash=effect.cash,
    )  # fmt: skip
    return decided


def propose(
    needs: Needs, decided: pd.DataFrame, run: Run, budgets: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Proposals for every row with a quantity, with the options beside it and its rank for the budget."""
    wanted = (decided["quantity_units"] > 0).to_numpy()
    rows, chosen = decided[wanted].reset_index(drop=True), needs.where(wanted)
    if budgets is not None:
        rows = budget_ranking.rank_orders(rows, budgets)
    arrival = arrival_of(rows, chosen)
    units, margin = effects.until_sold(
        arrival, rows["unit_margin"].to_numpy(float, na_value=0.0), run.parameters.carrying_rate
    )
    rows = rows.assign(
        proposed_units=arrival.quantity, missed_units=arrival.missed, review_units=rows["expected_units"],
        expected_units=units, expected_margin=margin,
    )  # fmt: skip
    weekly = effects.by_week(arrival)
    options = _options(rows, effects.demand_of(rows, run.parameters))
    proposals = []
    for i, row in enumerate(rows.itertuples()):
        proposed = _proposal(row, run, [option[i] for option in options], weekly_rows(run, weekly, i))
        proposed["drivers"] |= weeks_ahead(arrival.weekly_mean[i], arrival.weekly_variance[i])
        proposals.append(proposed)
    return frame(proposals)


def arrival_of(rows: pd.DataFrame, needs: Needs) -> effects.Arrival:
    """The order's way to the shelf. What is wanted at a store before it comes, and not there, is lost; a
    centre's stores wait for theirs."""
    position, lead = rows["position"].to_numpy(float), rows["lead_time_mean_days"].to_numpy(float)
    missed = effects.missed_before(position, lead, needs.weekly_mean, needs.weekly_variance)
    return effects.Arrival(
        position=position, quantity=rows["quantity_units"].to_numpy(float), arrives_days=lead,
        terms_days=rows["payment_terms_days"].to_numpy(float), weekly_mean=needs.weekly_mean,
        weekly_variance=needs.weekly_variance,
        cost=rows["unit_cost"].to_numpy(float, na_value=0.0),
        price=rows["unit_price"].to_numpy(float, na_value=0.0),
        missed=np.where(rows["location_type"] == "store", missed, 0),
    )  # fmt: skip


def _options(rows: pd.DataFrame, demand: effects.Demand) -> list[Sequence[Option | None]]:
    """What could be done instead, by option and row.

    Doing nothing leaves the stock to run out for the planned weeks. Everything else is followed by the next
    review's order, so that it differs from what is proposed by one protection interval only.
    """
    quantity, position = rows["quantity_units"].to_numpy(float), rows["position"].to_numpy(float)
    pack, days = (rows[name].to_numpy(float) for name in ("case_pack_units", "review_period_days"))
    proposed = effects.of_stock(position, quantity, demand)
    without = effects.of_stock(position, 0 * quantity, demand)
    saved = quantity * demand.cost * demand.carrying_rate * days / 365

    def instead(
        units: np.ndarray, effect: effects.Effect, label: str, more: np.ndarray | float = 0.0
    ) -> list[Option]:
        sold = rows["expected_units"] + effect.units - proposed.units
        margin = rows["expected_margin"] + effect.margin - proposed.margin + more
        numbers_by_row = zip(units, sold, effect.service, margin, -units * demand.cost, strict=True)
        return [Option("reorder", *numbers, label) for numbers in numbers_by_row]

    less = np.maximum(quantity - pack, 0)
    fewer = instead(less, effects.of_stock(position, less, demand), "a pack less")
    return [
        instead(quantity, proposed, "as proposed"),
        [Option("nothing", 0, 0, service, 0, 0, "do nothing") for service in without.service],
        instead(quantity, without, "at the next review", saved),
        [option if option.quantity > 0 else None for option in fewer],
        instead(quantity + pack, effects.of_stock(position, quantity + pack, demand), "a pack more"),
    ]


def _proposal(row: TableRow, run: Run, options: list[Option | None], weekly: list[JsonDict]) -> JsonDict:
    proposed, *others = [option for option in options if option is not None]
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
        "expected_margin": proposed.margin,
        "expected_cash": proposed.cash,
        "expected_service": proposed.service,
        "reason": reason_sentence(row),
        "drivers": drivers_of(row, run),
        "details": details(
            run, proposed, others, weekly=weekly, sentences=sentences_of(row, others[1]),
            fallback_reason=row.fallback_reason or None,
            buy_first=budget_ranking.budget_details(row) if hasattr(row, "budget_left") else None,
        ),
    }  # fmt: skip


class Reorder:
    """What still has to be bought after the moves."""

    action = "reorder"
    needs = STOCK_AND_DEMAND
    assumes = (LEAD_TIME, COST)

    def plan(self, situation: Situation) -> Situation:
        return situation

    def propose(self, situation: Situation) -> pd.DataFrame:
        run, needs = situation.run, situation.netted
        return propose(needs, plan_orders(needs, run.parameters), run, situation.budgets)


KIND = Reorder()
