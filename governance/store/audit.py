"""The audit trail: append-only rows, each sealed with the hash of the one before.

A row is written in the transaction of what it records: if it cannot be written, nothing is done.
`verify` finds every edit, deletion, swap, insertion, cut tail and rewritten chain; the last two because
heads are anchored in a file outside the store.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypedDict, Unpack

from sqlalchemy import Connection, RowMapping, func, insert, select

from governance.errors import AuditBrokenError
from governance.json_types import JsonDict, JsonObject
from governance.store.anchor import GENESIS, AnchorLine
from governance.store.engine import OpsStore, Transaction
from governance.store.pages import Page, decode_cursor, encode_cursor
from governance.store.schema import audit_log
from governance.store.types import canonical_json

_SEALED = tuple(column.name for column in audit_log.columns if column.name != "hash")


@dataclass(frozen=True)
class AuditEntry:
    """Who did what to which object, for whom, why, and what changed."""

    actor: str
    action: str
    object_id: str
    on_behalf_of: str | None = None
    role: str | None = None
    reason: str | None = None
    policy_ids: Sequence[str] = ()
    request_id: str | None = None
    before: JsonObject | None = None
    after: JsonObject | None = None


class Actor(Protocol):
    """Who acts: the service or person, the person it acts for, and the role. A principal is one."""

    @property
    def actor(self) -> str: ...

    @property
    def on_behalf_of(self) -> str | None: ...

    @property
    def role(self) -> str: ...


class _More(TypedDict, total=False):
    """Why, and what changed: see `AuditEntry`."""

    reason: str | None
    policy_ids: Sequence[str]
    request_id: str | None
    before: JsonObject | None
    after: JsonObject | None


@dataclass(frozen=True)
class AuditReport:
    """Result of a verification. `first_broken` is the sequence number where the chain stops holding."""

    rows: int
    holds: bool
    first_broken: int | None = None
    problem: str = ""


def append(transaction: Transaction, entry: AuditEntry, *, now: dt.datetime) -> int:
    """Seal one entry onto the chain; returns its sequence number."""
    return append_many(transaction, [entry], now=now)


def record(
    transaction: Transaction,
    principal: Actor,
    action: str,
    object_id: str,
    *,
    now: dt.datetime,
    **more: Unpack[_More],
) -> int:
    """Append what a principal did: the service that acted, the person it acted for, and the role."""
    entry = AuditEntry(principal.actor, action, object_id, principal.on_behalf_of, principal.role, **more)
    return append(transaction, entry, now=now)


def append_many(transaction: Transaction, entries: Sequence[AuditEntry], *, now: dt.datetime) -> int:
    """Seal entries in order with one insert; returns the last sequence number."""
    head = transaction.head or _head(transaction.conn)
    seq, previous = head.seq, head.hash
    rows = []
    for entry in entries:
        seq += 1
        row = _row(entry, seq, previous, now)
        previous = row["hash"]
        rows.append(row)
    if rows:
        transaction.conn.execute(insert(audit_log), rows)
        transaction.head = AnchorLine(seq, previous)
    return seq


def verify(store: OpsStore, *, require_anchor: bool = True) -> AuditReport:
    """Walk the whole chain and compare it with the anchored heads. About a second for 100,000 rows.

    Heads are read before rows: a row is committed before it is anchored, so a writer in between adds rows
    without a head, never a head without its row.
    """
    columns = [audit_log.c[name] for name in (*_SEALED, "hash")]
    leading_hashes, unreadable = {}, ""
    try:
        leading_hashes = store.anchor.leading_hashes() if store.anchor is not None else {}
    except AuditBrokenError as broken:
        unreadable = broken.message
    with store.read() as conn:
        rows = conn.execute(select(*columns).order_by(audit_log.c.seq)).all()
    if unreadable:
        return AuditReport(len(rows), False, None, unreadable)
    if rows and require_anchor and not leading_hashes:
        return AuditReport(len(rows), False, int(rows[0][0]), "no anchored head: the chain cannot be trusted")
    return _walk(rows, leading_hashes)


def check(store: OpsStore) -> AuditReport:
    """As `verify`, but raises AuditBrokenError when the chain does not hold."""
    report = verify(store)
    if not report.holds:
        raise AuditBrokenError(
            f"audit row {report.first_broken}: {report.problem}",
            hint="keep the store as it is and compare it with a backup",
        )
    return report


def read(
    store: OpsStore, *, object_id: str | None = None, cursor: str | None = None, limit: int = 100
) -> Page[JsonDict]:
    """Entries, newest first. The caller checks the right to read them."""
    query = select(audit_log).order_by(audit_log.c.seq.desc()).limit(limit + 1)
    if object_id is not None:
        query = query.where(audit_log.c.object_id == object_id)
    if cursor is not None:
        query = query.where(audit_log.c.seq < decode_cursor(cursor, [int])[0])
    with store.read() as conn:
        rows = [_readable(row._mapping) for row in conn.execute(query)]
    more = len(rows) > limit
    return Page(tuple(rows[:limit]), encode_cursor([rows[limit - 1]["seq"]]) if more else None)


def read_after(store: OpsStore, seq: int, *, actions: Sequence[str], limit: int = 500) -> list[JsonDict]:
    """Entries of these actions that follow `seq`, oldest first: for those who keep up with the log."""
    query = select(audit_log).where(audit_log.c.seq > seq, audit_log.c.action.in_(actions))
    with store.read() as conn:
        return [_readable(row._mapping) for row in conn.execute(query.order_by(audit_log.c.seq).limit(limit))]


def _walk(rows: Sequence[Sequence[Any]], leading_hashes: Mapping[int, str]) -> AuditReport:
    previous = GENESIS.hash
    for position, row in enumerate(rows, start=1):
        sealed, digest = row[:-1], row[-1]
        problem = ""
        if sealed[0] != position:
            problem = f"row {position} is missing or out of order (found {sealed[0]})"
        elif sealed[-1] != previous:
            problem = f"row {position} does not follow row {position - 1}"
        elif _digest(sealed) != digest:
            problem = f"row {position} was changed after it was written"
        elif leading_hashes.get(position, digest) != digest:
            problem = (
                f"row {position} differs from the head anchored outside the store: the chain was rewritten"
            )
        if problem:
            return AuditReport(len(rows), False, position, problem)
        previous = digest
    if leading_hashes and max(leading_hashes) > len(rows):
        missing = len(rows) + 1
        return AuditReport(
            len(rows), False, missing, f"the tail was cut: row {max(leading_hashes)} was anchored"
        )
    return AuditReport(len(rows), True)


def _head(conn: Connection) -> AnchorLine:
    newest = select(func.max(audit_log.c.seq)).scalar_subquery()
    row = conn.execute(select(audit_log.c.seq, audit_log.c.hash).where(audit_log.c.seq == newest)).first()
    return AnchorLine(int(row[0]), str(row[1])) if row else GENESIS


def _row(entry: AuditEntry, seq: int, previous: str, now: dt.datetime) -> JsonDict:
    row: JsonDict = {
        "seq": seq,
        "at": now.astimezone(dt.UTC).isoformat(timespec="microseconds"),
        "actor": entry.actor,
        "on_behalf_of": entry.on_behalf_of,
        "role": entry.role,
        "action": entry.action,
        "object_id": entry.object_id,
        "reason": entry.reason,
        "policy_ids": canonical_json(list(entry.policy_ids)),
        "request_id": entry.request_id,
        "before": None if entry.before is None else canonical_json(dict(entry.before)),
        "after": None if entry.after is None else canonical_json(dict(entry.after)),
        "previous_hash": previous,
    }
    return row | {"hash": _digest([row[name] for name in _SEALED])}


def _digest(sealed: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(list(sealed), ensure_ascii=False).encode()).hexdigest()


def _readable(row: RowMapping) -> JsonDict:
    parsed = dict(row)
    for name in ("policy_ids", "before", "after"):
        parsed[name] = None if parsed[name] is None else json.loads(parsed[name])
    return parsed
