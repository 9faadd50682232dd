"""Write the synthetic retailer: reference tables, sales, and a small conserved ledger of the best sellers."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb

from governance.progress import Progress, silent
from integrations.contracts import contracts
from integrations.synthetic.ledger import BUILD, LEDGER
from integrations.synthetic.reference import MACROS, REFERENCE
from integrations.synthetic.sales import SALES
from semantic.sql.quoting import literal


@dataclass(frozen=True)
class Size:
    """How large. `ledger_products` is the number of best sellers per store that have stock by day."""

    stores: int = 40
    products: int = 5_000
    weeks: int = 52
    sales_lines: int = 1_000_000
    customers: int = 20_000
    ledger_products: int = 50
    seed: int = 1
    first_day: dt.date = dt.date(2025, 1, 6)  # a Monday


def write_retailer(
    folder: Path,
    size: Size,
    *,
    form: Literal["parquet", "csv"] = "parquet",
    memory_limit: str = "2GB",
    threads: int = 2,
    progress: Progress = silent,
) -> None:
    """One file per contract table in a folder per table, ready for `ingest`. The same size, the same rows."""
    con = duckdb.connect()
    con.execute("SET enable_progress_bar = false")  # `progress` reports
    con.execute(f"SET memory_limit = {literal(memory_limit)}")
    con.execute(f"SET threads = {threads}")
    folder.mkdir(parents=True, exist_ok=True)
    con.execute(f"SET temp_directory = {literal(folder / '.spill')}")
    for name in ("stores", "products", "weeks", "customers", "ledger_products", "seed", "sales_lines"):
        con.execute(f"SET VARIABLE {name} = {int(getattr(size, name))}")
    con.execute(f"SET VARIABLE first_day = DATE '{size.first_day.isoformat()}'")
    for statement in MACROS:
        con.execute(statement)
    selects = {**REFERENCE, **SALES}
    for table, select in selects.items():
        _write(con, folder, table, select, form)
        progress(table)
    con.execute(f"CREATE VIEW sales AS FROM read_{form}({literal(folder / 'sales_lines' / f'all.{form}')})")
    for statement in BUILD:
        con.execute(statement)
    for table, select in LEDGER.items():
        _write(con, folder, table, select, form)
        progress(table)
    con.close()


def _write(con: duckdb.DuckDBPyConnection, folder: Path, table: str, select: str, form: str) -> None:
    """In contract columns, contract types."""
    (folder / table).mkdir(exist_ok=True)
    contract_columns = contracts()[table].columns
    columns = ", ".join(f"CAST({c.name} AS {c.physical_type}) AS {c.name}" for c in contract_columns)
    options = "(FORMAT csv, HEADER)"
    if form == "parquet":
        options = "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"
    con.execute(
        f"COPY (SELECT {columns}, true AS is_simulated FROM ({select})) "
        f"TO {literal(folder / table / f'all.{form}')} {options}"
    )
