"""The planted anomalies in the terms of the tables: identifiers and dates instead of indexes."""

from __future__ import annotations

import datetime as dt
from typing import Any

import duckdb

FIRST_DATE = dt.date(2017, 1, 1)


def named_anomalies(con: duckdb.DuckDBPyConnection, planted_anomalies: dict[str, Any]) -> dict[str, Any]:
    """Anomaly name to what was planted: `supplier_id` or `location_id`, `from` and `to` (exclusive)."""
    suppliers = dict(con.execute("SELECT supplier_index, supplier_id FROM demo_suppliers").fetchall())
    locations = dict(con.execute("SELECT location_index, location_id FROM demo_locations").fetchall())

    def named(entry: Any) -> Any:
        if isinstance(entry, list):
            return [named(e) for e in entry]
        if isinstance(entry, int):
            return suppliers[entry]
        result = {k: v for k, v in entry.items() if not k.endswith(("_index", "_day"))}
        if "supplier_index" in entry:
            result["supplier_id"] = suppliers[entry["supplier_index"]]
        if "location_index" in entry:
            result["location_id"] = locations[entry["location_index"]]
        for key, name in (("from_day", "from"), ("to_day", "to")):
            result[name] = (FIRST_DATE + dt.timedelta(days=int(entry[key]))).isoformat()
        return result

    return {name: named(entry) for name, entry in planted_anomalies.items()}
