"""Erase customers from everything that was landed: batches, quarantine, and the table of pseudonyms.

In this order, so that a kill at any moment leaves something that the next run finishes: noted, batches,
quarantine, and the pseudonym last, which is what finds the rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from governance.disk import atomic_write
from integrations.contracts import Column
from integrations.ingest.quarantine import erase_rows
from integrations.ingest.rewrite import RowChange, rewrite_landing, without_customer
from integrations.pseudonyms import PseudonymTable
from semantic.sql.quoting import identifier


@dataclass(frozen=True)
class ErasedRows:
    """Customers whose rows were looked for; rows of landed batches that changed, by table; quarantined rows
    that were emptied."""

    customers: int
    landed: dict[str, int]
    quarantined: int


def note_erasure(
    table: PseudonymTable, digests: Iterable[str], *, now: dt.datetime, copy: Path | None
) -> None:
    """From now on these customers are not landed again; `copy` is a list of them that is kept elsewhere."""
    digests = list(digests)
    for digest in digests:
        table.begin_erasure(digest, at=now.astimezone(dt.UTC).isoformat(timespec="seconds"))
    if copy is not None:
        listed = dict.fromkeys([*erasures_in(copy), *(erasure.digest for erasure in table.erasures())])
        copy.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(copy, "".join(f"{digest}\n" for digest in listed))


def erasures_in(copy: Path) -> list[str]:
    """The digests that such a list holds; none if there is no file."""
    return copy.read_text(encoding="utf-8").split() if copy.exists() else []


def apply_erasures(
    con: duckdb.DuckDBPyConnection, table: PseudonymTable, landing: Path, quarantine: Path
) -> ErasedRows:
    """Erase whoever was noted and is landed still. The caller is the landing's only writer.

    Afterwards their pseudonyms are forgotten by `PseudonymTable.finish_erasures`, when no release holds them.
    """
    pending = table.pending()
    con.execute("CREATE OR REPLACE TEMP TABLE _erased (pseudonym VARCHAR)")
    if pending:
        con.executemany("INSERT INTO _erased VALUES (?)", [[erasure.pseudonym] for erasure in pending])

    def change(name: str, column: Column) -> RowChange:
        touched = f"{identifier(column.name)} IN (SELECT pseudonym FROM _erased)"
        return without_customer(name, column, touched)

    landed = rewrite_landing(con, landing, change) if pending else {}
    digests = {erasure.digest for erasure in table.erasures()}
    quarantined = erase_rows(quarantine, lambda field: table.digest(field) in digests) if digests else 0
    return ErasedRows(len(pending), landed, quarantined)
