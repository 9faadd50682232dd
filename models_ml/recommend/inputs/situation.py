"""Everything that is known before anything is proposed, put together from a release and what was decided."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import pandas as pd

from governance.json_types import JsonObject
from models_ml.recommend.budget_ranking import read_budgets
from models_ml.recommend.commitments import open_commitments, with_commitments
from models_ml.recommend.inputs.anomalies import detect_anomalies
from models_ml.recommend.inputs.customers import customer_weights
from models_ml.recommend.inputs.distribution import choose, read_classes, read_replay
from models_ml.recommend.inputs.elasticity import learn_elasticities, read_responses
from models_ml.recommend.inputs.lots import read_lots
from models_ml.recommend.inputs.needs import compute_needs
from models_ml.recommend.inputs.open_orders import open_orders, read_open_lines
from models_ml.recommend.inputs.positions import read_positions
from models_ml.recommend.inputs.suspicion import suspect
from models_ml.recommend.kind import Situation
from models_ml.recommend.parameters import ReorderParameters
from models_ml.recommend.proposal import Run


def read_situation(
    warehouse: Path, forecasts: Path, release_id: str, parameters: ReorderParameters,
    past: Iterable[JsonObject], *, now: datetime | None,
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
    needs = suspect(compute_needs(pledged, forecasts, parameters, choice), anomalies)
    return Situation(
        run=Run(release_id, as_of, int(first["data_age_days"]), now, parameters),
        positions=positions, needs=needs, netted=needs,
        orders=open_orders(needs, read_open_lines(warehouse), parameters), anomalies=anomalies,
        elasticities=learn_elasticities(read_responses(warehouse)), lots=read_lots(warehouse),
        budgets=read_budgets(warehouse),
    )  # fmt: skip
