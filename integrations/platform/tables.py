"""The platform tables that are exported, in order."""

from __future__ import annotations

import hashlib

from integrations.contracts import platform_contracts
from integrations.platform.decisions import export_decisions, export_recommendations, stores_fingerprint
from integrations.platform.exporter import PlatformState, PlatformTable
from integrations.platform.models import (
    export_drift,
    export_forecasts,
    export_margin_risk,
    export_versions,
    files_fingerprint,
    versions_fingerprint,
)
from integrations.platform.outcomes import export_outcomes, outcomes_fingerprint

TABLES: tuple[PlatformTable, ...] = (
    PlatformTable("recommendations", export_recommendations, stores_fingerprint),
    PlatformTable("decisions", export_decisions, stores_fingerprint),
    PlatformTable("decision_outcomes", export_outcomes, outcomes_fingerprint),
    PlatformTable("demand_forecasts", export_forecasts, files_fingerprint("demand.parquet")),
    PlatformTable("margin_risk_scores", export_margin_risk, files_fingerprint("margin_risk.parquet")),
    PlatformTable("drift_results", export_drift, files_fingerprint("drift.parquet")),
    PlatformTable("model_versions", export_versions, versions_fingerprint),
)


def platform_fingerprint(state: PlatformState, tables: tuple[PlatformTable, ...] = TABLES) -> str:
    """One hash over all tables and contracts: equal means that an export would change nothing."""
    parts = [f"{table.name}={table.fingerprint(state)}" for table in tables]
    parts += [contract.fingerprint for contract in platform_contracts().values()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
