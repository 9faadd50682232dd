"""Keys for machines: scoped, expiring, kept as a hash, shown once."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import insert, select, update

from governance.errors import InvalidDecisionError, NotAuthenticatedError, NotFoundError
from governance.identity.directory import Directory
from governance.identity.principal import Principal
from governance.store import audit
from governance.store.engine import OpsStore
from governance.store.schema import service_keys

_PREFIX = "steelyard"
_FORM = re.compile(rf"{_PREFIX}\.([0-9a-f]{{16}})\.([A-Za-z0-9_-]{{43}})")
_LONGEST = dt.timedelta(days=366)


@dataclass(frozen=True)
class ServiceKey:
    """What is known of an issued key: everything but its secret."""

    key_id: str
    service: str
    scopes: list[str]
    created_by: str
    created_at: dt.datetime
    expires_at: dt.datetime
    revoked_at: dt.datetime | None


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

    256 random bits, so a plain SHA-256 is all the hashing it needs. At most a year, and at most the scopes
    that the directory gives the service. The caller has checked that `created_by` may do this. Raises
    InvalidDecisionError on scopes or a lifetime that cannot be, NotFoundError on an unknown service.
    """
    wanted = frozenset(scopes)
    if service not in directory.services:
        raise NotFoundError(
            f"No service {service!r}.", hint=f"services: {', '.join(sorted(directory.services))}"
        )
    possible = directory.scopes_of(service)
    if not wanted or wanted - possible:
        raise InvalidDecisionError(
            f"{service} cannot have a key for {', '.join(sorted(wanted - possible)) or 'nothing'}.",
            hint=f"scopes of {service}: {', '.join(sorted(possible))}",
        )
    if not dt.timedelta(0) < lifetime <= _LONGEST:
        raise InvalidDecisionError("A service key lives between a moment and a year.")
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
        transaction.touch(service_keys, key_id)
        audit.append(transaction, entry, now=now)
    return f"{_PREFIX}.{key_id}.{secret}"


def verify_service_key(store: OpsStore, key: str, *, directory: Directory, now: dt.datetime) -> Principal:
    """The service behind a key, with the key's scopes.

    Raises NotAuthenticatedError, always with one sentence.
    """
    refused = NotAuthenticatedError(
        "The service key is not valid.",
        hint="it may have expired or been revoked: `steelyard auth key list` shows the live ones",
    )
    form = _FORM.fullmatch(key)
    if form is None:
        raise refused
    key_id, secret = form.groups()
    with store.read() as conn:
        row = conn.execute(select(service_keys).where(service_keys.c.key_id == key_id)).mappings().first()
    stored = row["secret_hash"] if row else _hash("")
    matches = hmac.compare_digest(stored, _hash(secret))
    if row is None or not matches or row["service"] not in directory.services:
        raise refused
    if row["revoked_at"] is not None or not row["created_at"] <= now < row["expires_at"]:
        raise refused
    service = directory.service(row["service"])
    scopes = frozenset(row["scopes"]) & directory.scopes_of(service.user)
    return replace(service, scopes=scopes, token_id=key_id)


def is_service_key(credential: str) -> bool:
    """Whether a bearer credential claims to be a service key rather than a token."""
    return credential.startswith(f"{_PREFIX}.")


def list_service_keys(store: OpsStore) -> list[ServiceKey]:
    """Every key that was ever issued, newest first."""
    table = service_keys
    columns = [table.c[name] for name in ServiceKey.__dataclass_fields__]
    query = select(*columns).order_by(table.c.created_at.desc(), table.c.key_id)
    with store.read() as conn:
        return [ServiceKey(**row) for row in conn.execute(query).mappings()]


def revoke_service_key(store: OpsStore, key_id: str, *, revoked_by: str, now: dt.datetime) -> None:
    """From now on the key opens nothing. Raises NotFoundError when there is no such live key."""
    table = service_keys
    change = update(table).where(table.c.key_id == key_id, table.c.revoked_at.is_(None))
    entry = audit.AuditEntry(revoked_by, "service_key.revoke", f"service_key.{key_id}")
    with store.write() as transaction:
        if transaction.conn.execute(change.values(revoked_at=now)).rowcount != 1:
            raise NotFoundError(
                f"No live service key {key_id!r}.",
                hint="`steelyard auth key list` shows the keys and their ids",
            )
        transaction.touch(table, key_id)
        audit.append(transaction, entry, now=now)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
