"""Maintenance of the landing: one writer at a time, no folder without a state, no table without a file."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from governance.disk import remove_stale_temp_files
from integrations.contracts import Contract, contracts
from integrations.errors import LandingBusyError
from integrations.ingest.context import IngestContext
from integrations.ingest.load_batch import move_into_landing
from integrations.ingest.state import LandingState, batch_folder
from semantic.sql.quoting import literal

EMPTY = "empty"


@contextmanager
def only_writer(landing: Path) -> Iterator[None]:
    """Hold the landing's lock; the system frees it when the process ends. Raises LandingBusyError."""
    with (landing / "_lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise LandingBusyError(
                f"Another ingest is writing to {landing}.", hint="Wait for it to end, then run again."
            ) from error
        yield


def sweep(state: LandingState, landing: Path) -> None:
    """Remove what killed runs left: batch folders that no state knows (they will be landed again), the empty
    batch of a table that has others, and halves of the state file."""
    remove_stale_temp_files(landing)
    names = {(b.table, f"batch={b.batch_id}") for b in state.batches}
    filled = {b.table for b in state.batches}
    for table in contracts():
        for folder in (landing / table).glob("batch=*"):
            is_needed = (
                table not in filled if folder.name == f"batch={EMPTY}" else (table, folder.name) in names
            )
            if not is_needed:
                shutil.rmtree(folder)


def forget(state: LandingState, landing: Path, current: set[tuple[str, str]]) -> LandingState:
    """Remove the batches that are not `current`, from state and landing."""
    remaining = [b for b in state.batches if (b.table, b.batch_id) in current]
    shorter = replace(state, batches=remaining, is_complete=False)
    sweep(shorter, landing)
    return shorter


def fill_empty(context: IngestContext, state: LandingState) -> None:
    """A table without data still exists, empty, so that every reader finds its columns."""
    filled = {b.table for b in state.batches}
    for table, contract in contracts().items():
        target = batch_folder(context.landing, table, EMPTY)
        if table in filled or (target / "part-0.parquet").exists():
            continue
        write_empty(context, contract, EMPTY)


def write_empty(context: IngestContext, contract: Contract, batch_id: str) -> None:
    """A batch with the columns of the contract and no row, put in place by one rename."""
    columns = ", ".join(f"NULL::{c.physical_type} AS {c.name}" for c in contract.columns)
    scratch = context.workspace / f"{contract.table}-{batch_id}"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    context.connection.execute(
        f"COPY (SELECT {columns}, false AS is_simulated, 0::INTEGER AS batch_sequence LIMIT 0) "
        f"TO {literal(scratch / 'part-0.parquet')} (FORMAT parquet)"
    )
    move_into_landing(scratch, batch_folder(context.landing, contract.table, batch_id))
