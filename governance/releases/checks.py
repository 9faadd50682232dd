"""What the definitions of a release say of its data, checked against it before the release is sealed."""

from __future__ import annotations

from pathlib import Path

import duckdb

from governance.releases.errors import ReleaseBuildFailedError
from governance.releases.layout import WAREHOUSE
from semantic import SemanticLayer, check_next_snapshots, check_rollups
from semantic.errors import ManifestError
from semantic.sql.quoting import literal


def check_definitions_against_data(folder: Path) -> None:
    """If a rollup differs from its fact, or a snapshot from its next counts, there is no release.

    Raises ReleaseBuildFailedError naming the rollup or model. Reused tables are checked like fresh ones.
    """
    try:
        layer = SemanticLayer.from_manifest(folder / "semantic_manifest.json")
        with duckdb.connect(str(folder / WAREHOUSE), read_only=True) as connection:
            _use_time_zone(connection, layer.catalog.time_zone)
            check_rollups(layer.catalog, connection)
            check_next_snapshots(layer.catalog, connection)
    except ManifestError as error:
        raise ReleaseBuildFailedError(error.message, hint=error.hint) from error


def _use_time_zone(connection: duckdb.DuckDBPyConnection, time_zone: str) -> None:
    """Check as the served release answers. Raises ManifestError if there is no such zone."""
    try:
        connection.execute(f"SET TimeZone = {literal(time_zone)}")
    except duckdb.Error as error:
        raise ManifestError(
            f"The time zone {time_zone!r:.80} is not known.",
            hint="Write the name of a zone in `meta.steelyard.time_zone`, such as Europe/Berlin.",
        ) from error
