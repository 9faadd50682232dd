"""Recommendations and decisions of the ops store, and of the demo's replayed history, as landing rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa
from sqlalchemy import Select, Table, func, literal, select

from governance.store import OpsStore
from governance.store.schema import decisions, recommendations
from integrations.contracts import Contract, contract
from integrations.platform.exporter import Recorded

RENAMED = {"proposed_at": "created_at"}  # contract column → column of the ops store
ARROW = {
    "VARCHAR": pa.string(),
    "DOUBLE": pa.float64(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"),
    "BOOLEAN": pa.bool_(),
}
_CHUNK = 20_000


def export_recommendations(recorded: Recorded, connection: duckdb.DuckDBPyConnection) -> str:
    """Every recommendation, with the state that it is in."""
    return _export(recorded, connection, contract("recommendations"), recommendations)


def export_decisions(recorded: Recorded, connection: duckdb.DuckDBPyConnection) -> str:
    """Every decision of a person; those of the demo's simulated planners are marked."""
    return _export(recorded, connection, contract("decisions"), decisions)


def mark_of_stores(recorded: Recorded) -> str:
    """Counts and newest changes of both stores."""
    return ";".join(_mark(store) for store in (recorded.store, recorded.history) if store is not None)


def _mark(store: OpsStore) -> str:
    state, changed = recommendations.c.state, recommendations.c.updated_at
    with store.read() as conn:
        by_state = conn.execute(
            select(state, func.count(), func.max(changed)).group_by(state).order_by(state)
        ).all()
        decided = conn.execute(select(func.count(), func.max(decisions.c.decided_at))).all()
    return f"{by_state}{decided}"


def _export(recorded: Recorded, connection: duckdb.DuckDBPyConnection, terms: Contract, table: Table) -> str:
    parts = [_batches(recorded.store, terms, table, is_history=False)]
    if recorded.history is not None:
        parts.append(_batches(recorded.history, terms, table, is_history=True))
    found = pa.Table.from_batches([batch for part in parts for batch in part], schema=_schema(terms))
    name = f"exported_{terms.table}"
    connection.register(name, found)
    return name


def _batches(store: OpsStore, terms: Contract, table: Table, *, is_history: bool) -> Iterator[pa.RecordBatch]:
    schema = _schema(terms)
    with store.read() as conn:
        for rows in conn.execute(_select(terms, table, is_history)).partitions(_CHUNK):
            columns = zip(*rows, strict=True)
            arrays = [
                pa.array([_plain(value) for value in column], type=kind.type)
                for column, kind in zip(columns, schema, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _select(terms: Contract, table: Table, is_history: bool) -> Select[Any]:
    made: dict[str, Any] = {"is_history": literal(is_history)}
    if table is decisions:
        made["is_simulated"] = literal(is_history)
        if is_history:  # its random ids would make every new run of the same history another content
            made["decision_id"] = table.c.recommendation_id + "/" + table.c.decided_by
    columns = []
    for name in (*(column.name for column in terms.columns), "is_simulated"):
        columns.append(made[name] if name in made else table.c[RENAMED.get(name, name)])
    return select(*columns)


def _schema(terms: Contract) -> pa.Schema:
    fields = [pa.field(column.name, ARROW[column.physical_type]) for column in terms.columns]
    return pa.schema([*fields, pa.field("is_simulated", pa.bool_())])


def _plain(value: Any) -> Any:
    """Instants as UTC without a zone, as everywhere in the landing."""
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return value.astimezone(dt.UTC).replace(tzinfo=None)
    return value
