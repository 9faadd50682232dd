"""Transfers as proposals: what moves where, what it saves, and what buying would have brought."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from models_ml.recommend import effects
from models_ml.recommend.counting import share_within
from models_ml.recommend.needs import Needs
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
from models_ml.recommend.reorder import demand_of
from models_ml.recommend.transfer import spare_units


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
        donor_variance=givers["demand_variance"], donor_margin=givers["unit_margin_usd"],
        service_before=share_within(np.floor(before), mean, variance),
        service_after=share_within(np.floor(before + quantity), mean, variance),
        **{name: moves[name].to_numpy() for name in (
            "quantity_units", "gained_units", "lost_units", "transfer_cost_usd", "charged_cost_usd",
            "net_benefit_usd", "receiver_before_units", "donor_before_units", "from_centre")},
    )  # fmt: skip
    bought = effects.of_stock(before, quantity, demand_of(rows, run.parameters))
    weekly = effects.by_week(
        before, quantity, arrives_days=np.full(len(rows), run.parameters.transfer_days),
        terms_days=np.full(len(rows), 999.0), weekly_mean=needs.weekly_mean[at],
        weekly_variance=needs.weekly_variance[at], cost_usd=rows["unit_cost_usd"].to_numpy(float),
        price_usd=rows["unit_price_usd"].to_numpy(float, na_value=0.0),
    )  # fmt: skip
    # What arrives here has left there: only what sells more changes the network's stock, and nothing is owed.
    moved = (quantity * rows["unit_cost_usd"].to_numpy(float))[:, None]
    net = effects.Weekly(
        np.where(weekly.inventory != 0, weekly.inventory - moved, 0), 0 * weekly.payables,
        weekly.cash - merged["transfer_cost_usd"].to_numpy(float)[:, None],
    )  # fmt: skip
    return frame([
        _proposal(row, run, bought, i, weekly_rows(run, net, i)) for i, row in enumerate(merged.itertuples())
    ])  # fmt: skip


def _proposal(
    row: Any, run: Run, bought: effects.Effect, i: int, weekly: list[dict[str, Any]]
) -> dict[str, Any]:
    margin = row.gained_units * row.unit_margin_usd - row.lost_units * row.donor_margin - row.charged_cost_usd
    proposed = Option(
        "transfer", row.quantity_units, row.gained_units - row.lost_units, row.service_after, margin,
        -row.transfer_cost_usd, "as proposed",
    )  # fmt: skip
    others = [Option("nothing", 0, 0, row.service_before, 0, 0, "do nothing")]
    if not isinstance(row.replenished_from, str):
        others.append(
            Option(
                "reorder",
                row.quantity_units,
                bought.units[i],
                bought.service[i],
                bought.margin_usd[i],
                bought.cash_usd[i],
                "buy it instead",
            )
        )
    keeps = row.donor_free - row.quantity_units
    reason = (
        f"Move {row.quantity_units:.0f} from {row.from_location}, which keeps {keeps:.0f} for "
        f"{row.donor_mean:.1f} wanted there, to {row.location_id}: {row.demand_mean:.1f} units wanted over "
        f"{row.interval_days:.1f} days against {row.receiver_before_units:.0f}; service rises from "
        f"{row.service_before:.0%} to {row.service_after:.0%} for ${row.transfer_cost_usd:.2f}."
    )
    words = [
        f"{row.gained_units:.2f} more units expected to sell at {row.location_id}, "
        f"{row.lost_units:.2f} fewer at {row.from_location}",
        f"${row.transfer_cost_usd:.2f} to move them, against ${row.quantity_units * row.unit_cost_usd:.2f} "
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
        "expected_margin_usd": proposed.margin_usd,
        "expected_cash_usd": proposed.cash_usd,
        "expected_service": proposed.service,
        "reason": reason,
        "drivers": _drivers(row, run),
        "details": details(
            run, proposed, others, weekly=weekly, words=words, from_region=row.from_region,
            donor_free_units=number(row.donor_spare), net_benefit_usd=number(row.net_benefit_usd),
            transfer_cost_usd=number(row.transfer_cost_usd), fallback_reason=row.fallback_reason or None,
        ),
    }  # fmt: skip


def _drivers(row: Any, run: Run) -> dict[str, Any]:
    return {
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
        "unit_margin_usd": number(row.unit_margin_usd),
        "donor_unit_margin_usd": number(row.donor_margin),
        "unit_cost_usd": number(row.unit_cost_usd),
        "moved_units": float(row.quantity_units),
        "transfer_cost_usd": number(row.transfer_cost_usd),
        "charged_cost_usd": number(row.charged_cost_usd),
        "forecast_method": row.method,
        "as_of": run.as_of.isoformat(),
    }
