"""A write that is sent twice is done once: the second gets the first one's answer."""

from __future__ import annotations

import datetime as dt
import hashlib

from sqlalchemy import insert, select

from governance.errors import IdempotencyMismatchError
from governance.json_types import JsonDict, JsonObject
from governance.store.engine import Transaction
from governance.store.schema import idempotency_keys
from governance.store.types import canonical_json


def find(transaction: Transaction, principal: str, key: str | None, request: object) -> JsonDict | None:
    """The stored answer, or None.

    Raises IdempotencyMismatchError when the key was used for something else.
    """
    if key is None:
        return None
    table = idempotency_keys
    query = select(table).where(table.c.principal == principal, table.c.idempotency_key == key)
    row = transaction.conn.execute(query).mappings().first()
    if row is None:
        return None
    if row["request_hash"] != _hash(request):
        raise IdempotencyMismatchError(f"The idempotency key {key!r} was used for another request.")
    return dict(row["response"])


def keep(
    transaction: Transaction,
    principal: str,
    key: str | None,
    *,
    request: object,
    response: JsonObject,
    now: dt.datetime,
) -> None:
    """Remember the answer, in the transaction that made it true."""
    if key is not None:
        row: JsonDict = {"principal": principal, "idempotency_key": key, "request_hash": _hash(request)}
        row |= {"response": dict(response), "created_at": now}
        transaction.conn.execute(insert(idempotency_keys).values(row))
        transaction.touch(idempotency_keys, (principal, key))


def _hash(request: object) -> str:
    return hashlib.sha256(canonical_json(request).encode()).hexdigest()
