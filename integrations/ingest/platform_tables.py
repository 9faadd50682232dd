"""A batch for every table that Steelyard writes itself, empty if nothing is recorded yet.

So every build finds their columns. `integrations.platform` fills them; ingest sees that they are there.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb

from integrations.contracts import Contract, platform_contracts
from integrations.ingest.context import IngestContext
from integrations.ingest.landing import EMPTY, write_empty


def ensure_platform(landing: Path) -> None:
    """A batch of the present contract for every platform table; to be called by the landing's writer.

    A batch of an older contract goes: what it held is recorded elsewhere, and the next export brings it
    again.
    """
    present = {table: _present(landing, contract) for table, contract in platform_contracts().items()}
    missing = [platform_contracts()[table] for table, batches in present.items() if not batches]
    if missing:
        workspace = landing / "_work"
        workspace.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as connection:
            context = IngestContext(connection, landing, landing, workspace, tolerance=0.0)
            for contract in missing:
                write_empty(context, contract, platform_batch_id(contract, EMPTY))
        shutil.rmtree(workspace, ignore_errors=True)
    for table, contract in platform_contracts().items():
        keep_batches(landing, contract, present[table] or [platform_batch_id(contract, EMPTY)])


def _present(landing: Path, contract: Contract) -> list[str]:
    batches = (landing / contract.table).glob(f"batch={platform_batch_id(contract, '*')}")
    return [path.name.removeprefix("batch=") for path in batches]


def platform_batch_id(contract: Contract, content: str) -> str:
    """Batches of platform tables are named by contract and content."""
    return f"{contract.fingerprint[:8]}-{content}"


def keep_batches(landing: Path, contract: Contract, current: list[str]) -> None:
    """Remove every batch of the table but `current`."""
    for folder in (landing / contract.table).glob("batch=*"):
        if folder.name.removeprefix("batch=") not in current:
            shutil.rmtree(folder)
