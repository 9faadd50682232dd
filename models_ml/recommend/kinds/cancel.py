"""Cancel: an order that nobody will need for weeks, where keeping its stock costs more than the fee."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from models_ml.recommend import effects
from models_ml.recommend.count_distributions import expected_served, quantile
from models_ml.recommend.inputs.open_orders import OpenOrders
from models_ml.recommend.kind import LEAD_TIME, OPEN_ORDERS, Situation
from models_ml.recommend.order_proposal import on_line
from models_ml.recommend.proposal import Option, Run, frame, number, weekly_rows, weeks_ahead
from models_ml.table_row import TableRow


def saved_by(orders: OpenOrders, run: Run) -> pd.DataFrame:
    """For each line: whether the pair lives without it for the weeks looked at, and what not having it saves.

    Saved: carrying until it would have sold (a year at most) and what would outlive its shelf life; paid: the
    fee, and the margin of the units expected to be missed.
    """
    parameters, rows = run.parameters, orders.rows
    days = np.full(len(rows), 7.0 * parameters.cancel_cover_weeks)
    mean, variance = orders.demand(days)
    others, units = rows["others_units"].to_numpy(float), rows["open_units"].to_numpy(float)
    cost = rows["unit_cost"].to_numpy(float)
    needless = others >= quantile(np.full(len(rows), parameters.donor_service), mean, variance)
    daily = np.maximum(rows["daily_mean"].to_numpy(float), 1e-6)
    waits = np.minimum((others + units / 2) / daily, 365.0)
    life = rows["shelf_life_days"].to_numpy(float, na_value=np.inf)
    spoiled = np.clip(others + units - daily * parameters.shelf_life_use * life, 0, units)
    carrying = (units - spoiled) * cost * parameters.carrying_rate * waits / 365
    missed = expected_served(others + units, mean, variance) - expected_served(others, mean, variance)
    fee = parameters.cancel_fee_share * units * cost
    margin = rows["unit_margin"].to_numpy(float, na_value=0.0)
    return pd.DataFrame({
        "is_needless": needless, "waits_days": waits, "spoiled_units": spoiled, "carrying": carrying,
        "missed_units": missed, "fee": fee,
        "gain": carrying + parameters.waste_share * spoiled * cost - fee - missed * margin,
        "service": orders.in_stock(others, days), "service_kept": orders.in_stock(others + units, days),
    })  # fmt: skip


def cancelled_lines(orders: OpenOrders, run: Run) -> frozenset[str]:
    """Ids of the lines whose cancellation is going to be proposed."""
    if orders.rows.empty:
        return frozenset()
    saved = saved_by(orders, run)
    pays = saved["is_needless"] & (saved["gain"] >= run.parameters.least_order_saving)
    return frozenset(orders.rows.loc[pays.to_numpy(bool), "purchase_order_line_id"])


def propose(orders: OpenOrders, run: Run) -> pd.DataFrame:
    """One proposal for every needless line whose cancellation pays."""
    if orders.rows.empty:
        return frame([])
    joined = orders.rows.join(saved_by(orders, run))
    with_order = orders.by_week("others_units", joined["arrives_days"].to_numpy(float))
    fee = joined["fee"].to_numpy(float)[:, None]
    change = effects.Weekly(-with_order.inventory, -with_order.payables, -with_order.cash - fee)
    proposals = []
    row: TableRow
    for i, row in enumerate(joined.itertuples()):
        if not row.is_needless or row.gain < run.parameters.least_order_saving:
            continue
        cash = row.open_units * row.unit_cost - row.fee
        options = [
            Option("cancel", row.open_units, -row.missed_units, row.service, row.gain, cash, "cancel it"),
            Option("nothing", 0, 0, row.service_kept, 0, 0, "take the delivery"),
        ]  # fmt: skip
        weeks = run.parameters.cancel_cover_weeks
        proposals.append(on_line(
            row, run, options, weekly=weekly_rows(run, change, i),
            reason=f"Cancel {row.open_units:.0f}: {row.others_units:.0f} in stock or on order without them "
            f"last {weeks} weeks with {row.service:.0%} certainty; they would wait {row.waits_days:.0f} "
            f"days, and cancelling frees ${cash:.2f} after a fee of ${row.fee:.2f}.",
            sentences=[f"{7 * row.daily_mean:.1f} sell a week",
                   f"carrying them would cost ${row.carrying:.2f}; "
                   f"{row.spoiled_units:.0f} would outlive their shelf life"],
            drivers={
                "fee": number(row.fee), "carrying": number(row.carrying),
                "spoiled_units": number(row.spoiled_units), "waste_share": run.parameters.waste_share,
                "cover_weeks": weeks,
                **weeks_ahead(orders.weekly_mean[i], orders.weekly_variance[i]),
            },
        ))  # fmt: skip
    return frame(proposals)


class Cancel:
    """Open orders that nobody will need."""

    action = "cancel"
    needs = OPEN_ORDERS
    assumes = (LEAD_TIME,)

    def plan(self, situation: Situation) -> Situation:
        return replace(situation, cancelled=cancelled_lines(situation.orders, situation.run))

    def propose(self, situation: Situation) -> pd.DataFrame:
        return propose(situation.orders, situation.run)


KIND = Cancel()
