"""A governed result."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pyarrow as pa

from governance.json_types import JsonDict
from semantic import CompiledQuery


@dataclass(frozen=True)
class GovernedAnswer:
    """The rows as Arrow, and the release and SQL that they came from.

    `as_of` is the newest day of the release's data, which CURRENT_DATE means; NULL if it has none.
    `withheld`: groups are left out because few households are behind them, or could be told from them.
    """

    table: pa.Table
    release_id: str
    compiled: CompiledQuery
    withheld: bool = False
    as_of: dt.date | None = None

    def as_dict(self) -> JsonDict:
        """`{"columns": [{"name", "type"}…], "rows": [[…]…], "release": …, "as_of": …, "rollups": […]}`."""
        columns = [{"name": f.name, "type": _type_name(f.type)} for f in self.table.schema]
        values = [column.to_pylist() for column in self.table.columns]
        rows = [list(row) for row in zip(*values, strict=True)]
        rollups = list(self.compiled.rollups)
        as_of = self.as_of.isoformat() if self.as_of is not None else None
        return {
            "columns": columns, "rows": rows, "release": self.release_id, "as_of": as_of, "rollups": rollups,
        }  # fmt: skip


def _type_name(kind: pa.DataType) -> str:
    """A name that a client in any language understands."""
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_date(kind):
        return "date"
    return "timestamp" if pa.types.is_timestamp(kind) else "string"
