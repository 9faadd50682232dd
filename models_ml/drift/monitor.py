"""One monitoring run: watch a release, judge every week, write rows and reports, say what follows.

Rows go to `drift.parquet` beside the release's forecasts, in the form of the contract `drift_results`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from governance.disk import atomic_write
from governance.progress import Progress, silent
from models_ml.demand.artifacts import FOLDER as BACKTESTS
from models_ml.demand.bundle import load_bundle
from models_ml.demand.model import DemandModel
from models_ml.demand.panel import read_panel
from models_ml.drift.accuracy import error_changes
from models_ml.drift.alerts import judge
from models_ml.drift.changes import changes
from models_ml.drift.codes import code_changes, trained_codes
from models_ml.drift.distribution import Origins, distances, origins
from models_ml.drift.findings import aspect_of, finding, method_of
from models_ml.drift.observe import Observed, observe
from models_ml.drift.report import write_report
from models_ml.drift.retraining import Advice, advise, drift_share
from models_ml.lifecycle.champion import Champion, find_champion

Models = dict[str, DemandModel]  # by tier
DRIFT_FILE = "drift.parquet"
SUMMARY_FILE = "drift.json"
COLUMNS = (
    "release_id", "model_name", "model_version", "week", "week_ending", "feature", "segment_type", "segment",
    "kind", "aspect", "method", "score", "threshold", "is_drifted", "alert_state", "finding", "is_simulated",
)  # fmt: skip
ALERT_COLUMNS = ("kind", "feature", "segment_type", "segment", "score", "threshold", "finding")


@dataclass(frozen=True)
class Monitored:
    """What a run found for the last recorded week, and where rows and report lie."""

    release_id: str
    week: int
    rows: int
    drift_share: float
    alerts: list[dict[str, Any]]
    retrain: Advice
    model_version: str
    path: Path
    report: Path

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            **asdict(self), "path": str(self.path), "report": str(self.report),
            "retrain": {
                "is_recommended": self.retrain.is_recommended, "reasons": list(self.retrain.reasons),
                "sentence": self.retrain.sentence(),
            },
        }  # fmt: skip


def monitor(
    warehouse: Path,
    release_id: str,
    *,
    tracking_uri: str,
    artifact_root: Path,
    output: Path,
    reports: Path,
    progress: Progress = silent,
) -> Monitored:
    """Watch the release for the demand model: rows into the folder `output`, the report into `reports`."""
    progress("drift: reading the weeks")
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.execute("SET threads = 2")
        observed = observe(con)
        regions = dict(con.execute("SELECT location_id, region FROM dim_location").fetchall())
        last_week = observed.last_week
        champion = find_champion(
            "demand", load_bundle, tracking_uri=tracking_uri, artifact_root=artifact_root, last_week=last_week
        )
        backtest = artifact_root / BACKTESTS / f"demand-{champion.version}.parquet"
        files = [backtest] if champion.version and backtest.exists() else []
        errors = error_changes(con, files)
    progress("drift: features and forecasts")
    sampled = _sampled(warehouse, regions, champion.model or {})
    progress("drift: judging")
    results = judged(observed, sampled, errors, trained=trained_codes(artifact_root, champion.version))
    rows = _rows(results, observed, release_id, champion)
    now = rows[rows["week"] == last_week]
    advice = advise(rows, last_week=last_week, trained_through_week=_trained_through(champion))
    progress("drift: report")
    report = write_report(sampled, now, reports / "drift_demand.html", release_id=release_id)
    path = output / DRIFT_FILE
    _replace(rows, path)
    alerts = now[now["alert_state"] == "alert"]
    done = Monitored(
        release_id, last_week, len(rows), drift_share(now),
        _alert_rows(alerts),
        advice, champion.version, path, report,
    )  # fmt: skip
    atomic_write(output / SUMMARY_FILE, json.dumps(done.as_dict(), indent=1))
    return done


def judged(
    observed: Observed,
    sampled: dict[str, Origins],
    errors: pd.DataFrame,
    trained: dict[str, list[str]] | None = None,
) -> pd.DataFrame:
    """Values of every detector with score, threshold and alert state."""
    values = [changes(observed), code_changes(observed, trained)]
    values += [distances(origins_of_tier, tier) for tier, origins_of_tier in sampled.items()]
    values += [errors] if len(errors) else []
    special = observed.weeks.loc[observed.weeks["is_special"], "week"]
    return judge(pd.concat(values, ignore_index=True), {int(week) for week in special})


def _sampled(warehouse: Path, regions: dict[str, str], models: Models) -> dict[str, Origins]:
    tier = "category"  # the primary grain: what products add up to
    return {tier: origins(read_panel(warehouse, tier), regions, models.get(tier))}


def _rows(
    results: pd.DataFrame, observed: Observed, release_id: str, champion: Champion[Models]
) -> pd.DataFrame:
    ending = observed.weeks.set_index("week")["last_day"]
    rows = results.assign(
        release_id=release_id,
        model_name="demand",
        model_version=champion.version or None,
        week=results["week"].astype("int32"),
        week_ending=pd.to_datetime(results["week"].map(ending)).dt.date,
        aspect=results["kind"].map(aspect_of),
        method=results["kind"].map(method_of),
        finding=_findings(results),
        is_simulated=False,
    )  # fmt: skip
    return rows[list(COLUMNS)].sort_values(["week", "kind", "feature", "segment_type", "segment"])


def _trained_through(champion: Champion[Models]) -> int | None:
    return champion.trained_through_week if champion.model else None


def _alert_rows(alerts: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): v for k, v in row.items()} for row in alerts[list(ALERT_COLUMNS)].to_dict("records")]


def _findings(results: pd.DataFrame) -> list[str]:
    """A sentence where something drifted or an alert is open, else empty."""
    return [
        finding(row) if row.is_drifted or row.alert_state != "quiet" else "" for row in results.itertuples()
    ]


def _replace(rows: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    rows.to_parquet(partial, index=False)
    partial.replace(path)
