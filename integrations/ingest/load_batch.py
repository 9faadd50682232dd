"""One source batch into one landed batch: typed rows to landing, the rest to quarantine, counted.

A batch is written beside the landing and renamed into it; it is there whole or not at all.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb

from integrations.contracts import Contract
from integrations.errors import ReconciliationError, TooManyBadRowsError
from integrations.ingest.batch_seal import seal_batch
from integrations.ingest.checked_relation import CheckedRelation
from integrations.ingest.context import IngestContext
from integrations.ingest.state import LandedBatch, batch_folder
from integrations.pseudonyms import with_pseudonyms
from semantic.sql.quoting import identifier, literal

PARQUET = "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 122880)"
REJECTS = "(FORMAT csv, HEADER, FORCE_QUOTE (raw_row))"


@dataclass(frozen=True)
class _Counts:
    """Rows of a batch, and keys that occur more than once among those that are loaded."""

    rows_in: int
    loaded: int
    repeated_keys: int
    quarantined: int = 0


def load_batch(
    context: IngestContext,
    contract: Contract,
    relation: str,
    *,
    label: str,
    batch_id: str,
    sequence: int,
    simulated: bool,
    only_if_clean: bool = False,
) -> LandedBatch | None:
    """Check, write and rename one batch. `relation` has the raw columns and `_line`.

    With `only_if_clean`, None if a row would be quarantined. Raises TooManyBadRowsError or
    ReconciliationError; then the landing is as it was.
    """
    con = context.connection
    named = with_pseudonyms(con, contract, relation, context.pseudonyms, published=context.are_published)
    rows = CheckedRelation.describe(con, contract, named.relation)
    scratch = _empty_folder(context.workspace / f"{contract.table}-{batch_id}")
    counts, warnings = _write_valid(con, rows, scratch, sequence=sequence, simulated=simulated)
    if counts.repeated_keys or counts.loaded != counts.rows_in:
        if only_if_clean:
            return None
        counts = _quarantine(con, rows, counts, scratch, label=label, sequence=sequence, simulated=simulated)
    if counts.rows_in != counts.loaded + counts.quarantined:
        raise ReconciliationError(
            f"{label}: {counts.rows_in:,} rows in, {counts.loaded:,} loaded and {counts.quarantined:,} "
            "quarantined do not add up.",
            hint="The batch was not landed.",
        )
    if named.left_out:
        warnings = (*warnings, f"{named.left_out:,} rows of erased customers were left out")
    _publish(context, contract.table, batch_id, scratch, counts.quarantined)
    _check_tolerance(context, contract.table, batch_id, label, counts)
    move_into_landing(scratch, batch_folder(context.landing, contract.table, batch_id))
    return LandedBatch(
        contract.table, batch_id, sequence, counts.rows_in, counts.loaded, counts.quarantined, label, warnings
    )


def move_into_landing(folder: Path, target: Path) -> None:
    """A batch sealed and put in place by one rename; one of the same id that was there goes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    seal_batch(folder)
    folder.replace(target)


def _write_valid(
    con: duckdb.DuckDBPyConnection, rows: CheckedRelation, scratch: Path, *, sequence: int, simulated: bool
) -> tuple[_Counts, tuple[str, ...]]:
    """Every row that breaks no rule, whether its key is repeated or not; counts, and warnings.

    If the contract only warns of repeated keys, they count as none.
    """
    contract, part = rows.contract, scratch / "part-0.parquet"
    (rows_in,) = _one(con, f"SELECT count(*) FROM {rows.relation}")
    _copy(con, rows.valid_rows(sequence=sequence, simulated=simulated), part, PARQUET)
    repeated = _repeated_keys(con, contract, part)
    if repeated and contract.duplicate_keys == "warning":
        key = ", ".join(contract.key)
        warning = f"{repeated:,} keys ({key}) occur more than once; all rows are kept"
        return _Counts(rows_in, _rows_of(con, part), 0), (warning,)
    return _Counts(rows_in, _rows_of(con, part), repeated), ()


def _quarantine(
    con: duckdb.DuckDBPyConnection,
    rows: CheckedRelation,
    counts: _Counts,
    scratch: Path,
    *,
    label: str,
    sequence: int,
    simulated: bool,
) -> _Counts:
    """Write the rejected rows, and without them the loaded ones if keys are repeated."""
    part, rejects = scratch / "part-0.parquet", scratch / "rejects.csv"
    has_duplicates, loaded = counts.repeated_keys > 0, counts.loaded
    if has_duplicates:
        unique = rows.valid_rows(sequence=sequence, simulated=simulated, last_of_key=True)
        _copy(con, unique, part, PARQUET)
        loaded = _rows_of(con, part)
    quarantined = 0
    if loaded != counts.rows_in:
        _copy(con, rows.rejected_rows(label, duplicates=has_duplicates), rejects, REJECTS)
        (quarantined,) = _one(
            con, f"SELECT count(*) FROM read_csv({literal(rejects)}, all_varchar = true, header = true)"
        )
    return _Counts(counts.rows_in, loaded, counts.repeated_keys, quarantined)


def _repeated_keys(con: duckdb.DuckDBPyConnection, contract: Contract, part: Path) -> int:
    """Keys that occur more than once, by a 64-bit hash of the key (small in memory)."""
    key = ", ".join(identifier(name) for name in contract.key)
    (count,) = _one(
        con,
        f"SELECT count(*) FROM (SELECT hash({key}) h FROM read_parquet({literal(part)}) "
        "GROUP BY h HAVING count(*) > 1)",
    )
    return count


def _check_tolerance(context: IngestContext, table: str, batch_id: str, label: str, counts: _Counts) -> None:
    if counts.quarantined <= context.tolerance * counts.rows_in:
        return
    raise TooManyBadRowsError(
        f"{label}: {counts.quarantined:,} of {counts.rows_in:,} rows break the contract of '{table}', "
        f"more than the tolerated {context.tolerance:.1%}.",
        hint=f"See {context.quarantine / table / ('batch=' + batch_id) / 'rejects.csv'}.",
    )


def _publish(context: IngestContext, table: str, batch_id: str, scratch: Path, quarantined: int) -> None:
    """Move the rejects of a batch to their place (also for a batch that is then refused)."""
    folder = context.quarantine / table / f"batch={batch_id}"
    shutil.rmtree(folder, ignore_errors=True)
    if quarantined:
        folder.mkdir(parents=True)
        (scratch / "rejects.csv").replace(folder / "rejects.csv")


def _empty_folder(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _copy(con: duckdb.DuckDBPyConnection, select: str, target: Path, options: str) -> None:
    con.execute(f"COPY ({select}) TO {literal(target)} {options}")


def _rows_of(con: duckdb.DuckDBPyConnection, part: Path) -> int:
    (count,) = _one(con, f"SELECT count(*) FROM read_parquet({literal(part)})")
    return count


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[int, ...]:
    return tuple(con.execute(sql).fetchall()[0])
