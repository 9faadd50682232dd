"""A batch for every table that Steelyard writes itself, empty where nothing is recorded yet.

So every build finds their columns. `integrations.platform` fills them; ingest sees that they are there.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb

from integrations.contracts import Contract, platform_contracts
from integrations.ingest.landing import EMPTY, write_empty
from integrations.ingest.load_batch import Door


def ensure_platform(landing: Path) -> None:
    """A batch of the present contract for every platform table; to be called by the landing's writer.

    A batch of an older contract goes: what it held is recorded elsewhere, and the next export brings it
    again.
    """
    present = {table: _present(landing, terms) for table, terms in platform_contracts().items()}
    missing = [platform_contracts()[table] for table, found in present.items() if not found]
    if missing:
        workspace = landing / "_work"
        workspace.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as connection:
            door = Door(connection, landing, landing, workspace, tolerance=0.0)
            for terms in missing:
                write_empty(door, terms, platform_batch_id(terms, EMPTY))
        shutil.rmtree(workspace, ignore_errors=True)
    for table, terms in platform_contracts().items():
        keep_batches(landing, terms, present[table] or [platform_batch_id(terms, EMPTY)])


def _present(landing: Path, terms: Contract) -> list[str]:
    found = (landing / terms.table).glob(f"batch={platform_batch_id(terms, '*')}")
    return [path.name.removeprefix("batch=") for path in found]


def platform_batch_id(terms: Contract, content: str) -> str:
    """Batches of platform tables are named by contract and content."""
    return f"{terms.fingerprint[:8]}-{content}"


def keep_batches(landing: Path, terms: Contract, kept: list[str]) -> None:
    """Remove every batch of the table but `kept`."""
    for folder in (landing / terms.table).glob("batch=*"):
        if folder.name.removeprefix("batch=") not in kept:
            shutil.rmtree(folder)
