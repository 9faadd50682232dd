"""What scores: the approved models, and the forecasts of the release that serves."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb

from api.doctor.finding import Finding, Level
from api.doctor.state import opened
from api.settings import Settings
from governance.releases import ReleaseStore


def check_models(settings: Settings) -> Iterator[Finding]:
    """An approved champion for each kind of model, its files unchanged since approval."""
    from models_ml.lifecycle.champion import find_champion  # these bring MLflow and XGBoost
    from models_ml.models import MODELS

    for name, spec in MODELS.items():
        champion = find_champion(
            name,
            spec.load,
            tracking_uri=settings.mlflow_uri,
            artifact_root=settings.mlflow_artifacts,
            last_week=0,
        )
        subject = f"model {name}"
        if champion.model is not None:
            trained = f"version {champion.version}, trained through week {champion.trained_through_week}"
            level = Level.WARNING if champion.note else Level.OK
            yield Finding(subject, level, "; ".join(filter(None, (trained, champion.note))))
        else:
            hint = f"Forecasts come from the rule until one is approved: `steelyard model review {name}`."
            yield Finding(
                subject, Level.WARNING, "; ".join(filter(None, (champion.reason, champion.note))), hint
            )


def check_forecasts(settings: Settings) -> Iterator[Finding]:
    """Forecasts in force, as the release that serves knows them, and how many of them are the rule's."""
    store = ReleaseStore(settings.var_dir)
    if store.current_id() is None:
        return
    counted = "SELECT count(*), count(*) FILTER (is_fallback) FROM fct_demand_forecasts WHERE is_in_force"
    with opened(store.current().warehouse) as warehouse:
        try:
            rows, by_rule = warehouse.execute(counted).fetchall()[0]
        except duckdb.CatalogException:
            yield Finding("forecasts", Level.WARNING, "the release has no table of them")
            return
    if rows == 0:
        hint = "`steelyard pipeline run` scores, records and publishes them."
        yield Finding("forecasts", Level.WARNING, "none in force", hint)
    else:
        yield Finding("forecasts", Level.OK, f"{rows:,} in force, {by_rule / rows:.0%} by the rule")
