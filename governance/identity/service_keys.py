"""Keys for machines: scoped, expiring, kept as a hash, shown once."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import insert, select, update

from governance import audit
from governance.errors import InvalidDecision, NotAuthenticated, NotFound
from governance.identity.directory import Directory
from governance.identity.principal import Principal
from governance.store.engine import OpsStore
from governance.store.schema import service_keys

SCOPES = frozenset({"read", "propose", "execute", "ingest", "delegate"})
_PREFIX = "steelyard"
_LONGEST = dt.timedelta(days=366)


def issue_service_key(
    store: OpsStore,
    service: str,
    *,
    scopes: Iterable[str],
    lifetime: dt.timedelta,
    created_by: str,
    directory: Directory,
    now: dt.datetime,
) -> str:
    """A new key for a service of the directory; the only time that its text exists.

    256 random bits, so a plain SHA-256 is all the hashing it needs. At most a year. The caller has
    checked that `created_by` may do this. Raises InvalidDecision on unknown scopes or a silly lifetime.
    """
    wanted = frozenset(scopes)
    directory.service(service)
    if not wanted or wanted - SCOPES:
        raise InvalidDecision(f"unknown or no scopes: {sorted(wanted)}", hint=f"scopes: {sorted(SCOPES)}")
    if not dt.timedelta(0) < lifetime <= _LONGEST:
        raise InvalidDecision("a service key lives between a moment and a year")
    key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    row = {
        "key_id": key_id,
        "service": service,
        "scopes": sorted(wanted),
        "secret_hash": _hash(secret),
        "created_by": created_by,
        "created_at": now,
        "expires_at": now + lifetime,
    }
    after = {"service": service, "scopes": sorted(wanted), "expires_at": row["expires_at"]}
    entry = audit.AuditEntry(created_by, "service_key.issue", f"service_key.{key_id}", after=after)
    with store.write() as transaction:
        transaction.conn.execute(insert(service_keys).values(row))
        audit.append(transaction, entry, now=now)
    return f"{_PREFIX}.{key_id}.{secret}"


def verify_service_key(store: OpsStore, key: str, *, directory: Directory, now: dt.datetime) -> Principal:
    """The service behind a key, with the key's scopes. Raises NotAuthenticated, always with one sentence."""
    refused = NotAuthenticated("the service key is not valid")
    prefix, _, rest = key.partition(".")
    key_id, _, secret = rest.partition(".")
    with store.read() as conn:
        row = conn.execute(select(service_keys).where(service_keys.c.key_id == key_id)).mappings().first()
    stored = row["secret_hash"] if row else _hash("")
    matches = hmac.compare_digest(stored, _hash(secret))
    if prefix != _PREFIX or row is None or not matches:
        raise refused
    if row["revoked_at"] is not None or not row["created_at"] <= now < row["expires_at"]:
        raise refused
    return replace(directory.service(row["service"]), scopes=frozenset(row["scopes"]), token_id=key_id)


def revoke_service_key(store: OpsStore, key_id: str, *, revoked_by: str, now: dt.datetime) -> None:
    """From now on the key opens nothing. Raises NotFound when there is no such live key."""
    table = service_keys
    change = update(table).where(table.c.key_id == key_id, table.c.revoked_at.is_(None))
    entry = audit.AuditEntry(revoked_by, "service_key.revoke", f"service_key.{key_id}")
    with store.write() as transaction:
        if transaction.conn.execute(change.values(revoked_at=now)).rowcount != 1:
            raise NotFound(f"no live service key {key_id!r}")
        audit.append(transaction, entry, now=now)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
