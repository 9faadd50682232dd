"""One ingest: every batch of a source becomes a landed batch, or a clear error and nothing."""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
import time
from collections.abc import Callable
from functools import partial
from itertools import chain, islice
from pathlib import Path

import duckdb

from governance.disk import raise_on_disk_full
from governance.progress import Progress, silent
from integrations.contracts import Contract, contract, contracts
from integrations.errors import PseudonymsMissingError, SourceConflictError
from integrations.ingest.context import IngestContext, open_connection
from integrations.ingest.former_names import bring_forward
from integrations.ingest.landing import EMPTY, fill_empty, forget, only_writer, sweep
from integrations.ingest.platform_tables import ensure_platform
from integrations.ingest.quarantine import erase_rows
from integrations.ingest.readers import load
from integrations.ingest.references import unknown_keys
from integrations.ingest.report import IngestReport, TableReport
from integrations.ingest.rewrite import adopt_pseudonyms
from integrations.ingest.state import LandedBatch, LandingState, batch_folder
from integrations.pseudonyms import PseudonymTable, person_tables
from integrations.sources.base import Source, SourceBatch


def ingest(
    source: Source,
    landing: Path,
    quarantine: Path,
    *,
    progress: Progress = silent,
    tolerance: float = 0.01,
    memory_limit: str = "1500MB",
    threads: int = 2,
    as_of: dt.date | None = None,
    pseudonyms_folder: Path | None = None,
) -> IngestReport:
    """Load a source into the landing; the same content twice changes nothing.

    `tolerance` is the share of bad rows a batch may have. `as_of` is the day after which a recorded event
    is in the future (today by default). `pseudonyms_folder` is that of the customers' pseudonyms, beside the
    landing by default. Raises IntegrationError or DiskFullError; batches landed before it stay.
    """
    started = time.monotonic()
    with raise_on_disk_full("ingest"):
        landing.mkdir(parents=True, exist_ok=True)
    with raise_on_disk_full("ingest"), only_writer(landing):
        connect = partial(
            open_connection, landing / "_work", memory_limit=memory_limit, threads=threads, as_of=as_of
        )
        report = _ingest(
            source,
            landing,
            quarantine,
            pseudonyms_folder=pseudonyms_folder or landing.parent / "people",
            connect=connect,
            progress=progress,
            tolerance=tolerance,
        )
    report.seconds = time.monotonic() - started
    return report


def _ingest(
    source: Source,
    landing: Path,
    quarantine: Path,
    *,
    pseudonyms_folder: Path,
    connect: Callable[[], duckdb.DuckDBPyConnection],
    progress: Progress,
    tolerance: float,
) -> IngestReport:
    state = LandingState.read(landing)
    _check_owner(state, source, landing)
    ensure_platform(landing)
    fingerprint = _fingerprint(source)
    pseudonyms = _pseudonyms(pseudonyms_folder, state)
    if fingerprint and fingerprint == state.fingerprint and state.has_pseudonyms:
        return _unchanged(source, state)

    workspace = landing / "_work"
    shutil.rmtree(workspace, ignore_errors=True)
    workspace.mkdir()
    connection = connect()
    context = IngestContext(
        connection,
        landing,
        quarantine,
        workspace,
        tolerance,
        pseudonyms,
        are_published=source.replaces_itself,
    )
    report = IngestReport(source.name, changed=True)
    try:
        source_batches = source.batches(connection, workspace, progress)
        first = list(islice(source_batches, 1))  # what cannot be read at all leaves the landing as it was
        state = _begin(state, source, context)
        bring_forward(connection, landing)
        current: set[tuple[str, str]] = set()
        for source_batch in chain(first, source_batches):
            batch = _load(context, source, source_batch, state=state, report=report, progress=progress)
            current.add((batch.table, batch.batch_id))
        if source.replaces_itself:
            state = forget(state, landing, current)
        fill_empty(context, state)
        for table in report.tables.values():
            table.warnings.extend(unknown_keys(connection, landing, table.table, table.batches_added))
        _empty_rejects_of_erased(pseudonyms, quarantine)
        state.fingerprint, state.is_complete = fingerprint, True
    finally:
        connection.close()
        shutil.rmtree(workspace, ignore_errors=True)  # first of all: it may be what fills the disk
        state.write(landing)
    return report


def _pseudonyms(folder: Path, state: LandingState) -> PseudonymTable:
    """The table of the customers that were landed. Raises PseudonymsMissingError if it is gone."""
    is_needed = (
        state.has_pseudonyms and not state.is_demo and any(b.table in person_tables() for b in state.batches)
    )
    if is_needed and not PseudonymTable.exists(folder):
        raise PseudonymsMissingError(
            f"{folder} is gone: customers who are landed already would get new pseudonyms, and count twice.",
            hint="Put it back from a backup with secrets. To begin anew, remove the landing, too.",
        )
    return PseudonymTable.open(folder)


def _empty_rejects_of_erased(pseudonyms: PseudonymTable, quarantine: Path) -> None:
    """A new export may hold broken rows of somebody who was erased: they are not kept."""
    digests = {erasure.digest for erasure in pseudonyms.erasures()}
    if digests:
        erase_rows(quarantine, lambda field: pseudonyms.digest(field) in digests)


def _begin(state: LandingState, source: Source, context: IngestContext) -> LandingState:
    """The landing without leftovers, marked incomplete before the first batch: a kill leaves it so."""
    landing = context.landing
    sweep(state, landing)
    if state.is_demo and not source.replaces_itself:
        state = forget(state, landing, set())
    state.source, state.is_demo, state.fingerprint = source.name, source.replaces_itself, ""
    state.is_complete = False
    state.write(landing)
    if not state.has_pseudonyms and context.pseudonyms is not None:
        adopt_pseudonyms(context.connection, landing, context.pseudonyms, published=state.is_demo)
        state.has_pseudonyms = True
        state.write(landing)
    return state


def _load(
    context: IngestContext,
    source: Source,
    source_batch: SourceBatch,
    *,
    state: LandingState,
    report: IngestReport,
    progress: Progress,
) -> LandedBatch:
    table_contract = contract(source_batch.table)
    table = report.tables.setdefault(source_batch.table, TableReport(source_batch.table))
    batch_id = _batch_id(table_contract, source_batch)
    landed = state.find(source_batch.table, batch_id)
    if landed is not None:
        table.batches_known += 1
        return landed
    batch = load(
        context,
        table_contract,
        source_batch,
        batch_id=batch_id,
        sequence=_sequence(source, state),
        simulated=source.is_simulated,
    )
    state.batches.append(batch)
    state.write(context.landing)
    shutil.rmtree(batch_folder(context.landing, source_batch.table, EMPTY), ignore_errors=True)
    table.rows_in += batch.rows_in
    table.rows_loaded += batch.rows_loaded
    table.rows_quarantined += batch.rows_quarantined
    table.batches_added.append(batch_id)
    table.warnings.extend(batch.warnings)
    progress(f"{source_batch.table}: {batch.rows_loaded:,} rows")
    return batch


def _batch_id(contract: Contract, source_batch: SourceBatch) -> str:
    """Content and contract: the same file under changed rules is a new batch."""
    return "b" + hashlib.sha256(f"{contract.fingerprint}:{source_batch.content_id}".encode()).hexdigest()[:15]


def _sequence(source: Source, state: LandingState) -> int:
    """Rising by batch; 1 throughout for a source that replaces itself, so that its bytes repeat."""
    return 1 if source.replaces_itself else state.next_sequence()


def _fingerprint(source: Source) -> str:
    """Source and contracts in one hash; empty if the source cannot say."""
    mark = source.fingerprint()
    if mark is None:
        return ""
    rules = ",".join(c.fingerprint for c in contracts().values())
    return hashlib.sha256(f"{source.name}:{mark}:{rules}".encode()).hexdigest()


def _check_owner(state: LandingState, source: Source, landing: Path) -> None:
    """The demo never overwrites a retailer's data; a retailer's data replaces the demo."""
    if source.replaces_itself and state.source and not state.is_demo and state.batches:
        raise SourceConflictError(
            f"{landing} holds the data of '{state.source}'; the demo would be mixed into it.",
            hint=f"To go on with it: STEELYARD_SOURCE='{state.source}'. The demo wants a folder of its own: "
            "STEELYARD_VAR_DIR.",
        )


def _unchanged(source: Source, state: LandingState) -> IngestReport:
    report = IngestReport(source.name, changed=False)
    for batch in state.batches:
        table = report.tables.setdefault(batch.table, TableReport(batch.table))
        table.batches_known += 1
    return report
