"""Defer: an order that is needed, but not yet: cash stays in the house for the days in between."""

from __future__ import annotations

import numpy as np
import pandas as pd

from models_ml.recommend.count_distributions import expected_served, quantile
from models_ml.recommend.inputs.open_orders import OpenOrders
from models_ml.recommend.kind import LEAD_TIME, OPEN_ORDERS, Situation
from models_ml.recommend.order_proposal import on_line
from models_ml.recommend.proposal import Option, Run, frame, number, weekly_rows, weeks_ahead
from models_ml.table_row import TableRow


def saved_by(orders: OpenOrders, run: Run) -> pd.DataFrame:
    """For each line: whether stock lasts without it until the later day, at the pair's own service target,
    and what waiting brings: carrying for those days less the margin of units expected to be missed."""
    parameters, rows = run.parameters, orders.rows
    later = rows["arrives_days"].to_numpy(float) + parameters.defer_days
    mean, variance = orders.demand(later)
    others, units = rows["others_units"].to_numpy(float), rows["open_units"].to_numpy(float)
    target = np.maximum(rows["service_target"].to_numpy(float), parameters.donor_service)
    value = units * rows["unit_cost"].to_numpy(float)
    missed = expected_served(others + units, mean, variance) - expected_served(others, mean, variance)
    carrying = value * parameters.carrying_rate * parameters.defer_days / 365
    margin = rows["unit_margin"].to_numpy(float, na_value=0.0)
    return pd.DataFrame({
        "later_days": later, "lasts": others >= quantile(target, mean, variance), "value": value,
        "carrying": carrying, "missed_units": missed, "gain": carrying - missed * margin,
        "service": orders.in_stock(others, later), "service_kept": orders.in_stock(others + units, later),
    })  # fmt: skip


def propose(orders: OpenOrders, run: Run, cancelled: frozenset[str] = frozenset()) -> pd.DataFrame:
    """One proposal for every line worth the call that can wait, unless it is proposed to be cancelled."""
    if orders.rows.empty:
        return frame([])
    joined = orders.rows.join(saved_by(orders, run))
    later, normal = (joined[name].to_numpy(float) for name in ("later_days", "arrives_days"))
    change = orders.by_week("others_units", later) - orders.by_week("others_units", normal)
    proposals = []
    row: TableRow
    for i, row in enumerate(joined.itertuples()):
        worth_it = row.lasts and row.gain > 0 and row.value >= run.parameters.least_deferred
        if not worth_it or row.is_late or row.purchase_order_line_id in cancelled:
            continue
        options = [
            Option("defer", row.open_units, -row.missed_units, row.service, row.gain, 0.0,
                   f"arrives in {row.later_days:.0f} days"),
            Option("nothing", 0, 0, row.service_kept, 0, 0, f"arrives in {row.arrives_days:.0f} days"),
        ]  # fmt: skip
        proposals.append(on_line(
            row, run, options, weekly=weekly_rows(run, change, i),
            reason=f"Defer {row.open_units:.0f} by {run.parameters.defer_days} days: "
            f"{row.others_units:.0f} in stock or on order without them last until then with "
            f"{row.service:.0%} certainty; "
            f"${row.value:.2f} stay in the house for so long.",
            sentences=[f"{7 * row.daily_mean:.1f} sell a week",
                   f"carrying saved: ${row.carrying:.2f}"],
            drivers={
                "later_days": number(row.later_days), "carrying": number(row.carrying),
                **weeks_ahead(orders.weekly_mean[i], orders.weekly_variance[i]),
            },
            deferred=number(row.value), deferred_days=run.parameters.defer_days,
        ))  # fmt: skip
    return frame(proposals)


class Defer:
    """Open orders that can wait, unless they are cancelled."""

    action = "defer"
    needs = OPEN_ORDERS
    assumes = (LEAD_TIME,)

    def plan(self, situation: Situation) -> Situation:
        return situation

    def propose(self, situation: Situation) -> pd.DataFrame:
        return propose(situation.orders, situation.run, situation.cancelled)


KIND = Defer()
