"""A service's key in a file that only this user reads: how servers started here get to know their key."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from governance.errors import NotAuthenticatedError, StoreUnavailableError
from governance.identity import Directory, issue_service_key, verify_service_key
from governance.store import OpsStore

SUPERSET_SERVICE = "svc-superset"
_LIFETIME = timedelta(days=90)
_RENEW_BEFORE = timedelta(days=7)


def service_key_file(
    folder: Path,
    service: str,
    scopes: Iterable[str],
    *,
    store: OpsStore,
    directory: Directory,
    created_by: str = "serve",
) -> Path:
    """`<folder>/<service>.key`, mode 0600, holding a key that is valid for another week at least.

    A valid key is kept; one that was revoked, is about to expire, or has other scopes is replaced by a
    fresh one of ninety days. Raises StoreUnavailableError if others can read the file.
    """
    path = folder / f"{service}.key"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    now, scopes_wanted = datetime.now(UTC), frozenset(scopes)
    if path.exists():
        if path.stat().st_mode & 0o077:
            raise StoreUnavailableError(
                f"The key {path.name} can be read by others.", hint=f"chmod 600 {path}"
            )
        if _still_good(
            path.read_text().strip(),
            service,
            scopes_wanted,
            store=store,
            directory=directory,
            then=now + _RENEW_BEFORE,
        ):
            return path
    key = issue_service_key(
        store,
        service,
        scopes=scopes_wanted,
        lifetime=_LIFETIME,
        created_by=created_by,
        directory=directory,
        now=now,
    )
    write_private(path, key)
    return path


def write_private(path: Path, text: str) -> None:
    """Replace a file as a whole, readable by its owner only from its first byte on."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{text}\n")
    temporary.replace(path)


def _still_good(
    key: str, service: str, scopes: frozenset[str], *, store: OpsStore, directory: Directory, then: datetime
) -> bool:
    try:
        holder = verify_service_key(store, key, directory=directory, now=then)
    except NotAuthenticatedError:
        return False
    return holder.user == service and holder.scopes == scopes
