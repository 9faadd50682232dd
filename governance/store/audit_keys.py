"""Keys that seal audit entries: who can write the database but has no key cannot forge an entry."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field

from governance.errors import AuditBrokenError


@dataclass(frozen=True)
class AuditKey:
    """One secret. `key_id` names it in every entry and tells nothing of it."""

    key_id: str
    secret: bytes = field(repr=False)

    @classmethod
    def of(cls, secret: str) -> AuditKey:
        """The key of a secret; its id is derived, so that equal secrets have equal ids everywhere."""
        named = hashlib.sha256(b"steelyard audit key:" + secret.encode()).hexdigest()
        return cls(named[:12], secret.encode())

    def seal(self, message: bytes) -> str:
        """HMAC-SHA256 of the message, in hexadecimal."""
        return hmac.new(self.secret, message, hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class AuditKeys:
    """All keys that ever sealed entries, oldest first; the last one seals new entries."""

    keys: tuple[AuditKey, ...]

    @classmethod
    def from_secrets(cls, secrets: Iterable[str]) -> AuditKeys:
        """Raises ValueError without a secret."""
        keys = tuple(AuditKey.of(secret) for secret in secrets)
        if not keys:
            raise ValueError("an audit needs a key at least")
        return cls(keys)

    @property
    def current(self) -> AuditKey:
        """The key of new entries."""
        return self.keys[-1]

    def find(self, key_id: str) -> AuditKey | None:
        """The key of that id, or None."""
        return next((key for key in self.keys if key.key_id == key_id), None)

    def need(self, key_id: str) -> AuditKey:
        """As `find`. Raises AuditBrokenError naming the key that is missing."""
        key = self.find(key_id)
        if key is None:
            raise AuditBrokenError(
                f"The audit was sealed with key {key_id}, which is not among the keys at hand.",
                hint="STEELYARD_AUDIT_KEY_FILE names the file of all keys, retired ones included",
            )
        return key
