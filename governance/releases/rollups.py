"""Rollups of a release under construction, held against their facts before it is sealed."""

from __future__ import annotations

from pathlib import Path

import duckdb

from governance.releases.errors import ReleaseBuildFailed
from governance.releases.layout import WAREHOUSE
from semantic import SemanticLayer, check_rollups
from semantic.errors import RollupError


def hold_rollups_against_facts(folder: Path) -> None:
    """A rollup answers in its fact's place, so one that differs from it makes no release.

    Raises ReleaseBuildFailed naming the rollup. Taken-over tables are checked like fresh ones.
    """
    try:
        layer = SemanticLayer.from_manifest(folder / "semantic_manifest.json")
        with duckdb.connect(str(folder / WAREHOUSE), read_only=True) as connection:
            check_rollups(layer.catalog, connection)
    except RollupError as error:
        raise ReleaseBuildFailed(error.message, hint=error.hint) from error
