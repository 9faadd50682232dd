"""Landed batches written anew without some of what they hold; whole after a kill at any moment.

A batch keeps its id, which is that of the file it came from: the same file again is known, and brings nothing
back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from integrations.contracts import Column
from integrations.ingest.batch_seal import SEAL, sha256_of, write_seal
from integrations.pseudonyms import PseudonymTable, Treatment, person_tables, treatment
from semantic.sql.quoting import identifier, literal

PARQUET = "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 122880)"
_NEXT_SEAL = "_sha256.next.json"


@dataclass(frozen=True)
class RowChange:
    """`touched` is a predicate of the rows that change; `select` the rows as they are to be, with `{rows}`
    after FROM."""

    touched: str
    select: str


def without_customer(table: str, column: Column, touched: str) -> RowChange:
    """Rows of the books without the customer that they name; other rows gone."""
    touched = f"coalesce({touched}, false)"
    if treatment(table) is Treatment.REMOVE:
        return RowChange(touched, f"SELECT * FROM {{rows}} WHERE NOT {touched}")
    name = identifier(column.name)
    value = f"CASE WHEN {touched} THEN NULL ELSE {name} END"
    return RowChange(touched, f"SELECT * REPLACE ({value} AS {name}) FROM {{rows}}")


def rewrite_landing(
    con: duckdb.DuckDBPyConnection, landing: Path, change: Callable[[str, Column], RowChange | None]
) -> dict[str, int]:
    """Apply a change to every batch of every table that names customers; rows touched, by table.

    The caller is the landing's only writer.
    """
    counts: dict[str, int] = {}
    for table, column in person_tables().items():
        row_change = change(table, column)
        if row_change is None:
            continue
        for folder in sorted((landing / table).glob("batch=*")):
            counts[table] = counts.get(table, 0) + _rewrite_batch(con, folder, row_change)
    return {table: count for table, count in counts.items() if count}


def touched_rows(
    con: duckdb.DuckDBPyConnection, landing: Path, change: Callable[[str, Column], RowChange | None]
) -> dict[str, int]:
    """What `rewrite_landing` would touch, by table; nothing is written."""
    counts = {}
    for table, column in person_tables().items():
        row_change = change(table, column)
        if row_change is not None:
            counts[table] = sum(
                _count(con, part, row_change) for part in (landing / table).glob("*/*.parquet")
            )
    return {table: count for table, count in counts.items() if count}


def adopt_pseudonyms(
    con: duckdb.DuckDBPyConnection, landing: Path, table: PseudonymTable, *, published: bool
) -> None:
    """Give pseudonyms to the customers of a landing that holds their keys as they came."""

    def change(name: str, column: Column) -> RowChange | None:
        files = sorted((landing / name).glob("*/*.parquet"))
        if not files:
            return None
        key = identifier(column.name)
        rows = con.execute(f"SELECT DISTINCT {key} FROM read_parquet({_list(files)}) WHERE {key} IS NOT NULL")
        assigned = table.assign((str(row[0]) for row in rows.fetchall()), published=published)
        con.execute("CREATE OR REPLACE TEMP TABLE _adopted (raw VARCHAR PRIMARY KEY, pseudonym VARCHAR)")
        if assigned:
            con.executemany("INSERT INTO _adopted VALUES (?, ?)", list(assigned.items()))
        select = (
            f"SELECT named.* REPLACE (adopted.pseudonym AS {key}) FROM {{rows}} AS named "
            f"LEFT JOIN _adopted AS adopted ON adopted.raw = named.{key}"
        )
        return RowChange(f"{key} IS NOT NULL AND {key} IN (SELECT raw FROM _adopted)", select)

    rewrite_landing(con, landing, change)


def _rewrite_batch(con: duckdb.DuckDBPyConnection, folder: Path, change: RowChange) -> int:
    _finish(folder)
    parts = sorted(folder.glob("*.parquet"))
    counts = {part: _count(con, part, change) for part in parts}
    if not any(counts.values()):
        return 0
    fresh = {part: part.with_name(f".{part.name}.next") for part in parts}
    for part, target in fresh.items():
        select = change.select.format(rows=f"read_parquet({literal(part)}, hive_partitioning = false)")
        con.execute(f"COPY ({select}) TO {literal(target)} {PARQUET}")
    write_seal(folder / _NEXT_SEAL, {part.name: sha256_of(target) for part, target in fresh.items()})
    _finish(folder)
    return sum(counts.values())


def _finish(folder: Path) -> None:
    """What a kill left half done: new files take their place if all are written and sealed, else they go."""
    next_seal = folder / _NEXT_SEAL
    for fresh in folder.glob(".*.next"):
        if next_seal.exists():
            fresh.replace(folder / fresh.name.removeprefix(".").removesuffix(".next"))
        else:
            fresh.unlink()
    if next_seal.exists():
        next_seal.replace(folder / SEAL)


def _count(con: duckdb.DuckDBPyConnection, part: Path, change: RowChange) -> int:
    sql = f"SELECT count(*) FROM read_parquet({literal(part)}) WHERE {change.touched}"
    return int(con.execute(sql).fetchall()[0][0])


def _list(files: Iterable[Path]) -> str:
    return "[" + ", ".join(literal(file) for file in files) + "]"
