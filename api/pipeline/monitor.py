"""Watch the release before anything is forecast from it: what drifted, and whether to train again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from api.settings import Settings
from governance.progress import Progress
from governance.releases import ReleaseStore


def monitor_step(settings: Settings, report: Progress) -> dict[str, Any]:
    """Drift of features, forecasts and errors in the newest week; rows and report beside the forecasts."""
    from models_ml.drift.monitor import monitor

    release = ReleaseStore(settings.var_dir).current()
    done = monitor(
        release.warehouse,
        release.release_id,
        tracking_uri=settings.mlflow_uri,
        artifact_root=settings.mlflow_artifacts,
        output=settings.var_dir / "forecasts" / release.release_id,
        reports=settings.reports / release.release_id,
        progress=report,
    )
    return done.as_dict()


def monitor_summary(result: dict[str, Any]) -> str:
    """Drift share, open alerts, and the advice."""
    count = len(result["alerts"])
    alerts = f"{count} open alert{'' if count == 1 else 's'}" if count else "no open alert"
    return (
        f"week {result['week']}: {result['drift_share']:.0%} of features drifted, {alerts}; "
        f"{result['retrain']['sentence']}"
    )


def still_watched(settings: Settings, result: dict[str, Any]) -> bool:
    """Rows and report are there."""
    return Path(result["path"]).exists() and Path(result["report"]).exists()


def last_monitored(settings: Settings) -> dict[str, Any] | None:
    """What the newest monitored release found; None before the first run."""
    drift_files = sorted(
        (settings.var_dir / "forecasts").glob("*/drift.json"), key=lambda path: path.parent.name
    )
    return dict(json.loads(drift_files[-1].read_text())) if drift_files else None
