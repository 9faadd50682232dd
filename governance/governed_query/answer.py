"""A governed result."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from governance.json_types import JsonDict
from semantic import CompiledQuery


@dataclass(frozen=True)
class GovernedAnswer:
    """The rows as Arrow, and the release and SQL that they came from.

    `withheld`: groups are left out because few households are behind them, or could be told from them.
    """

    table: pa.Table
    release_id: str
    compiled: CompiledQuery
    withheld: bool = False

    def as_dict(self) -> JsonDict:
        """`{"columns": [{"name", "type"}…], "rows": [[…]…], "release": …, "rollups": […]}`."""
        columns = [{"name": f.name, "type": _type_name(f.type)} for f in self.table.schema]
        values = [column.to_pylist() for column in self.table.columns]
        rows = [list(row) for row in zip(*values, strict=True)]
        rollups = list(self.compiled.rollups)
        return {"columns": columns, "rows": rows, "release": self.release_id, "rollups": rollups}


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
