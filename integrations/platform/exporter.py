"""Where the platform keeps what it records, and what an exporter of it looks like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from governance.store import OpsStore

SOURCE = "steelyard"  # the source system of every platform table


@dataclass(frozen=True)
class PlatformState:
    """Everything an exporter may read. `history` holds the demo's replayed past; None if there is none.

    `forecasts` has a folder a release with the files of scoring; `outcomes` is the file of measured
    decisions. Neither needs to exist.
    """

    store: OpsStore
    history: OpsStore | None
    forecasts: Path
    outcomes: Path
    tracking_uri: str
    artifact_root: Path


Exporter = Callable[[PlatformState, duckdb.DuckDBPyConnection], str | None]
"""SQL that can stand after FROM and yields the columns of the contract; None if nothing is recorded."""

Fingerprint = Callable[[PlatformState], str]
"""Cheap text that changes when the export would: what the pipeline looks at before it exports."""


@dataclass(frozen=True)
class PlatformTable:
    """One table: the name of its contract, how it is exported, and how a change is seen cheaply."""

    name: str
    export: Exporter
    fingerprint: Fingerprint
