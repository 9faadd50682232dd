"""The ops store of an installation, opened with the keys and anchors that its settings name."""

from __future__ import annotations

import secrets
from pathlib import Path

from api.auth.secret import secret_in
from api.auth.service_keys import write_private
from api.errors import SettingsInvalidError
from api.settings import Settings
from governance.store import OpsStore
from governance.store.audit_keys import AuditKeys
from governance.store.migrate import upgrade

CURSOR_KEY = "keys/cursors"  # below var_dir; made for its owner only
KEY_FILE = "keys/audit"  # below var_dir, if no setting names another place


def open_ops_store(settings: Settings, *, migrate: bool = True) -> OpsStore:
    """The store, in this version's schema; its audit is sealed by the key of `audit_keys`.

    Without `migrate` nothing is changed or made: for those who only look. Raises StoreUnavailableError,
    StoreTooNewError or SettingsInvalidError.
    """
    store = OpsStore(
        settings.ops_store_url,
        second_anchor=second_anchor(settings),
        keys=audit_keys(settings, create=migrate),
        cursor_secret=secret_in(settings.var_dir / CURSOR_KEY) if migrate else "",
    )
    if migrate:
        upgrade(store)
    return store


def audit_keys(settings: Settings, *, create: bool = True) -> AuditKeys | None:
    """Every key of the audit, the current one last.

    STEELYARD_AUDIT_KEY wins (several are separated by blanks), then STEELYARD_AUDIT_KEY_FILE (one a line),
    else a file below var_dir, which is made for its owner only; None if it is missing and may not be made.
    """
    text = settings.audit_key.get_secret_value()
    if not text:
        path = key_file(settings)
        if settings.audit_key_file is None and create:
            secret_in(path)
        elif not path.exists():
            if settings.audit_key_file is None:
                return None
            raise SettingsInvalidError(
                f"STEELYARD_AUDIT_KEY_FILE: there is no file {path}.",
                hint="Make it with one random line, readable by its owner only: "
                f"`(umask 077; openssl rand -base64 32 > {path})`.",
            )
        if path.stat().st_mode & 0o077:
            raise SettingsInvalidError(
                f"The audit's key {path} can be read by others.", hint=f"chmod 600 {path}"
            )
        text = path.read_text()
    key_lines = text.split()
    if not key_lines:
        raise SettingsInvalidError(
            "The audit's key is empty.", hint="STEELYARD_AUDIT_KEY_FILE names its file."
        )
    return AuditKeys.from_secrets(key_lines)


def key_file(settings: Settings) -> Path:
    """The file of the audit's keys, there or not."""
    return settings.audit_key_file or settings.var_dir / KEY_FILE


def second_anchor(settings: Settings) -> Path | None:
    """Where the audit's heads are anchored a second time: the file that is set, or one in the folder."""
    path = settings.audit_anchor
    return path / "ops.audit-anchor" if path is not None and path.is_dir() else path


def add_key(settings: Settings) -> AuditKeys:
    """A new key at the end of the file; the older ones stay, to verify what they sealed.

    Raises SettingsInvalidError if the key comes from the environment.
    """
    if settings.audit_key.get_secret_value():
        raise SettingsInvalidError(
            "The audit's key comes from STEELYARD_AUDIT_KEY, which no command can change.",
            hint="Put the new secret behind the old one, with a blank between them, and start again: the "
            "next entry names it. Keep the old one there.",
        )
    before = audit_keys(settings)
    path = key_file(settings)
    lines = path.read_text().split() if before else []
    write_private(path, "\n".join([*lines, secrets.token_urlsafe(32)]))
    keys = audit_keys(settings)
    if keys is None:
        raise SettingsInvalidError("The audit has no key.")
    return keys
