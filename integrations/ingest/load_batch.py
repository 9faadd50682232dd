"""One source batch into one landed batch: typed rows to landing, the rest to quarantine, counted.

A batch is written beside the landing and renamed into it; it is there whole or not at all.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb

from integrations.contracts import Contract
from integrations.errors import ReconciliationError, TooManyBadRows
from integrations.ingest.checks import Check, contract_checks, typed
from integrations.ingest.context import IngestContext
from integrations.ingest.state import LandedBatch, batch_folder
from semantic.sql.quoting import identifier, literal

PARQUET = "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 122880)"


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

    With `only_if_clean`, None if a row would be quarantined. Raises TooManyBadRows or ReconciliationError;
    then the landing is as it was.
    """
    con = context.connection
    described = con.execute(
        f"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {relation})"
    ).fetchall()
    types: dict[str, str] = dict(described)
    checks = contract_checks(contract, types, types)
    good = _typed_select(contract, relation, types, sequence, simulated)
    bad = _any(checks)

    scratch = context.workspace / f"{contract.table}-{batch_id}"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    part, rejects = scratch / "part-0.parquet", scratch / "rejects.csv"
    (rows_in,) = _one(con, f"SELECT count(*) FROM {relation}")
    _copy(con, f"{good} WHERE NOT ({bad})", part)
    (loaded,) = _one(con, f"SELECT count(*) FROM read_parquet({literal(part)})")
    duplicates = _duplicate_keys(con, contract, part)
    warnings: list[str] = []
    if duplicates and contract.duplicate_keys == "warning":
        warnings.append(
            f"{duplicates:,} keys ({', '.join(contract.key)}) occur more than once; all rows are kept"
        )
        duplicates = 0
    if only_if_clean and (duplicates or loaded != rows_in):
        return None
    if duplicates:
        last = _last_of_key(contract, types)
        _copy(con, f"{good} WHERE NOT ({bad}) {last}", part)
        (loaded,) = _one(con, f"SELECT count(*) FROM read_parquet({literal(part)})")
    quarantined = 0
    if loaded != rows_in:
        quarantined = _quarantine(
            con, contract, relation, types,
            checks=checks, duplicates=bool(duplicates), label=label, target=rejects,
        )  # fmt: skip
    if rows_in != loaded + quarantined:
        raise ReconciliationError(
            f"{label}: {rows_in:,} rows in, {loaded:,} loaded and {quarantined:,} quarantined do not add up.",
            hint="The batch was not landed.",
        )
    _publish(context, contract.table, batch_id, scratch, quarantined)
    if quarantined > context.tolerance * rows_in:
        raise TooManyBadRows(
            f"{label}: {quarantined:,} of {rows_in:,} rows break the contract of '{contract.table}', "
            f"more than the tolerated {context.tolerance:.1%}.",
            hint=f"See {context.quarantine / contract.table / ('batch=' + batch_id) / 'rejects.csv'}.",
        )
    move_into_landing(scratch, batch_folder(context.landing, contract.table, batch_id))
    return LandedBatch(
        contract.table, batch_id, sequence, rows_in, loaded, quarantined, label, tuple(warnings)
    )


def move_into_landing(folder: Path, target: Path) -> None:
    """A batch put in place by one rename; one of the same id that was there goes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    folder.replace(target)


def _any(checks: list[Check]) -> str:
    return " OR ".join(r.predicate for r in checks) or "false"


def _typed_select(
    contract: Contract, relation: str, types: dict[str, str], sequence: int, simulated: bool
) -> str:
    columns = ", ".join(f"{typed(c, types, types)} AS {identifier(c.name)}" for c in contract.columns)
    flag = (
        "coalesce(CAST(is_simulated AS BOOLEAN), false)"
        if "is_simulated" in types
        else str(simulated).lower()
    )
    return f"SELECT {columns}, {flag} AS is_simulated, {sequence}::INTEGER AS batch_sequence FROM {relation}"


def _last_of_key(contract: Contract, types: dict[str, str]) -> str:
    key = ", ".join(typed(contract.column(k), types, types) for k in contract.key)
    return f"QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY _line DESC) = 1"


def _duplicate_keys(con: duckdb.DuckDBPyConnection, contract: Contract, part: Path) -> int:
    """Keys that occur more than once, found by a 64-bit hash of the key (small in memory)."""
    key = ", ".join(identifier(k) for k in contract.key)
    (count,) = _one(
        con,
        f"SELECT count(*) FROM (SELECT hash({key}) h FROM read_parquet({literal(part)}) "
        "GROUP BY h HAVING count(*) > 1)",
    )
    return int(count)


def _quarantine(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    relation: str,
    types: dict[str, str],
    *,
    checks: list[Check],
    duplicates: bool,
    label: str,
    target: Path,
) -> int:
    """Write the rows that break a rule, each with the first rule it breaks. Returns how many."""
    bad = _any(checks)
    arms = " ".join(
        f"WHEN {r.predicate} THEN {{'c': {literal(r.column)}, 'r': {literal(r.name)}}}" for r in checks
    )
    fields = ", ".join(
        f"{identifier(c)} := CAST({identifier(c)} AS VARCHAR)" for c in types if not c.startswith("_")
    )
    raw = "_raw" if "_raw" in types else f"CAST(to_json(struct_pack({fields})) AS VARCHAR)"
    shape = '_line, broken.c AS "column", broken.r AS rule, raw_row'
    select = (
        f"SELECT {shape} FROM (SELECT _line, CASE {arms} END AS broken, "
        f"{raw} AS raw_row FROM {relation} WHERE {bad})"
    )
    if duplicates:
        key = literal(", ".join(contract.key))
        last = _last_of_key(contract, types).replace("= 1", "> 1")
        select += (
            f" UNION ALL SELECT _line, {key}, 'duplicate key: a later row of the file wins', "
            f"{raw} FROM (SELECT * FROM {relation} WHERE NOT ({bad}) {last})"
        )
    # One rejected row is one line of the file: control characters of the raw text are written as escapes.
    raw_text = "replace(replace(replace(raw_row, chr(0), '\\0'), chr(13), '\\r'), chr(10), '\\n') AS raw_row"
    con.execute(
        f'COPY (SELECT {literal(label)} AS file, _line AS line, "column", rule, {raw_text} '
        f"FROM ({select}) ORDER BY _line) "
        f"TO {literal(target)} (FORMAT csv, HEADER, FORCE_QUOTE (raw_row))"
    )
    (count,) = _one(
        con, f"SELECT count(*) FROM read_csv({literal(target)}, all_varchar = true, header = true)"
    )
    return int(count)


def _publish(context: IngestContext, table: str, batch_id: str, scratch: Path, quarantined: int) -> None:
    """Move the rejects of a batch to their place (also for a batch that is then refused)."""
    folder = context.quarantine / table / f"batch={batch_id}"
    shutil.rmtree(folder, ignore_errors=True)
    if quarantined:
        folder.mkdir(parents=True)
        (scratch / "rejects.csv").replace(folder / "rejects.csv")


def _copy(con: duckdb.DuckDBPyConnection, select: str, target: Path) -> None:
    con.execute(f"COPY ({select}) TO {literal(target)} {PARQUET}")


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[int, ...]:
    return tuple(con.execute(sql).fetchall()[0])
