"""One run: everything that should be done, from one release's stock and forecasts, and what was decided
before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from models_ml.recommend.budget_ranking import read_budgets
from models_ml.recommend.commitments import open_commitments, with_commitments
from models_ml.recommend.dedup import Deduplicated, deduplicate
from models_ml.recommend.inputs.anomalies import detect_anomalies
from models_ml.recommend.inputs.customers import customer_weights
from models_ml.recommend.inputs.distribution import choose, read_classes, read_replay
from models_ml.recommend.inputs.elasticity import learn_elasticities, read_responses
from models_ml.recommend.inputs.lots import read_lots
from models_ml.recommend.inputs.needs import compute_needs
from models_ml.recommend.inputs.open_orders import open_orders, read_open_lines
from models_ml.recommend.inputs.positions import last_day, read_positions
from models_ml.recommend.kind import Situation
from models_ml.recommend.kinds import KINDS
from models_ml.recommend.kinds.investigate import hold
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
    """What every kind plans and proposes, without what is open or was answered already.

    `standing` are past recommendations, field by field. The same release, forecasts and standing give the
    same rows and ids. No clock is read: `now` sets expiries only. Without a stock row nothing is proposed and
    nothing withdrawn.
    """
    parameters, past = parameters or ReorderParameters(), list(earlier)
    situation = read_situation(warehouse, forecasts, release_id, parameters, past, now=now)
    if situation is None:
        run = Run(release_id, last_day(warehouse), 0, now, parameters)
        return Recommended(frame([]), {}, Deduplicated(frame([]), 0, 0, 0, ()), run)
    for kind in KINDS:
        situation = kind.plan(situation)
    proposed = [kind.propose(situation) for kind in KINDS]
    run = situation.run
    everything = frame([row for part in proposed for row in part.to_dict("records")])
    deduplicated = deduplicate(everything, past, run.as_of, parameters, now=now, proposed_by=proposed_by)
    return Recommended(
        group_requests(deduplicated.rows, run), dict(Counter(everything["action"])), deduplicated, run
    )


def read_situation(
    warehouse: Path, forecasts: Path, release_id: str, parameters: ReorderParameters,
    past: Iterable[Mapping[str, Any]], *, now: datetime | None,
) -> Situation | None:  # fmt: skip
    """Stock, demand, orders, prices and anomalies of a release, with what was agreed on before counted in.

    None if the release holds no stock.
    """
    positions = read_positions(warehouse, parameters)
    if positions.empty:
        return None
    first = positions.iloc[0]
    as_of = pd.Timestamp(first["as_of_day"]).date()
    weights = customer_weights(warehouse, parameters)
    positions = positions.merge(weights, on="product_id", how="left").fillna({"customer_weight": 1.0})
    classes = read_classes(warehouse)
    positions = positions.merge(classes, on=["location_id", "product_id"], how="left")
    choice = choose(read_replay(warehouse).merge(classes, on=["location_id", "product_id"]))
    positions = positions.assign(distribution=positions["demand_class"].map(choice.kind).fillna("counts"))
    pledged = with_commitments(positions, open_commitments(past, as_of, parameters))
    anomalies = detect_anomalies(warehouse, as_of)
    needs = hold(compute_needs(pledged, forecasts, parameters, choice), anomalies)
    return Situation(
        run=Run(release_id, as_of, int(first["data_age_days"]), now, parameters),
        positions=positions, needs=needs, netted=needs,
        orders=open_orders(needs, read_open_lines(warehouse), parameters), anomalies=anomalies,
        elasticities=learn_elasticities(read_responses(warehouse)), lots=read_lots(warehouse),
        budgets=read_budgets(warehouse),
    )  # fmt: skip
