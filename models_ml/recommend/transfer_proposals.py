"""Transfers as proposals: what moves where, what it saves, and what buying would have brought."""

from __future__ import annotations

import numpy as np
import pandas as pd

from governance.json_types import JsonDict
from models_ml.recommend import effects
from models_ml.recommend.count_distributions import share_within
from models_ml.recommend.effects import demand_of
from models_ml.recommend.inputs.demand_over import PLANNED_WEEKS
from models_ml.recommend.inputs.needs import Needs
from models_ml.recommend.proposal import (
    Option,
    Run,
    details,
    frame,
    number,
    of_pair,
    proposal_id,
    weekly_rows,
    weeks_ahead,
)
from models_ml.recommend.quantity import spare_units
from models_ml.table_row import TableRow


def propose(needs: Needs, moves: pd.DataFrame, run: Run) -> pd.DataFrame:
    """One proposal a move, with doing nothing and (where a supplier delivers) buying beside it."""
    if moves.empty:
        return frame([])
    at, donor = moves["receiver"].to_numpy(int), moves["donor"].to_numpy(int)
    rows, givers = needs.rows.iloc[at].reset_index(drop=True), needs.rows.iloc[donor].reset_index(drop=True)
    quantity = moves["quantity_units"].to_numpy(float)
    before = moves["receiver_before_units"].to_numpy(float)
    mean, variance = rows["demand_mean"].to_numpy(float), rows["demand_variance"].to_numpy(float)
    others = moves.groupby("donor")["quantity_units"].transform("sum").to_numpy(float) - quantity
    merged = rows.assign(
        from_location=givers["location_id"], from_region=givers["region"], donor_free=givers["free"],
        donor_spare=spare_units(givers, run.parameters) - others, donor_mean=givers["demand_mean"],
        donor_variance=givers["demand_variance"], donor_margin=givers["unit_margin"],
        service_before=share_within(np.floor(before), mean, variance),
        service_after=share_within(np.floor(before + quantity), mean, variance),
        **{name: moves[name].to_numpy() for name in (
            "quantity_units", "gained_units", "lost_units", "transfer_cost", "charged_cost",
            "net_benefit", "receiver_before_units", "donor_before_units", "from_centre")},
    )  # fmt: skip
    arrival = _arrival_of(rows, moves, needs, run)
    merged = merged.assign(missed_units=arrival.missed, arrives_days=arrival.arrives_days)
    sold = _sold_more(merged, arrival)
    price = rows["unit_price"].to_numpy(float, na_value=0.0)
    weekly = effects.Weekly(
        -sold * arrival.cost[:, None], 0 * sold,
        sold * price[:, None] - merged["transfer_cost"].to_numpy(float)[:, None],
    )  # fmt: skip
    options = _options(
        merged, sold[:, -1], effects.of_stock(before, quantity, demand_of(rows, run.parameters))
    )
    proposals = []
    for i, row in enumerate(merged.itertuples()):
        proposed = _proposal(row, run, options[i], weekly_rows(run, weekly, i))
        proposed["drivers"] |= weeks_ahead(arrival.weekly_mean[i], arrival.weekly_variance[i])
        proposals.append(proposed)
    return frame(proposals)


def _arrival_of(rows: pd.DataFrame, moves: pd.DataFrame, needs: Needs, run: Run) -> effects.Arrival:
    at = moves["receiver"].to_numpy(int)
    quantity, before = (moves[name].to_numpy(float) for name in ("quantity_units", "receiver_before_units"))
    days = np.full(len(rows), run.parameters.transfer_days)
    weekly = needs.weekly_mean[at], needs.weekly_variance[at]
    cost, missed = rows["unit_cost"].to_numpy(float), effects.missed_before(before, days, *weekly)
    return effects.Arrival(before, quantity, days, 0 * days, *weekly, cost, 0 * cost, missed)


def _sold_more(moves: pd.DataFrame, arrival: effects.Arrival) -> np.ndarray:
    """Units that the network sells more by the end of each week, (moves, weeks).

    A centre's delivery is what the store lives on: against doing nothing for all the weeks. Between stores
    the next order would make up for it: against one protection interval, less what the donor misses.
    """
    net = (moves["gained_units"] - moves["lost_units"]).to_numpy(float)[:, None]
    interval = moves["interval_days"].to_numpy(float)[:, None]
    between = net * np.minimum(arrival.ends / interval, 1)
    return np.where(moves["from_centre"].to_numpy(bool)[:, None], arrival.sold, between)


def _options(moves: pd.DataFrame, sold: np.ndarray, bought: effects.Effect) -> list[list[Option]]:
    """By move: as proposed, nothing, and the next delivery or buying instead."""
    options_by_move = []
    row: TableRow
    for i, row in enumerate(moves.assign(sold=sold).itertuples()):
        margin = row.sold * row.unit_margin - row.transfer_cost
        cash, missed = -row.transfer_cost, row.gained_units
        if not row.from_centre:
            gained = row.gained_units * row.unit_margin - row.lost_units * row.donor_margin
            margin = gained - row.charged_cost
        options = [
            Option("transfer", row.quantity_units, row.sold, row.service_after, margin, cash, "as proposed"),
            Option("nothing", 0, 0, row.service_before, 0, 0, "do nothing"),
        ]
        if row.from_centre:
            later = margin - missed * row.unit_margin
            label = "with the next delivery"
            option = Option(
                "transfer", row.quantity_units, row.sold - missed, row.service_before, later, cash, label
            )
            options.append(option)
        elif not isinstance(row.replenished_from, str):
            effect = (bought.units[i], bought.service[i], bought.margin[i], bought.cash[i])
            options.append(Option("reorder", row.quantity_units, *effect, "buy it instead"))
        options_by_move.append(options)
    return options_by_move


def _proposal(row: TableRow, run: Run, options: list[Option], weekly: list[JsonDict]) -> JsonDict:
    proposed, *others = options
    keeps = row.donor_free - row.quantity_units
    reason = (
        f"Move {row.quantity_units:.0f} from {row.from_location}, which keeps {keeps:.0f} for "
        f"{row.donor_mean:.1f} wanted there, to {row.location_id}: {row.demand_mean:.1f} units wanted over "
        f"{row.interval_days:.1f} days against {row.receiver_before_units:.0f}; service rises from "
        f"{row.service_before:.0%} to {row.service_after:.0%} for ${row.transfer_cost:.2f}."
    )
    sentences = [
        f"{proposed.units:.1f} more units sell within {PLANNED_WEEKS} weeks, "
        f"{row.gained_units:.2f} of them before the next delivery could come"
        if row.from_centre
        else f"{row.gained_units:.2f} more units expected to sell at {row.location_id}, "
        f"{row.lost_units:.2f} fewer at {row.from_location}",
        f"${row.transfer_cost:.2f} to move them, against ${row.quantity_units * row.unit_cost:.2f} "
        "to buy them",
        f"{row.donor_spare:.0f} spare at {row.from_location} beyond its own demand"
        if not row.from_centre
        else f"{row.donor_free:.0f} free at the centre",
    ]
    return of_pair(row, run) | {
        "recommendation_id": proposal_id(
            "transfer", row.product_id, row.from_location, row.location_id, run.as_of,
            float(row.receiver_before_units), float(row.quantity_units),
        ),
        "action": "transfer",
        "from_location_id": row.from_location,
        "subject_id": f"{row.product_id}:{row.from_location}>{row.location_id}",
        "supplier_id": None,
        "quantity_units": proposed.quantity,
        "order_by": run.day(row.days_of_cover - run.parameters.transfer_days),
        "need_by": run.day(row.days_of_cover),
        "expected_units": proposed.units,
        "expected_margin": proposed.margin,
        "expected_cash": proposed.cash,
        "expected_service": proposed.service,
        "reason": reason,
        "drivers": _drivers(row, run),
        "details": details(
            run, proposed, others, weekly=weekly, sentences=sentences, from_region=row.from_region,
            donor_free_units=number(row.donor_spare), net_benefit=number(row.net_benefit),
            transfer_cost=number(row.transfer_cost), fallback_reason=row.fallback_reason or None,
        ),
    }  # fmt: skip


def _drivers(row: TableRow, run: Run) -> JsonDict:
    return {
        "proposed_units": float(row.quantity_units),
        "lead_time_mean_days": number(row.arrives_days),
        "missed_units": number(row.missed_units),
        "demand_mean_units": number(row.demand_mean),
        "demand_variance_units2": number(row.demand_variance),
        "protection_interval_days": number(row.interval_days),
        "position_units": number(row.receiver_before_units),
        "base_stock_units": float(row.level),
        "service_target": number(row.service_target),
        "donor_demand_mean_units": number(row.donor_mean),
        "donor_demand_variance_units2": number(row.donor_variance),
        "donor_before_units": number(row.donor_before_units),
        "donor_is_centre": bool(row.from_centre),
        "case_pack_units": float(row.case_pack_units),
        "unit_margin": number(row.unit_margin),
        "donor_unit_margin": number(row.donor_margin),
        "unit_cost": number(row.unit_cost),
        "transfer_cost": number(row.transfer_cost),
        "charged_cost": number(row.charged_cost),
        "forecast_method": row.method,
        "as_of": run.as_of.isoformat(),
    }
