"""What depends on an anomaly is less sure: a person decides on it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from models_ml.recommend.inputs.needs import Needs
from models_ml.recommend.proposal import records

SUSPECTED_CONFIDENCE = 0.6  # what stock or lead time under suspicion leaves of the confidence


def suspect(needs: Needs, anomalies: pd.DataFrame) -> Needs:
    """Pairs whose stock record or supplier is under suspicion: less confidence, so that a person decides.

    Adds `suspicion`: why, or empty.
    """
    rows = needs.rows
    why = np.full(len(rows), "", object)
    for anomaly in records(anomalies):
        if anomaly["kind"] == "shrink":
            hit = (rows["location_id"] == anomaly["location_id"]) & (rows["department"] == anomaly["peers"])
            why[hit.to_numpy()] = "stock goes missing here: the record may be wrong"
        elif anomaly["kind"] == "late_supplier":
            hit = (rows["supplier_id"] == anomaly["supplier_id"]) & rows["replenished_from"].isna()
            why[hit.to_numpy()] = "its supplier has been late far more often than usual"
    confidence = rows["confidence"].to_numpy(float) * np.where(why == "", 1.0, SUSPECTED_CONFIDENCE)
    suspected = rows.assign(suspicion=why, confidence=np.round(confidence, 4))
    return Needs(suspected, needs.weekly_mean, needs.weekly_variance)
