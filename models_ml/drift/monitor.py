"""One monitoring run: watch a release, judge every week, write rows and reports, say what follows.

Rows go to `drift.parquet` beside the release's forecasts, in the form of the contract `drift_results`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from governance.disk import atomic_write
from governance.json_types import JsonDict
from governance.progress import Progress, silent
from models_ml.drift import report_name
from models_ml.drift.accuracy import error_changes
from models_ml.drift.alerts import judge
from models_ml.drift.changes import changes
from models_ml.drift.codes import code_changes, trained_codes
from models_ml.drift.distribution import distances
from models_ml.drift.findings import aspect_of, finding, method_of
from models_ml.drift.observe import Observed, observe
from models_ml.drift.report import write_report
from models_ml.drift.retraining import Advice, advise, drift_share
from models_ml.errors import NotEnoughHistoryError
from models_ml.lifecycle.champion import Champion, find_champion
from models_ml.lifecycle.drift_policy import LEAST_REFERENCE
from models_ml.lifecycle.open_alert import OpenAlert
from models_ml.lifecycle.spec import FeatureSample, ModelSpec

DRIFT_FILE = "drift.parquet"
SUMMARY_FILE = "drift.json"
COLUMNS = (
    "release_id", "model_name", "model_version", "week", "week_ending", "feature", "segment_type", "segment",
    "kind", "aspect", "method", "score", "threshold", "is_drifted", "alert_state", "finding", "is_simulated",
)  # fmt: skip


@dataclass(frozen=True)
class Monitored:
    """What a run found for the last recorded week, and where rows and report lie."""

    release_id: str
    week: int
    rows: int
    drift_share: float
    alerts: tuple[OpenAlert, ...]
    retrain: Advice
    model_version: str
    path: Path
    report: Path

    def as_dict(self) -> JsonDict:
        """JSON-ready form."""
        return {
            **asdict(self), "path": str(self.path), "report": str(self.report),
            "retrain": {
                "is_recommended": self.retrain.is_recommended, "reasons": list(self.retrain.reasons),
                "sentence": self.retrain.sentence(),
            },
        }  # fmt: skip


@dataclass(frozen=True)
class Watched:
    """A model that is watched, the version that scores, and its features (with forecasts if one scores)."""

    spec: ModelSpec
    champion: Champion[object]
    sample: FeatureSample


def monitor(
    warehouse: Path,
    release_id: str,
    specs: Iterable[ModelSpec],
    *,
    tracking_uri: str,
    artifact_root: Path,
    output: Path,
    reports: Path,
    progress: Progress = silent,
) -> Monitored:
    """Watch the release for the watched models: rows into the folder `output`, reports into `reports`.

    What is no model's own, the retailer's data, is reported under the first of them, and so is the advice.
    Raises
    NotEnoughHistoryError if there are too few weeks to compare, or nothing sells often enough to be watched.
    """
    progress("drift: reading the weeks")
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.execute("SET threads = 2")
        observed = observe(con)
        if len(observed.weeks) <= LEAST_REFERENCE:
            raise NotEnoughHistoryError(
                f"Drift needs {LEAST_REFERENCE + 1} complete weeks of sales; there are {len(observed.weeks)}."
            )
        regions = dict(con.execute("SELECT location_id, region FROM dim_location").fetchall())
        last_week = observed.last_week
        champions = {
            spec: find_champion(
                spec.name, spec.load, tracking_uri=tracking_uri, artifact_root=artifact_root,
                last_week=last_week,
            )
            for spec in specs if spec.is_watched
        }  # fmt: skip
        backtests = (spec.backtest(artifact_root, holder.version) for spec, holder in champions.items())
        errors = error_changes(con, [path for path in backtests if path is not None])
    progress("drift: features and forecasts")
    watched = [
        Watched(spec, holder, sample)
        for spec, holder in champions.items()
        if (sample := spec.sample_features(warehouse, regions, holder.model)) is not None
    ]
    if not watched:
        raise NotEnoughHistoryError("No model is watched, or no category sells in most weeks.")
    first = watched[0]
    progress("drift: judging")
    codes = trained_codes(artifact_root, first.spec.name, first.champion.version)
    results = judged(observed, [one.sample for one in watched], errors, trained=codes)
    rows = _rows(results, observed, release_id, watched)
    now = rows[rows["week"] == last_week]
    trained_through = first.champion.trained_through_week if first.champion.model else None
    advice = advise(_of(rows, first), last_week=last_week, trained_through_week=trained_through)
    progress("drift: report")
    pages = [_report(one, now, reports, release_id) for one in watched]
    path = output / DRIFT_FILE
    _replace(rows, path)
    alerts = now[now["alert_state"] == "alert"]
    monitored = Monitored(
        release_id, last_week, len(rows), drift_share(_of(now, first)), _open_alerts(alerts), advice,
        first.champion.version, path, pages[0],
    )  # fmt: skip
    atomic_write(output / SUMMARY_FILE, json.dumps(monitored.as_dict(), indent=1))
    return monitored


def judged(
    observed: Observed,
    samples: Iterable[FeatureSample],
    errors: pd.DataFrame,
    trained: dict[str, list[str]] | None = None,
) -> pd.DataFrame:
    """Values of every detector with score, threshold and alert state."""
    values = [changes(observed), code_changes(observed, trained)]
    values += [distances(sample) for sample in samples]
    values += [errors] if len(errors) else []
    special = observed.weeks.loc[observed.weeks["is_special"], "week"]
    return judge(pd.concat(values, ignore_index=True), {int(week) for week in special})


def _report(watched: Watched, now: pd.DataFrame, reports: Path, release_id: str) -> Path:
    name, rows = watched.spec.name, _of(now, watched)
    return write_report(watched.sample, rows, reports / report_name(name), model=name, release_id=release_id)


def _of(rows: pd.DataFrame, watched: Watched) -> pd.DataFrame:
    own: pd.DataFrame = rows[rows["model_name"] == watched.spec.name]
    return own


def _rows(
    results: pd.DataFrame, observed: Observed, release_id: str, watched: Sequence[Watched]
) -> pd.DataFrame:
    """In the form of the contract; a feature belongs to the model whose sample has its prefix."""
    ending = observed.weeks.set_index("week")["last_day"]
    owners = {one.sample.prefix: one for one in watched}
    owner = [owners.get(str(name).partition(".")[0], watched[0]) for name in results["feature"]]
    rows = results.assign(
        release_id=release_id,
        model_name=[one.spec.name for one in owner],
        model_version=np.array([one.champion.version or None for one in owner], object),
        week=results["week"].astype("int32"),
        week_ending=pd.to_datetime(results["week"].map(ending)).dt.date,
        aspect=results["kind"].map(aspect_of),
        method=results["kind"].map(method_of),
        finding=_findings(results),
        is_simulated=False,
    )  # fmt: skip
    return rows[list(COLUMNS)].sort_values(["week", "kind", "feature", "segment_type", "segment"])


def _open_alerts(alerts: pd.DataFrame) -> tuple[OpenAlert, ...]:
    rows = alerts[[field.name for field in fields(OpenAlert)]].to_dict("records")
    return tuple(OpenAlert.from_row({str(name): value for name, value in row.items()}) for row in rows)


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
