"""How audit entries are sealed onto each other, and how a chain is walked.

Without a key an entry's hash is SHA-256 over its fields and the hash before; with one it is an HMAC, which
also covers the key's id and the digests of the rows that the transaction wrote. A chain that was begun
without a key is closed by an entry that names its head and every row that there is; a new key is named by an
entry of the old one.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, func, insert, inspect, select

from governance.errors import AuditBrokenError
from governance.store.anchor import GENESIS, AnchorLine
from governance.store.audit_keys import AuditKey, AuditKeys
from governance.store.bound_rows import BOUND, Digests, Key, all_digests, digests_of
from governance.store.schema import audit_log
from governance.store.types import canonical_json

ROTATE = "audit.rotate_key"
CLOSE = "audit.close_unkeyed"
_SERVICE = "service:audit"
_KEYED_ONLY = ("key_id", "rows")
_PLAIN = tuple(c.name for c in audit_log.columns if c.name not in ("hash", *_KEYED_ONLY))
FIELDS = (*_PLAIN, *_KEYED_ONLY, "hash")

Fields = dict[str, Any]
"""An entry as it is stored, without what sealing adds: `seq`, `previous_hash`, `key_id`, `rows`, `hash`."""


@dataclass
class PendingEntries:
    """What one transaction adds to the chain; sealed when it ends, so that the last entry names its rows."""

    conn: Connection
    keys: AuditKeys | None
    entries: list[tuple[Fields, AuditKey | None]] = field(default_factory=list)
    touched: dict[str, dict[Key, None]] = field(default_factory=dict)
    _start: AnchorLine | None = None

    def add(self, entry: Fields) -> int:
        """Queue an entry; returns the sequence number that it will have."""
        start = self._begin(entry["at"])
        self.entries.append((entry, self.keys.current if self.keys else None))
        return start.seq + len(self.entries)

    def touch(self, table: str, keys: Sequence[Key]) -> None:
        """Rows that this transaction wrote or removed, by primary key."""
        if self.keys is not None and keys:
            self.touched.setdefault(BOUND[table].name, {}).update(dict.fromkeys(keys))

    def seal(self) -> AnchorLine | None:
        """Write the entries; the new head, or None if nothing was recorded."""
        if self.touched and not self.entries:
            tables = ", ".join(sorted(self.touched))
            self.add(service_entry("store.record", f"tables.{tables}", dt.datetime.now(dt.UTC)))
        if not self.entries or self._start is None:
            return None
        rows = digests_of(self.conn, self.touched)
        seq, previous = self._start.seq, self._start.hash
        sealed = []
        for number, (entry, key) in enumerate(self.entries, start=1):
            seq += 1
            row = {**entry, "seq": seq, "previous_hash": previous}
            if key is not None:
                own = entry.get("rows", {})
                if number == len(self.entries):
                    own = own | rows
                row |= {"key_id": key.key_id, "rows": canonical_json(own) if own else None}
            previous = row["hash"] = seal_of(row, key)
            sealed.append(row)
        for same in _of_equal_columns(sealed):
            self.conn.execute(insert(audit_log), same)
        return AnchorLine(seq, previous)

    def _begin(self, at: str) -> AnchorLine:
        """The head to go on from; before the first entry, what closes an older chain or names a new key."""
        if self._start is not None:
            return self._start
        start, key_id = head_of(self.conn, self.keys)
        self._start = start
        if self.keys is None or start == GENESIS:
            return start
        moment, object_id = dt.datetime.fromisoformat(at), f"audit_key.{self.keys.current.key_id}"
        if key_id is None:
            entry = service_entry(CLOSE, object_id, moment, self._close(start))
            self.entries.append((entry | {"rows": all_digests(self.conn)}, self.keys.current))
        elif key_id != self.keys.current.key_id:
            after = {"key_id": self.keys.current.key_id}
            entry = service_entry(ROTATE, object_id, moment, after)
            self.entries.append((entry, self.keys.need(key_id)))
        return start

    def _close(self, head: AnchorLine) -> dict[str, Any]:
        walk = Walk(None)
        for row in self.conn.execute(select(*(audit_log.c[n] for n in FIELDS)).order_by(audit_log.c.seq)):
            if problem := walk.step(row._mapping):
                raise AuditBrokenError(
                    f"Audit row {walk.position}: {problem}.",
                    hint="The chain has to hold before its first key seals it; compare it with a backup.",
                )
        return {
            "verified_rows": head.seq,
            "head": head.hash,
            "key_id": self.keys and self.keys.current.key_id,
        }


class Walk:
    """Steps through a chain from its first row, and collects what its entries recorded of bound rows."""

    def __init__(self, keys: AuditKeys | None) -> None:
        self._keys = keys
        self.position = 0
        self.previous = GENESIS.hash
        self.key_id: str | None = None
        self.keyed_from: int | None = None
        self._next_key: str | None = None
        self.recorded: Digests = {}

    def step(self, row: Mapping[Any, Any]) -> str:
        """What is wrong with the next row, or nothing."""
        self.position += 1
        position = self.position
        if row["seq"] != position:
            return f"row {position} is missing or out of order (found {row['seq']})"
        if row["previous_hash"] != self.previous:
            return f"row {position} does not follow row {position - 1}"
        key = None
        if row["key_id"] is not None:
            key = self._keys.find(row["key_id"]) if self._keys else None
            if key is None:
                return f"row {position} was sealed with key {row['key_id']}, which is not at hand"
        if seal_of(row, key) != row["hash"]:
            return f"row {position} was changed after it was written"
        problem = self._change_of_key(row)
        self.previous = row["hash"]
        for table, digests in json.loads(row["rows"] or "{}").items() if key else ():
            self.recorded.setdefault(table, {}).update(digests)
        return problem

    def _change_of_key(self, row: Mapping[Any, Any]) -> str:
        key_id, before = row["key_id"], self.key_id
        named, self._next_key = self._next_key, None
        if row["action"] == ROTATE and row["after"]:
            self._next_key = json.loads(row["after"]).get("key_id")
        if key_id == before:
            return ""
        self.key_id = key_id
        if key_id is None:
            return f"row {self.position} has no key, and the rows before it have one"
        if before is None:
            self.keyed_from = self.position
            if self.position > 1 and not _closes(row):
                return f"row {self.position} has a key, and does not close the rows before it"
            return ""
        return "" if named == key_id else f"row {self.position} has another key, which no entry has named"


def _closes(row: Mapping[Any, Any]) -> bool:
    """Whether an entry closes the unkeyed rows before it."""
    head = json.loads(row["after"] or "{}").get("head")
    return bool(row["action"] == CLOSE and head == row["previous_hash"])


def seal_of(row: Mapping[Any, Any], key: AuditKey | None) -> str:
    """The hash of an entry: of all fields but itself."""
    names = _PLAIN if key is None else (*_PLAIN, *_KEYED_ONLY)
    message = json.dumps([row[name] for name in names], ensure_ascii=False).encode()
    return hashlib.sha256(message).hexdigest() if key is None else key.seal(message)


def head_of(conn: Connection, keys: AuditKeys | None) -> tuple[AnchorLine, str | None]:
    """The newest row, and the id of its key. Raises AuditBrokenError if it has one and none is at hand."""
    columns = [audit_log.c.seq, audit_log.c.hash, *([audit_log.c.key_id] if _has_keys(conn) else [])]
    newest = select(func.max(audit_log.c.seq)).scalar_subquery()
    row = conn.execute(select(*columns).where(audit_log.c.seq == newest)).first()
    if row is None:
        return GENESIS, None
    key_id = row[2] if len(row) > 2 else None
    if key_id is not None:
        (keys or AuditKeys(())).need(key_id)
    return AnchorLine(int(row[0]), str(row[1])), key_id


def _has_keys(conn: Connection) -> bool:
    """False for a store of an older schema, while it is being brought forward."""
    return any(column["name"] == "key_id" for column in inspect(conn).get_columns(audit_log.name))


def service_entry(
    action: str, object_id: str, at: dt.datetime, after: Mapping[str, Any] | None = None
) -> Fields:
    """An entry of the audit's own."""
    return {
        "at": at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
        "actor": _SERVICE,
        "on_behalf_of": None,
        "role": None,
        "action": action,
        "object_id": object_id,
        "reason": None,
        "policy_ids": "[]",
        "request_id": None,
        "before": None,
        "after": None if after is None else canonical_json(dict(after)),
    }


def _of_equal_columns(rows: Sequence[Fields]) -> Iterator[list[Fields]]:
    """Runs of rows with the same columns: an older schema has no columns of keys."""
    run: list[Fields] = []
    for row in rows:
        if run and run[-1].keys() != row.keys():
            yield run
            run = []
        run.append(row)
    if run:
        yield run
