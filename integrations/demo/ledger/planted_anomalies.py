"""The planted anomalies as the tables name them: identifiers and dates instead of indexes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import duckdb

FIRST_DATE = dt.date(2017, 1, 1)


def named_anomalies(
    con: duckdb.DuckDBPyConnection, planted_anomalies: Mapping[str, object]
) -> dict[str, object]:
    """Anomaly name to what was planted: `supplier_id` or `location_id`, `from` and `to` (exclusive)."""
    suppliers = dict(con.execute("SELECT supplier_index, supplier_id FROM demo_suppliers").fetchall())
    locations = dict(con.execute("SELECT location_index, location_id FROM demo_locations").fetchall())

    def named(entry: object) -> object:
        if isinstance(entry, list):
            return [named(e) for e in entry]
        if isinstance(entry, int):
            return suppliers[entry]
        assert isinstance(entry, dict)  # noqa: S101
        result = {k: v for k, v in entry.items() if not k.endswith(("_index", "_day"))}
        if "supplier_index" in entry:
            result["supplier_id"] = suppliers[entry["supplier_index"]]
        if "location_index" in entry:
            result["location_id"] = locations[entry["location_index"]]
        for key, name in (("from_day", "from"), ("to_day", "to")):
            result[name] = (FIRST_DATE + dt.timedelta(days=int(entry[key]))).isoformat()
        return result

    return {name: named(entry) for name, entry in planted_anomalies.items()}
