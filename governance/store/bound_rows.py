"""Rows that decide something, bound to the audit: a digest of each is in the entry of the transaction.

Who edits, adds or removes such a row in the database leaves one that no entry names, or an entry without it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, select, tuple_

from governance.store.first_names import FIRST_NAMES
from governance.store.schema import (
    decisions,
    idempotency_keys,
    model_reviews,
    recommendations,
    service_keys,
    shown_groups,
)
from governance.store.types import canonical_json

BOUND: Mapping[str, Table] = {
    table.name: table
    for table in (recommendations, decisions, model_reviews, service_keys, idempotency_keys, shown_groups)
}
"""Every table of which a row decides something. All but `audit_log`, which is the chain itself."""

_IN_RANGES = {shown_groups.name}  # only ever added to, numbered: one digest a range of numbers
_BATCH = 400

Digests = dict[str, dict[str, str | None]]
"""By table and key; None for a row that is gone. Keys of a numbered table are ranges: `17-58`."""

Key = tuple[Any, ...]


def digests_of(conn: Connection, keys_by_table: Mapping[str, Iterable[Key]]) -> Digests:
    """Digests of these rows as they are now."""
    digests: Digests = {}
    for name, keys in keys_by_table.items():
        table, wanted = BOUND[name], list(dict.fromkeys(keys))
        if name in _IN_RANGES and wanted:
            first, last = min(wanted)[0], max(wanted)[0]
            (column,) = table.primary_key
            rows = conn.execute(select(table).where(column.between(first, last)).order_by(column))
            digests[name] = {f"{first}-{last}": _of_range(rows)}
        elif wanted:
            by_name = {_name(row, table): _of_row(row) for row in _rows(conn, table, wanted)}
            digests[name] = {name: by_name.get(name) for name in map(_joined, wanted)}
    return digests


def all_digests(conn: Connection) -> Digests:
    """Digests of every row of every bound table: what an audit begins with when it gets its key."""
    digests: Digests = {}
    for name, table in BOUND.items():
        rows = conn.execute(select(table).order_by(*table.primary_key)).all()
        if name in _IN_RANGES and rows:
            digests[name] = {f"{rows[0][0]}-{rows[-1][0]}": _of_range(rows)}
        elif rows:
            digests[name] = {_name(row, table): _of_row(row) for row in rows}
    return digests


def differences(conn: Connection, recorded: Mapping[str, Mapping[str, str | None]]) -> Iterator[str]:
    """What the tables hold against what the entries recorded, a sentence for each row that differs."""
    for name, table in BOUND.items():
        expected = recorded.get(name, {})
        if name in _IN_RANGES:
            yield from _range_differences(conn, table, expected)
            continue
        unseen = {key for key, digest in expected.items() if digest is not None}
        for row in conn.execute(select(table)):
            key = _name(row, table)
            unseen.discard(key)
            if expected.get(key) is None:
                yield f"{name} {key}: no entry of the audit has recorded this row"
            elif expected[key] != _of_row(row):
                yield f"{name} {key}: was changed after it was recorded"
        for key in sorted(unseen):
            yield f"{name} {key}: was recorded, and is gone"


def _range_differences(conn: Connection, table: Table, expected: Mapping[str, str | None]) -> Iterator[str]:
    rows = iter(conn.execute(select(table).order_by(*table.primary_key)).all())
    ranges = sorted(tuple(map(int, key.split("-"))) for key in expected)
    row = next(rows, None)
    for first, last in ranges:
        inside = []
        while row is not None and row[0] <= last:
            if row[0] < first:
                yield f"{table.name} {row[0]}: no entry of the audit has recorded this row"
            else:
                inside.append(row)
            row = next(rows, None)
        if _of_range(inside) != expected[f"{first}-{last}"]:
            yield f"{table.name} {first}-{last}: rows were changed, added or removed after they were recorded"
    while row is not None:
        yield f"{table.name} {row[0]}: no entry of the audit has recorded this row"
        row = next(rows, None)


def _rows(conn: Connection, table: Table, keys: list[Key]) -> Iterator[Row[Any]]:
    columns = list(table.primary_key)
    for start in range(0, len(keys), _BATCH):
        chunk = keys[start : start + _BATCH]
        condition: ColumnElement[bool]
        if len(columns) == 1:
            condition = columns[0].in_([key[0] for key in chunk])
        else:
            condition = tuple_(*columns).in_(chunk)
        yield from conn.execute(select(table).where(condition))


def _name(row: Row[Any], table: Table) -> str:
    return _joined(tuple(row._mapping[column] for column in table.primary_key))


def _joined(key: Key) -> str:
    return str(key[0]) if len(key) == 1 else canonical_json(list(key))


def _of_range(rows: Iterable[Row[Any]]) -> str:
    return hashlib.sha256("".join(map(_of_row, rows)).encode()).hexdigest()


def _of_row(row: Row[Any]) -> str:
    """Of what is not NULL, by the columns' first names: one added or renamed later changes no digest."""
    values = {
        FIRST_NAMES.get(str(name), str(name)): _plain(value)
        for name, value in row._mapping.items()
        if value is not None
    }
    return hashlib.sha256(canonical_json(values).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    return bytes(value).hex() if isinstance(value, bytes | memoryview) else value
