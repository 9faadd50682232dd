"""The audit trail: append-only rows, each sealed with the hash of the one before.

A row is written in the transaction of what it records: if it cannot be written, nothing is done.
`verify` finds every edit, deletion, swap, insertion, cut tail and rewritten chain; the last two because
heads are anchored in files outside the store. With keys it also finds a chain that somebody without the key
wrote, and every row that decides something and differs from what the chain recorded of it.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypedDict, Unpack

from sqlalchemy import Row, RowMapping, select, text

from governance.errors import AuditBrokenError
from governance.json_types import JsonDict, JsonObject
from governance.store.bound_rows import differences
from governance.store.chain import FIELDS, Fields, Walk
from governance.store.engine import OpsStore, Transaction
from governance.store.pages import Page
from governance.store.schema import audit_log
from governance.store.types import canonical_json


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
    """Result of a verification. `first_broken` is the sequence number where the chain stops holding.

    `keyed_from` is the first row that a key seals, None if there is none: then no row of another table is
    bound. `changed` names every bound row that differs from what the chain recorded of it.
    """

    rows: int
    holds: bool
    first_broken: int | None = None
    problem: str = ""
    keyed_from: int | None = None
    changed: tuple[str, ...] = ()


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
    """Queue entries in order, to be sealed when the transaction ends; returns the last sequence number."""
    seq = 0
    for entry in entries:
        seq = transaction.pending.add(_fields(entry, now))
    return seq


def verify(store: OpsStore, *, require_anchor: bool = True) -> AuditReport:
    """Walk the whole chain, compare it with the anchored heads, and the rows that it binds with the tables.

    Heads are read before rows: a row is committed before it is anchored, so a writer in between adds rows
    without a head, never a head without its row. A second or two for 100,000 rows.
    """
    leading_hashes, unreadable = _anchored(store)
    with store.read() as conn:
        if not store.is_sqlite:  # one snapshot for chain and tables
            conn.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        rows = conn.execute(select(*(audit_log.c[name] for name in FIELDS)).order_by(audit_log.c.seq)).all()
        walk = Walk(store.keys)
        problem = "" if unreadable else _walk(walk, rows, leading_hashes)
        is_bound = not unreadable and not problem and walk.keyed_from is not None
        changed = tuple(differences(conn, walk.recorded)) if is_bound else ()
    if unreadable:
        return AuditReport(len(rows), False, None, unreadable)
    if rows and require_anchor and not leading_hashes:
        return AuditReport(len(rows), False, int(rows[0][0]), "no anchored head: the chain cannot be trusted")
    if problem:
        return AuditReport(len(rows), False, walk.position, problem, walk.keyed_from)
    if changed:
        more = f" (and {len(changed) - 1} rows more)" if len(changed) > 1 else ""
        return AuditReport(len(rows), False, None, f"{changed[0]}{more}", walk.keyed_from, changed)
    return AuditReport(len(rows), True, keyed_from=walk.keyed_from)


def _anchored(store: OpsStore) -> tuple[dict[int, str], str]:
    """Heads of all anchors together, and why they cannot be read or contradict each other."""
    leading_hashes: dict[int, str] = {}
    for anchor in store.anchors:
        try:
            anchored = anchor.leading_hashes()
        except AuditBrokenError as broken:
            return {}, broken.message
        for seq, digest in anchored.items():
            if leading_hashes.setdefault(seq, digest) != digest:
                return {}, f"the audit anchors {' and '.join(a.path.name for a in store.anchors)} contradict"
    return leading_hashes, ""


def check(store: OpsStore) -> AuditReport:
    """As `verify`, but raises AuditBrokenError when the chain does not hold."""
    report = verify(store)
    if not report.holds:
        subject = f"Audit row {report.first_broken}" if report.first_broken else "The audit"
        raise AuditBrokenError(
            f"{subject}: {report.problem}.",
            hint="keep the store as it is and compare it with a backup",
        )
    return report


def read(
    store: OpsStore,
    *,
    reader: Sequence[str] = (),
    object_id: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[JsonDict]:
    """Entries, newest first. The caller checks the right to read them; a cursor is the `reader`'s own
    (`Principal.reader_key`)."""
    bound_to = ["audit", *reader, object_id]
    query = select(audit_log).order_by(audit_log.c.seq.desc()).limit(limit + 1)
    if object_id is not None:
        query = query.where(audit_log.c.object_id == object_id)
    if cursor is not None:
        query = query.where(audit_log.c.seq < store.cursors.open(cursor, [int], bound_to)[0])
    with store.read() as conn:
        rows = [_readable(row._mapping) for row in conn.execute(query)]
    more = len(rows) > limit
    return Page(tuple(rows[:limit]), store.cursors.seal([rows[limit - 1]["seq"]], bound_to) if more else None)


def read_after(store: OpsStore, seq: int, *, actions: Sequence[str], limit: int = 500) -> list[JsonDict]:
    """Entries of these actions that follow `seq`, oldest first: for those who keep up with the log."""
    query = select(audit_log).where(audit_log.c.seq > seq, audit_log.c.action.in_(actions))
    with store.read() as conn:
        return [_readable(row._mapping) for row in conn.execute(query.order_by(audit_log.c.seq).limit(limit))]


def _walk(walk: Walk, rows: Sequence[Row[Any]], leading_hashes: Mapping[int, str]) -> str:
    """The first problem, at `walk.position`; empty if there is none."""
    for row in rows:
        if problem := walk.step(row._mapping):
            return problem
        if leading_hashes.get(walk.position, walk.previous) != walk.previous:
            return (
                f"row {walk.position} differs from the head anchored outside the store: "
                "the chain was rewritten"
            )
    newest = max(leading_hashes, default=0)
    if newest > len(rows):
        walk.position = len(rows) + 1
        return f"the tail was cut: row {newest} was anchored"
    return ""


def _fields(entry: AuditEntry, now: dt.datetime) -> Fields:
    return {
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
    }


def _readable(row: RowMapping) -> JsonDict:
    parsed = dict(row)
    for name in ("policy_ids", "before", "after", "rows"):
        parsed[name] = None if parsed[name] is None else json.loads(parsed[name])
    return parsed
