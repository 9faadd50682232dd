"""Everything that is held of one customer, as plain data: what a person may ask to see."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import duckdb

from governance.json_types import JsonDict
from integrations.ingest.quarantine import rows_naming
from integrations.pseudonyms import person_tables
from semantic.sql.quoting import identifier, literal

_NOT_THEIRS = ("batch", "batch_sequence")  # of the landing, not of the customer


def customer_records(
    con: duckdb.DuckDBPyConnection,
    *,
    raw: str,
    pseudonym: str | None,
    landing: Path,
    quarantine: Path,
    warehouse: Path | None,
) -> JsonDict:
    """`landed` rows by table as they were recorded; `derived` is the profile made of them in the published
    release; `quarantined` rows as they came. Days and money are text."""
    landed = {
        table: _rows(
            con, f"read_parquet({literal(landing / table / '*' / '*.parquet')})", column.name, pseudonym
        )
        for table, column in person_tables().items()
        if pseudonym is not None and any((landing / table).glob("*/*.parquet"))
    }
    derived: list[JsonDict] = []
    if pseudonym is not None and warehouse is not None:
        with duckdb.connect(str(warehouse), read_only=True) as release:
            derived = _rows(release, "dim_customer", "customer_id", pseudonym)
    quarantined = [asdict(row) for row in rows_naming(quarantine, lambda field: field == raw)]
    return {
        "customer": raw,
        "landed": {table: rows for table, rows in landed.items() if rows},
        "derived": derived,
        "quarantined": quarantined,
    }


def _rows(con: duckdb.DuckDBPyConnection, relation: str, column: str, pseudonym: str) -> list[JsonDict]:
    """Rows without the pseudonym: it is the product's, and secret."""
    cursor = con.execute(f"SELECT * FROM {relation} WHERE {identifier(column)} = ? ORDER BY ALL", [pseudonym])
    names = [str(described[0]) for described in cursor.description or ()]
    return [
        {
            name: value if value is None or isinstance(value, bool | int | float | str) else str(value)
            for name, value in zip(names, row, strict=True)
            if name not in (column, *_NOT_THEIRS)
        }
        for row in cursor.fetchall()
    ]
