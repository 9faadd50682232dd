"""Forecasts, risks, drift and model versions as landing rows, from the files of scoring and the registry."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from pathlib import Path

import duckdb
import pyarrow as pa

from governance.approvals.model_review import latest_review
from integrations.contracts import contract
from integrations.platform.exporter import PlatformState
from models_ml.demand.artifacts import FOLDER as BACKTESTS
from models_ml.models import MODELS
from semantic.sql.quoting import literal

QUANTILES = ("q025", "q10", "q25", "q50", "q75", "q90", "q975")


def export_forecasts(state: PlatformState, connection: duckdb.DuckDBPyConnection) -> str | None:
    """Live forecasts, the newest release of each origin week, and the backtests of registered versions."""
    live = newest_by_week(connection, _files(state, "demand.parquet"), "origin_week")
    backtests = sorted((state.artifact_root / BACKTESTS).glob("demand-*.parquet"))
    parts = [_live(connection, path) for path in live] + [_backtest(path) for path in backtests]
    return f"({' UNION ALL '.join(parts)})" if parts else None


def export_margin_risk(state: PlatformState, connection: duckdb.DuckDBPyConnection) -> str | None:
    """Scores of every as-of week, as its newest release gave them."""
    files = newest_by_week(connection, _files(state, "margin_risk.parquet"), "as_of_week")
    return _read(files) if files else None


def export_drift(state: PlatformState, connection: duckdb.DuckDBPyConnection) -> str | None:
    """What every monitored release found."""
    files = _files(state, "drift.parquet")
    return _read(files) if files else None


def export_versions(state: PlatformState, connection: duckdb.DuckDBPyConnection) -> str | None:
    """Every registered version with its newest review; None before the first.

    `recorded_at` is the start of the day, or the newest event if that is later, so that a day's
    exports are equal unless something happened.
    """
    from models_ml.lifecycle import registry

    if not registry.exists(state.tracking_uri):
        return None
    rows = []
    for name in MODELS:
        for version in registry.versions(state.tracking_uri, name):
            is_champion = registry.CHAMPION in version.aliases
            review = latest_review(state.store, name, version.version)
            rows.append({
                "model_name": name, "model_version": version.version, "release_id": version.release_id,
                "git_commit": version.git_commit, "artifact_digest": version.digest,
                "trained_by": version.trained_by, "trained_at": _naive_utc(version.registered_at),
                "trained_through_week": version.trained_through_week,
                "is_champion": is_champion,
                "promoted_at": _naive_utc(version.promoted_at if is_champion else None),
                "review_decision": review and review.decision, "reviewed_by": review and review.reviewed_by,
                "backtest_wape": version.metrics.get("category_demand_wape"), "is_simulated": False,
            })  # fmt: skip
    if not rows:
        return None
    midnight = dt.datetime.now(dt.UTC).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    recorded_at = max([midnight, *(t for row in rows for t in (row["trained_at"], row["promoted_at"]) if t)])
    connection.register(
        "exported_versions",
        pa.Table.from_pylist([{**row, "recorded_at": recorded_at} for row in rows], schema=_VERSION_SCHEMA),
    )
    return "exported_versions"


def files_fingerprint(name: str) -> Callable[[PlatformState], str]:
    """Names, sizes and times of the files that an export reads: each is replaced whole, by rename."""

    def fingerprint(state: PlatformState) -> str:
        files = [*_files(state, name), *sorted((state.artifact_root / BACKTESTS).glob("*.parquet"))]
        return ";".join(f"{p}:{p.stat().st_size}:{p.stat().st_mtime_ns}" for p in files)

    return fingerprint


def versions_fingerprint(state: PlatformState) -> str:
    """The receipts of training and promotion, and the day: ages grow with it."""
    receipts = sorted(state.artifact_root.glob("*.json")) if state.artifact_root.exists() else []
    return dt.datetime.now(dt.UTC).date().isoformat() + "".join(path.read_text() for path in receipts)


def newest_by_week(connection: duckdb.DuckDBPyConnection, files: Iterable[Path], column: str) -> list[Path]:
    """Of the files of several releases for one week the newest release's, in order of the week."""
    newest: dict[int, Path] = {}
    for path in sorted(files, key=lambda p: p.parent.name):
        latest = connection.execute(f"SELECT max({column}) FROM read_parquet({literal(path)})").fetchone()
        if latest is not None and latest[0] is not None:
            newest[int(latest[0])] = path
    return [newest[week] for week in sorted(newest)]


def _files(state: PlatformState, name: str) -> list[Path]:
    """Files of that name of every release, oldest release first."""
    return sorted(state.forecasts.glob(f"*/{name}"), key=lambda p: p.parent.name)


def _read(files: list[Path]) -> str:
    paths = ", ".join(literal(path) for path in files)
    return f"read_parquet([{paths}], union_by_name = true)"


def _live(connection: duckdb.DuckDBPyConnection, path: Path) -> str:
    """Forecasts of one release; in older files, which lack the flag, a baseline is known by its method."""
    described = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({literal(path)})").fetchall()
    has_flag = "is_fallback" in {row[0] for row in described}
    fallback = "is_fallback" if has_flag else "method = 'moving_average'"
    return f"""SELECT model_name, model_version, false AS is_backtest, tier, location_id, item,
        origin_week::INTEGER AS origin_week, week::INTEGER AS week, week_ending::DATE AS week_ending,
        horizon::INTEGER AS horizon_weeks, department, category, {_units()}, method,
        {fallback} AS is_fallback, nullif(fallback_reason, '') AS fallback_reason, release_id,
        false AS is_simulated FROM read_parquet({literal(path)})"""


def _backtest(path: Path) -> str:
    return f"""SELECT model_name, model_version, true AS is_backtest, tier, location_id, item,
        origin_week::INTEGER AS origin_week, week::INTEGER AS week, week_ending::DATE AS week_ending,
        horizon::INTEGER AS horizon_weeks, department, category, {_units()}, 'model' AS method,
        false AS is_fallback, NULL AS fallback_reason, release_id, false AS is_simulated
        FROM read_parquet({literal(path)})"""


def _units() -> str:
    """Quantiles, NULL for the rest of a category, and the mean."""
    columns = [f"CASE WHEN NOT isnan({name}) THEN {name}::DOUBLE END AS {name}" for name in QUANTILES]
    return ", ".join([*columns, "mean::DOUBLE AS mean_units"])


def _naive_utc(moment: dt.datetime | None) -> dt.datetime | None:
    return None if moment is None else moment.astimezone(dt.UTC).replace(tzinfo=None)


_ARROW = {
    "VARCHAR": pa.string(), "DOUBLE": pa.float64(), "INTEGER": pa.int32(), "BOOLEAN": pa.bool_(),
    "TIMESTAMP": pa.timestamp("us"), "DATE": pa.date32(),
}  # fmt: skip
_VERSION_SCHEMA = pa.schema(
    [pa.field(c.name, _ARROW[c.physical_type]) for c in contract("model_versions").columns]
    + [pa.field("is_simulated", pa.bool_())]
)
