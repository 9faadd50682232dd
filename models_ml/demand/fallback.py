"""When the model may not speak for a series: outside what training has seen, or while monitoring alerts.

The moving average takes over, or the model's number stays and a person must look; the row says which and
why. The policy is `drift/policy.yaml`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from models_ml.demand.features import build
from models_ml.demand.model import DemandModel
from models_ml.demand.panel import Panel
from models_ml.demand.settings import MODEL_NAME
from models_ml.evaluate.baselines import moving_average
from models_ml.evaluate.forecast import Forecast
from models_ml.lifecycle.drift_policy import Policy, default_policy
from models_ml.lifecycle.open_alert import OpenAlert, read_open_alerts

CHAMPION, FALLBACK, DRIFTED = "champion", "fallback", "drifted"  # states that routing knows
_COLUMN = {"department": "department", "category": "category", "region": "region", "location": "location_id"}


@dataclass
class Restraints:
    """Open alerts of the newest monitored week, and the series that fell out of the training range so far.

    `regions` by location. Series outside are remembered while they are forecast, to mark their rows.
    """

    alerts: Sequence[OpenAlert] = ()
    regions: Mapping[str, str] = field(default_factory=dict)
    policy: Policy = field(default_factory=default_policy)
    outside: dict[tuple[str, str, str], str] = field(default_factory=dict)

    @classmethod
    def read(cls, warehouse: Path, monitored: Path) -> Restraints:
        """The alerts of `monitored` (drift.json), none where the release was not monitored."""
        own = read_open_alerts(monitored, MODEL_NAME)
        with duckdb.connect(str(warehouse), read_only=True) as con:
            has_locations = con.execute(
                "SELECT 1 FROM duckdb_tables() WHERE table_name = 'dim_location'"
            ).fetchall()
            rows = (
                con.execute("SELECT location_id, region FROM dim_location").fetchall()
                if has_locations
                else []
            )
        return cls(own, dict(rows))

    def forecast(self, model: DemandModel, panel: Panel, origin: int) -> Forecast:
        """The model's forecast, the baseline's for series that the model may not be asked about."""
        forecast = model.forecast(panel, origin)
        by_baseline = self._by_baseline(panel)
        for i, why in outside_training(model, panel, origin, self.policy).items():
            by_baseline[i] = True
            self.outside[panel.tier, str(panel.locations[i]), str(panel.items[i])] = why
        if not by_baseline.any():
            return forecast
        plain = moving_average(panel.units, origin)
        quantiles, mean = forecast.quantiles.copy(), forecast.mean.copy()
        quantiles[by_baseline], mean[by_baseline] = plain.quantiles[by_baseline], plain.mean[by_baseline]
        return Forecast(quantiles, mean)

    def mark(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Forecast rows with is_fallback, fallback_reason and model_state; method if a baseline took over.

        A row that a baseline forecast already keeps its reason.
        """
        reason = rows["fallback_reason"].fillna("").to_numpy(object).copy()
        by_baseline = (rows["method"] == "moving_average").to_numpy() | (reason != "")
        state = np.where(by_baseline, FALLBACK, CHAMPION).astype(object)
        for mask, response, finding in self._matches(rows):
            matched = mask & ~by_baseline & (reason == "")
            reason[matched] = f"drift: {finding}" if response == "rule" else f"a person must look: {finding}"
            state[matched] = DRIFTED
            by_baseline |= matched & (response == "rule")
        if self.outside:
            keys = zip(rows["tier"], rows["location_id"], rows["item"], strict=True)
            why = np.array([self.outside.get(key, "") for key in keys], object)
            matched = why != ""
            reason[matched], state[matched] = why[matched], FALLBACK
            by_baseline |= matched
        method = np.where(by_baseline, "moving_average", rows["method"])
        return rows.assign(method=method, is_fallback=by_baseline, fallback_reason=reason, model_state=state)

    def _by_baseline(self, panel: Panel) -> np.ndarray:
        series = pd.DataFrame(
            {"location_id": panel.locations, "department": panel.departments, "category": panel.categories}
        )
        out = np.zeros(len(series), bool)
        for mask, response, _ in self._matches(series):
            out |= mask & (response == "rule")
        return out

    def _matches(self, rows: pd.DataFrame) -> list[tuple[np.ndarray, str, str]]:
        """Rows that each alert is about, what the policy says, and the finding; rules first."""
        out = []
        for alert in self.alerts:
            response = self.policy.while_alerting[alert.kind]
            if response == "nothing":
                continue
            out.append((self._rows_of(alert, rows), response, alert.finding))
        return sorted(out, key=lambda match: match[1] != "rule")

    def _rows_of(self, alert: OpenAlert, rows: pd.DataFrame) -> np.ndarray:
        kind, segment = alert.segment_type, alert.segment
        if kind in ("all", "channel"):  # forecasts are of all channels together
            return np.ones(len(rows), bool)
        values = rows["location_id"].map(self.regions) if kind == "region" else rows[_COLUMN[kind]]
        return np.asarray(values.to_numpy() == segment)


def outside_training(model: DemandModel, panel: Panel, origin: int, policy: Policy) -> dict[int, str]:
    """Series whose level or features lie beyond what the model was fitted on, with the reason in words."""
    seen = model.seen
    if seen is None or not len(panel.items):
        return {}
    limits = policy.training_range
    features, scale, _ = build(panel, origin)
    first = features[:, 0]
    beyond = ((first < seen.lowest) | (first > seen.highest)).mean(1)
    out: dict[int, str] = {}
    for i in np.flatnonzero((scale > limits.level_times * seen.level) | (beyond > limits.features_outside)):
        if scale[i] > limits.level_times * seen.level:
            out[int(i)] = (
                f"outside the training range: {scale[i]:,.0f} units a week, at most {seen.level:,.0f} seen"
            )
        else:
            out[int(i)] = f"outside the training range: {beyond[i]:.0%} of its features beyond what was seen"
    return out


def states_by_pair(forecasts: Path) -> dict[tuple[str, str], str]:
    """Model state of every store and product whose forecast is not plainly the champion's."""
    rows = duckdb.execute(
        "SELECT DISTINCT location_id, item, model_state FROM read_parquet(?) "
        "WHERE tier = 'product' AND model_state <> 'champion'",
        [str(forecasts)],
    ).fetchall()
    return {(location, item): state for location, item, state in rows}
