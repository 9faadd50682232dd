"""What the definitions of a release say of its data, checked against it before the release is sealed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb

from governance.policy.tagged_catalog import TaggedCatalog
from governance.policy.tags import Tags
from governance.releases.errors import ReleaseBuildFailedError
from governance.releases.layout import WAREHOUSE
from semantic import SemanticLayer, UsedName, check_next_snapshots, check_rollups, find_duplicate_keys
from semantic.definitions.duplicate_keys import DuplicateKey, write_duplicate_keys
from semantic.errors import ManifestError
from semantic.sql.quoting import literal


def check_definitions_against_data(folder: Path) -> None:
    """If a rollup differs from its fact, or a snapshot from its next counts, there is no release.

    Keys of joins that are not unique are written beside the definitions: the release refuses those joins.
    Raises ReleaseBuildFailedError naming the rollup or model. Reused tables are checked like fresh ones.
    """
    try:
        layer = SemanticLayer.from_manifest(folder / "semantic_manifest.json")
        with duckdb.connect(str(folder / WAREHOUSE), read_only=True) as connection:
            _use_time_zone(connection, layer.catalog.time_zone)
            check_rollups(layer.catalog, connection)
            check_next_snapshots(layer.catalog, connection)
            duplicates = find_duplicate_keys(layer.catalog, connection)
    except ManifestError as error:
        raise ReleaseBuildFailedError(error.message, hint=error.hint) from error
    tags = TaggedCatalog.from_manifest(folder / "semantic_manifest.json")
    write_duplicate_keys(folder, (_sayable(duplicate, tags) for duplicate in duplicates))


def _sayable(duplicate: DuplicateKey, tags: TaggedCatalog) -> DuplicateKey:
    """Without its value if the key has any tag or belongs to a household: the count is all that is said."""
    entity = UsedName("entity", duplicate.entity, duplicate.model)
    if tags.is_personal(entity) or tags.tags_of(entity) != Tags():
        return replace(duplicate, first=None, rows=0)
    return duplicate


def _use_time_zone(connection: duckdb.DuckDBPyConnection, time_zone: str) -> None:
    """Check as the served release answers. Raises ManifestError if there is no such zone."""
    try:
        connection.execute(f"SET TimeZone = {literal(time_zone)}")
    except duckdb.Error as error:
        raise ManifestError(
            f"The time zone {time_zone!r:.80} is not known.",
            hint="Write the name of a zone in `meta.steelyard.time_zone`, such as Europe/Berlin.",
        ) from error
