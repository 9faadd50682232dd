"""Rows about to be landed, with pseudonyms in the place of raw keys."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pyarrow as pa

from integrations.contracts import Contract
from integrations.pseudonyms.columns import ERASED, Treatment, person_column, treatment
from integrations.pseudonyms.table import PseudonymTable
from semantic.sql.quoting import identifier, literal

_ASSIGNED = "_assigned_pseudonyms"
_COLUMNS = ("raw", "pseudonym")


@dataclass(frozen=True)
class WithPseudonyms:
    """`relation` is SQL after FROM, as before. `left_out` counts rows of erased customers that it lacks."""

    relation: str
    left_out: int = 0


def with_pseudonyms(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    relation: str,
    table: PseudonymTable | None,
    *,
    published: bool,
) -> WithPseudonyms:
    """Columns, rows and order as in `relation`; the customer's column is a pseudonym, NULL if it was empty.

    Rows of erased customers are without them if they belong to the books, else left out.
    """
    column = person_column(contract)
    if table is None or column is None or column.name not in _columns(con, relation):
        return WithPseudonyms(relation)
    raw = f"nullif(CAST({identifier(column.name)} AS VARCHAR), '')"
    keys = con.execute(f"SELECT DISTINCT {raw} AS k FROM {relation} WHERE {raw} IS NOT NULL").fetchall()
    assigned = table.assign((key for (key,) in keys), published=published)
    rows = pa.table(
        [pa.array(assigned.keys(), pa.string()), pa.array(assigned.values(), pa.string())], _COLUMNS
    )
    con.register(f"{_ASSIGNED}_arrow", rows)
    con.execute(f"CREATE OR REPLACE TEMP TABLE {_ASSIGNED} AS FROM {_ASSIGNED}_arrow")
    con.unregister(f"{_ASSIGNED}_arrow")
    joined = (
        f"(SELECT * FROM {relation}) AS raw_rows LEFT JOIN {_ASSIGNED} AS assigned ON assigned.raw = {raw}"
    )
    erased = f"assigned.pseudonym = {literal(ERASED)}"
    value = f"CASE WHEN NOT ({erased}) THEN assigned.pseudonym END"
    select = f"SELECT raw_rows.* REPLACE ({value} AS {identifier(column.name)}) FROM {joined}"
    if ERASED not in assigned.values() or treatment(contract.table) is Treatment.ANONYMISE:
        return WithPseudonyms(f"({select})")
    counted = con.execute(f"SELECT count(*) FROM {joined} WHERE {erased}").fetchall()
    return WithPseudonyms(f"({select} WHERE coalesce(NOT ({erased}), true))", int(counted[0][0]))


def _columns(con: duckdb.DuckDBPyConnection, relation: str) -> set[str]:
    described = con.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    return {str(row[0]) for row in described}
