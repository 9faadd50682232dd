"""Recommendations and decisions of the ops store, and of the demo's replayed history, as landing rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import duckdb
import pyarrow as pa
from sqlalchemy import ColumnElement, Select, Table, func, literal, select

from governance.store import OpsStore
from governance.store.schema import decisions, recommendations
from integrations.contracts import Contract, contract
from integrations.platform.exporter import PlatformState

RENAMED = {"proposed_at": "created_at"}  # contract column → column of the ops store
ARROW = {
    "VARCHAR": pa.string(),
    "DOUBLE": pa.float64(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"),
    "BOOLEAN": pa.bool_(),
}
_CHUNK = 20_000


def export_recommendations(state: PlatformState, connection: duckdb.DuckDBPyConnection) -> str:
    """Every recommendation, with the state that it is in."""
    return _export(state, connection, contract("recommendations"), recommendations)


def export_decisions(state: PlatformState, connection: duckdb.DuckDBPyConnection) -> str:
    """Every decision of a person; those of the demo's simulated planners are marked."""
    return _export(state, connection, contract("decisions"), decisions)


def stores_fingerprint(state: PlatformState) -> str:
    """Counts and newest changes of both stores."""
    return ";".join(_mark(store) for store in (state.store, state.history) if store is not None)


def _mark(store: OpsStore) -> str:
    state, changed = recommendations.c.state, recommendations.c.updated_at
    with store.read() as conn:
        by_state = conn.execute(
            select(state, func.count(), func.max(changed)).group_by(state).order_by(state)
        ).all()
        decided = conn.execute(select(func.count(), func.max(decisions.c.decided_at))).all()
    return f"{by_state}{decided}"


def _export(
    state: PlatformState, connection: duckdb.DuckDBPyConnection, contract: Contract, table: Table
) -> str:
    parts = [_batches(state.store, contract, table, is_history=False)]
    if state.history is not None:
        parts.append(_batches(state.history, contract, table, is_history=True))
    exported = pa.Table.from_batches([batch for part in parts for batch in part], schema=_schema(contract))
    name = f"exported_{contract.table}"
    connection.register(name, exported)
    return name


def _batches(
    store: OpsStore, contract: Contract, table: Table, *, is_history: bool
) -> Iterator[pa.RecordBatch]:
    schema = _schema(contract)
    with store.read() as conn:
        for rows in conn.execute(_select(contract, table, is_history)).partitions(_CHUNK):
            columns = zip(*rows, strict=True)
            arrays = [
                pa.array([_naive_utc(value) for value in column], type=kind.type)
                for column, kind in zip(columns, schema, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _select(contract: Contract, table: Table, is_history: bool) -> Select[tuple[object, ...]]:
    computed: dict[str, ColumnElement[object]] = {"is_history": literal(is_history)}
    if table is decisions:
        computed["is_simulated"] = literal(is_history)
        if is_history:  # its random ids would make every new run of the same history another content
            computed["decision_id"] = table.c.recommendation_id + "/" + table.c.decided_by
    columns = []
    for name in (*(column.name for column in contract.columns), "is_simulated"):
        columns.append(computed[name] if name in computed else table.c[RENAMED.get(name, name)])
    return select(*columns)


def _schema(contract: Contract) -> pa.Schema:
    fields = [pa.field(column.name, ARROW[column.physical_type]) for column in contract.columns]
    return pa.schema([*fields, pa.field("is_simulated", pa.bool_())])


def _naive_utc(value: object) -> object:
    """Instants as UTC without a zone, as everywhere in the landing."""
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return value.astimezone(dt.UTC).replace(tzinfo=None)
    return value
