"""What an archive says of itself: version, settings, and the hash of every file in it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import PurePosixPath
from typing import Literal

from pydantic import SecretStr

from api.errors import BackupInvalidError
from api.settings import Settings

FORMAT = 1
MANIFEST = "MANIFEST.json"
MANIFEST_DIGEST = "MANIFEST.sha256"
STATE = "state"  # below it: the files of STEELYARD_VAR_DIR
OPS = "ops"  # below it: the ops store and its anchor, wherever they were
OPS_SQLITE = f"{OPS}/ops.db"
OPS_ANCHOR = f"{OPS}/ops.db.audit-anchor"
OPS_SQL = f"{OPS}/ops.sql"
_PASSWORD = re.compile(r"(?<=://)([^:/@\s]*):[^@/\s]*@")
OpsKind = Literal["sqlite", "postgresql", "none"]


@dataclass(frozen=True)
class ArchivedFile:
    """One file of an archive. `mode` is its permission bits, which restoring sets again."""

    sha256: str
    bytes: int
    mode: int


@dataclass(frozen=True)
class BackupManifest:
    """`state_folder` is where the state was; `current` what the link of that name pointed at, or empty.

    `ops_revision` is the ops store's schema, None if it was never migrated. `files` is in the order of the
    archive.
    """

    product_version: str
    created_at: str
    state_folder: str
    current: str
    ops_kind: OpsKind
    ops_revision: str | None
    includes_secrets: bool
    settings: Mapping[str, str]
    files: Mapping[str, ArchivedFile]
    format: int = FORMAT

    def to_json(self) -> bytes:
        """As it is written into the archive."""
        return json.dumps(asdict(self), indent=1).encode()

    @classmethod
    def from_json(cls, text: bytes, digest: str) -> BackupManifest:
        """Raises BackupInvalidError if the text is damaged, of another format, or names a file elsewhere."""
        if hashlib.sha256(text).hexdigest() != digest:
            raise BackupInvalidError(f"{MANIFEST} was changed after the backup was made.")
        body = json.loads(text)
        if body.get("format") != FORMAT:
            raise BackupInvalidError(
                f"The backup has format {body.get('format')}, this version reads {FORMAT}.",
                hint=f"Restore it with Steelyard {body.get('product_version', 'of its own version')}.",
            )
        files = {name: ArchivedFile(**entry) for name, entry in body.pop("files").items()}
        for name in files:
            _check_name(name)
        if body["current"]:
            _check_name(f"{STATE}/{body['current']}")
        return cls(files=files, **body)


def product_version() -> str:
    """The installed version of the product."""
    return metadata.version("steelyard")


def plain_settings(settings: Settings) -> dict[str, str]:
    """Every setting as text; secrets and passwords in URLs are replaced by three stars."""
    listed = {}
    for name, value in settings.model_dump().items():
        is_secret = isinstance(value, SecretStr) or name.endswith(("_secret", "_key"))
        text = "***" if is_secret and value is not None and str(value) else str(value)
        listed[name] = _PASSWORD.sub(r"\1:***@", text)
    return listed


def _check_name(name: str) -> None:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or path.parts[0] not in (STATE, OPS):
        raise BackupInvalidError(f"The backup names a file outside the state: {name!r}.")
