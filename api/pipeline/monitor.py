"""Watch the release before anything is forecast from it: what drifted, and whether to train again."""

from __future__ import annotations

from api.errors import StepWaitsError
from api.pipeline.results import MonitorResult
from api.settings import Settings
from governance.progress import Progress
from governance.releases import ReleaseStore


def monitor_step(settings: Settings, report: Progress) -> MonitorResult:
    """Drift of features, forecasts and errors in the newest week; rows and report beside the forecasts.

    Raises StepWaitsError if there are too few weeks to compare.
    """
    from models_ml.drift.monitor import monitor
    from models_ml.errors import NotEnoughHistoryError
    from models_ml.models import MODELS

    release = ReleaseStore(settings.var_dir).current()
    try:
        monitored = monitor(
            release.warehouse,
            release.release_id,
            MODELS.values(),
            tracking_uri=settings.mlflow_uri,
            artifact_root=settings.mlflow_artifacts,
            output=settings.var_dir / "forecasts" / release.release_id,
            reports=settings.reports / release.release_id,
            progress=report,
        )
    except NotEnoughHistoryError as missing:
        raise StepWaitsError(missing.message) from missing
    return MonitorResult.model_validate(monitored.as_dict())


def still_watched(settings: Settings, result: MonitorResult) -> bool:
    """Rows and report are there."""
    return result.path.exists() and result.report.exists()


def last_monitored(settings: Settings) -> MonitorResult | None:
    """What the newest monitored release found; None before the first run."""
    drift_files = sorted(
        (settings.var_dir / "forecasts").glob("*/drift.json"), key=lambda path: path.parent.name
    )
    return MonitorResult.model_validate_json(drift_files[-1].read_text()) if drift_files else None
