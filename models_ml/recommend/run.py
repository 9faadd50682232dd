"""One run: everything that should be done, from one release's stock and forecasts, and what was decided
before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from models_ml.errors import ModelError
from models_ml.recommend.budget_ranking import read_budgets
from models_ml.recommend.commitments import open_commitments, with_commitments
from models_ml.recommend.dedup import Deduplicated, deduplicate
from models_ml.recommend.inputs.anomalies import detect_anomalies
from models_ml.recommend.inputs.customers import customer_weights
from models_ml.recommend.inputs.distribution import choose, read_classes, read_replay
from models_ml.recommend.inputs.elasticity import learn_elasticities, read_responses
from models_ml.recommend.inputs.lots import read_lots
from models_ml.recommend.inputs.needs import Needs, compute_needs
from models_ml.recommend.inputs.open_orders import OpenOrders, open_orders, read_open_lines
from models_ml.recommend.inputs.positions import read_positions
from models_ml.recommend.kinds import (
    cancel,
    defer,
    expedite,
    investigate,
    markdown,
    reorder,
    transfer_proposals,
)
from models_ml.recommend.kinds.transfer import plan_transfers
from models_ml.recommend.parameters import ReorderParameters
from models_ml.recommend.proposal import Run, frame
from models_ml.recommend.requests import group_requests


@dataclass(frozen=True)
class Recommended:
    """Proposals of one run (columns as `proposal.COLUMNS`) and what was held back. `considered` counts
    proposals before holding back, by action."""

    rows: pd.DataFrame
    considered: Mapping[str, int]
    deduplicated: Deduplicated
    run: Run
    extra: Mapping[str, Any] = field(default_factory=dict)


def recommend(
    warehouse: Path, forecasts: Path, release_id: str, *, parameters: ReorderParameters | None = None,
    earlier: Iterable[Mapping[str, Any]] = (), now: datetime | None = None, proposed_by: str | None = None,
) -> Recommended:  # fmt: skip
    """Transfers first, then what still has to be bought, then the open orders, prices and anomalies.

    `standing` are past recommendations, field by field. The same release, forecasts and standing give the
    same rows and ids. No clock is read: `now` sets expiries only.
    """
    parameters, past = parameters or ReorderParameters(), list(earlier)
    positions = read_positions(warehouse, parameters)
    if positions.empty:
        raise ModelError("the release holds no stock", hint="recommending needs inventory_snapshots")
    first = positions.iloc[0]
    run = Run(
        release_id, pd.Timestamp(first["as_of_day"]).date(), int(first["data_age_days"]), now, parameters
    )
    weights = customer_weights(warehouse, parameters)
    positions = positions.merge(weights, on="product_id", how="left").fillna({"customer_weight": 1.0})
    classes = read_classes(warehouse)
    positions = positions.merge(classes, on=["location_id", "product_id"], how="left")
    choice = choose(read_replay(warehouse).merge(classes, on=["location_id", "product_id"]))
    positions = positions.assign(distribution=positions["demand_class"].map(choice.kind).fillna("counts"))
    pledged = with_commitments(positions, open_commitments(past, run.as_of, parameters))
    needs = compute_needs(pledged, forecasts, parameters, choice)
    odd = detect_anomalies(warehouse, run.as_of)
    needs = investigate.hold(needs, odd)
    proposed = stock_actions(needs, run, read_budgets(warehouse))
    proposed.append(investigate.propose(odd, positions, run))
    proposed += order_actions(open_orders(needs, read_open_lines(warehouse), parameters), run)
    elasticities = learn_elasticities(read_responses(warehouse))
    proposed.append(markdown.propose(needs, elasticities, run, read_lots(warehouse)))
    everything = frame([row for part in proposed for row in part.to_dict("records")])
    deduplicated = deduplicate(everything, past, run.as_of, parameters, now=now, proposed_by=proposed_by)
    return Recommended(
        group_requests(deduplicated.rows, run), dict(Counter(everything["action"])), deduplicated, run
    )


def stock_actions(needs: Needs, run: Run, budgets: pd.DataFrame | None = None) -> list[pd.DataFrame]:
    """Transfers, and reorders of what they leave lacking."""
    moves, _ = plan_transfers(needs, run.parameters)
    netted = netted_of(needs, moves)
    bought = reorder.plan_orders(netted, run.parameters)
    return [transfer_proposals.propose(needs, moves, run), reorder.propose(netted, bought, run, budgets)]


def order_actions(orders: OpenOrders, run: Run) -> list[pd.DataFrame]:
    """What to hurry, to cancel and to put off among the open orders; a line gets one of them."""
    cancelled = cancel.propose(orders, run)
    gone = frozenset(cancelled["subject_id"])
    return [expedite.propose(orders, run), cancelled, defer.propose(orders, run, gone)]


def netted_of(needs: Needs, moves: pd.DataFrame) -> Needs:
    """Needs after the moves: what comes in and goes out counts as done."""
    size, units = len(needs.rows), moves["quantity_units"].to_numpy(float)
    rows = needs.rows.assign(
        moved_in_units=np.bincount(moves["receiver"].to_numpy(int), units, size),
        moved_out_units=np.bincount(moves["donor"].to_numpy(int), units, size),
    )
    return Needs(rows, needs.weekly_mean, needs.weekly_variance)
