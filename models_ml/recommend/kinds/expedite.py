"""Expedite: pay for an earlier arrival where the shelf is expected to be empty before the order comes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from models_ml.recommend import effects
from models_ml.recommend.inputs.open_orders import OpenOrders
from models_ml.recommend.kind import LEAD_TIME, OPEN_ORDERS, Situation
from models_ml.recommend.order_proposal import on_line
from models_ml.recommend.proposal import Option, Run, frame, number, weekly_rows, weeks_ahead
from models_ml.table_row import TableRow


def saved_by(orders: OpenOrders, run: Run) -> pd.DataFrame:
    """For each line: days when expedited, expected units saved, fee, and what is gained.

    Saved are the units lost until the normal arrival, less those lost until the earlier one and those that
    even the whole order would not have served: a cautious count. Worth includes the lost customer.
    """
    parameters, rows = run.parameters, orders.rows
    days = rows["arrives_days"].to_numpy(float)
    sooner = np.maximum(np.ceil(days * (1 - parameters.expedite_time_share)), 1)
    before, units = rows["before_units"].to_numpy(float), rows["open_units"].to_numpy(float)
    lost = orders.lost(before, days)
    still = orders.lost(before, sooner) + orders.lost(before + units, days)
    saved = np.clip(np.where(sooner < days, lost - still, 0), 0, units)
    value = units * rows["unit_cost"].to_numpy(float)
    fee = np.maximum(parameters.expedite_fee_share * value, parameters.expedite_fee_least)
    return pd.DataFrame({
        "sooner_days": sooner, "lost_units": lost, "saved_units": saved, "fee": fee,
        "gain": saved * rows["worth"].to_numpy(float) - fee,
        "margin": saved * rows["unit_margin"].to_numpy(float, na_value=0.0) - fee,
        "service_without": orders.in_stock(before, days), "service_with": orders.in_stock(before, sooner),
    })  # fmt: skip


def propose(orders: OpenOrders, run: Run) -> pd.DataFrame:
    """One proposal for every line whose earlier arrival is worth more than its fee."""
    if orders.rows.empty:
        return frame([])
    saved = saved_by(orders, run)
    joined = orders.rows.join(saved, rsuffix="_saved")
    sooner, days = (joined[name].to_numpy(float) for name in ("sooner_days", "arrives_days"))
    change = orders.by_week("before_units", sooner) - orders.by_week("before_units", days)
    change = effects.Weekly(change.inventory, change.payables, change.cash - saved["fee"].to_numpy()[:, None])
    proposals = []
    row: TableRow
    for i, row in enumerate(joined.itertuples()):
        if row.gain < run.parameters.least_order_saving:
            continue
        options = [
            Option("expedite", row.open_units, row.saved_units, row.service_with, row.margin,
                   -row.fee, f"arrives in {row.sooner_days:.0f} days"),
            Option("nothing", 0, 0, row.service_without, 0, 0, f"wait {row.arrives_days:.0f} days"),
        ]  # fmt: skip
        late = "late" if row.is_late else f"{row.arrives_days:.0f} days away"
        proposals.append(on_line(
            row, run, options, weekly=weekly_rows(run, change, i),
            reason=f"Expedite {row.open_units:.0f} that are {late}: {row.before_units:.0f} in stock before "
            f"they come, {row.lost_units:.1f} expected to be missed; arriving in {row.sooner_days:.0f} days "
            f"saves {row.saved_units:.1f} for a fee of ${row.fee:.2f}.",
            sentences=[f"{row.lost_units:.1f} units expected to be missed until then, each worth "
                   f"${row.worth:.2f} with the lost customer",
                   f"${row.fee:.2f} fee to halve the wait"],
            drivers={
                "sooner_days": number(row.sooner_days), "fee": number(row.fee),
                **weeks_ahead(orders.weekly_mean[i], orders.weekly_variance[i]),
            },
            gain=number(row.gain),
        ))  # fmt: skip
    return frame(proposals)


class Expedite:
    """Open orders that are worth having sooner."""

    action = "expedite"
    needs = OPEN_ORDERS
    assumes = (LEAD_TIME,)

    def plan(self, situation: Situation) -> Situation:
        return situation

    def propose(self, situation: Situation) -> pd.DataFrame:
        return propose(situation.orders, situation.run)


KIND = Expedite()
