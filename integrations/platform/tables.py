"""The platform tables that are exported, in order."""

from __future__ import annotations

import hashlib

from integrations.contracts import platform_contracts
from integrations.platform.decisions import export_decisions, export_recommendations, mark_of_stores
from integrations.platform.exporter import PlatformTable, Recorded
from integrations.platform.models import (
    export_drift,
    export_forecasts,
    export_margin_risk,
    export_versions,
    mark_of_files,
    mark_of_versions,
)
from integrations.platform.outcomes import export_outcomes, mark_of_outcomes

TABLES: tuple[PlatformTable, ...] = (
    PlatformTable("recommendations", export_recommendations, mark_of_stores),
    PlatformTable("decisions", export_decisions, mark_of_stores),
    PlatformTable("decision_outcomes", export_outcomes, mark_of_outcomes),
    PlatformTable("demand_forecasts", export_forecasts, mark_of_files("demand.parquet")),
    PlatformTable("margin_risk_scores", export_margin_risk, mark_of_files("margin_risk.parquet")),
    PlatformTable("drift_results", export_drift, mark_of_files("drift.parquet")),
    PlatformTable("model_versions", export_versions, mark_of_versions),
)


def mark(recorded: Recorded, tables: tuple[PlatformTable, ...] = TABLES) -> str:
    """One hash over all tables and contracts: equal means that an export would change nothing."""
    parts = [f"{table.name}={table.mark(recorded)}" for table in tables]
    parts += [terms.fingerprint for terms in platform_contracts().values()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
