"""Make a backup: copies of what changes first, in an order that fits together, then one archive."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from sqlalchemy.engine import make_url

from api.backup.contents import files_of, is_immutable, is_secret, is_sqlite
from api.backup.databases import copy_sqlite, dump_postgresql
from api.backup.manifest import (
    MANIFEST,
    MANIFEST_DIGEST,
    OPS_ANCHOR,
    OPS_SQL,
    OPS_SQLITE,
    STATE,
    ArchivedFile,
    BackupManifest,
    OpsKind,
    plain_settings,
    product_version,
)
from api.errors import BackupFailedError
from api.settings import Settings
from governance.disk import raise_on_disk_full
from governance.releases import ReleaseStore
from governance.store import OpsStore
from governance.store.migrate import revision_of
from integrations.ingest import only_writer

Progress = Callable[[str], None]


@dataclass(frozen=True)
class BackupReport:
    """Where the archive is, how many files it holds, and whether keys and passwords are among them."""

    archive: Path
    files: int
    bytes: int
    includes_secrets: bool


@dataclass(frozen=True)
class _Ops:
    kind: OpsKind
    revision: str | None
    files: dict[str, Path]
    inside: frozenset[Path]  # what of it is in the state folder, and so not copied twice


def write_backup(
    settings: Settings,
    target: Path | None = None,
    *,
    secrets: bool = True,
    progress: Progress = lambda _: None,
) -> BackupReport:
    """Write the whole state into one tar file, readable by its owner only.

    `target` is a file or a folder (the current one by default). Decisions, queries and training go on
    meanwhile; an ingest or a pruning of releases waits or is refused, and one that is running refuses the
    backup (LandingBusyError). Raises BackupFailedError or DiskFullError; then there is no archive.
    """
    created_at = datetime.now(UTC)
    archive = _target(settings, target, created_at)
    part = archive.with_name(f".{archive.name}.{os.getpid()}.part")
    var_dir = settings.var_dir.resolve()
    with raise_on_disk_full("the backup"), ExitStack() as stack:
        stack.callback(part.unlink, missing_ok=True)
        scratch = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix=".backup-", dir=archive.parent))
        )
        stack.enter_context(_unchanging(settings))
        current = ReleaseStore(var_dir).current_id()
        progress("copying databases")
        staged = _stage_sqlite(var_dir, settings, scratch)
        ops = _stage_ops(settings, scratch)
        sources = ops.files | dict(_sources(var_dir, scratch, staged, ops, secrets))
        progress("reading files")
        files = {name: _describe(path) for name, path in sources.items()}
        manifest = BackupManifest(
            product_version=product_version(),
            created_at=created_at.isoformat(timespec="seconds"),
            state_folder=str(var_dir),
            current=f"releases/{current}" if current else "",
            ops_kind=ops.kind,
            ops_revision=ops.revision,
            includes_secrets=secrets,
            settings=plain_settings(settings),
            files=files,
        )
        with _private(part) as file:
            _write_archive(file, manifest, sources, progress)
        part.replace(archive)
    return BackupReport(archive, len(files), sum(entry.bytes for entry in files.values()), secrets)


def _target(settings: Settings, target: Path | None, created_at: datetime) -> Path:
    name = f"steelyard-backup-{created_at:%Y%m%dT%H%M%SZ}.tar"
    place = Path.cwd() if target is None else target
    archive = (place / name if place.is_dir() else place).resolve()
    if not settings.var_dir.is_dir():
        raise BackupFailedError(
            f"There is no state in {settings.var_dir.resolve()}.",
            hint="STEELYARD_VAR_DIR names another folder.",
        )
    if archive.is_relative_to(settings.var_dir.resolve()):
        raise BackupFailedError(
            f"{archive} is in the state folder: it would be lost with what it is to save.",
            hint="Name a file or folder outside it, best on another disk: `--to`.",
        )
    if archive.exists():
        raise BackupFailedError(f"{archive} is there already.", hint="Name another file: `--to`.")
    if not archive.parent.is_dir():
        raise BackupFailedError(f"There is no folder {archive.parent}.", hint="Make it first.")
    return archive


@contextmanager
def _unchanging(settings: Settings) -> Iterator[None]:
    """No ingest lands, no release is published or removed. Raises LandingBusyError."""
    with ExitStack() as stack:
        if settings.landing.is_dir():
            stack.enter_context(only_writer(settings.landing))
        if ReleaseStore(settings.var_dir).folder.is_dir():
            stack.enter_context(ReleaseStore(settings.var_dir).unchanging())
        yield


def _stage_sqlite(var_dir: Path, settings: Settings, scratch: Path) -> dict[Path, Path]:
    """Copies of every SQLite database of the state but the ops store.

    The register of models is copied before the ops store: an alias that has moved has its approval there.
    """
    ops = _ops_path(settings)
    staged = {}
    for relative in files_of(var_dir):
        path = var_dir / relative
        if not is_immutable(relative) and path != ops and is_sqlite(path):
            copy = scratch / STATE / relative
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy_sqlite(path, copy)
            copy.chmod(path.stat().st_mode & 0o777)
            staged[relative] = copy
    return staged


def _stage_ops(settings: Settings, scratch: Path) -> _Ops:
    """The ops store; its anchor is copied before it, since a row is committed before its head is anchored."""
    path = _ops_path(settings)
    if path is None:
        dump = scratch / "ops.sql"
        dump_postgresql(make_url(settings.ops_store_url), dump)
        return _Ops("postgresql", _revision(settings), {OPS_SQL: dump}, frozenset())
    if not path.exists():
        return _Ops("none", None, {}, frozenset())
    anchor = path.with_name(path.name + ".audit-anchor")
    copies = {}
    if anchor.exists():
        copies[OPS_ANCHOR] = Path(shutil.copy2(anchor, scratch / "ops.db.audit-anchor"))
    copy = scratch / "ops.db"
    copy_sqlite(path, copy)
    copy.chmod(path.stat().st_mode & 0o777)
    return _Ops("sqlite", _revision(settings), {OPS_SQLITE: copy} | copies, frozenset({path, anchor}))


def _ops_path(settings: Settings) -> Path | None:
    """The file of the ops store; None if it is not in SQLite."""
    url = make_url(settings.ops_store_url)
    return Path(url.database or "").resolve() if url.get_backend_name() == "sqlite" else None


def _revision(settings: Settings) -> str | None:
    store = OpsStore(settings.ops_store_url)
    try:
        return revision_of(store)
    finally:
        store.close()


def _sources(
    var_dir: Path, scratch: Path, staged: dict[Path, Path], ops: _Ops, secrets: bool
) -> Iterator[tuple[str, Path]]:
    """Name in the archive and where its bytes are; what others may write meanwhile is copied first."""
    for relative in files_of(var_dir):
        path = var_dir / relative
        name = f"{STATE}/{relative.as_posix()}"
        if path in ops.inside or (is_secret(relative) and not secrets):
            continue
        if relative in staged:
            yield name, staged[relative]
        elif is_immutable(relative):
            yield name, path
        elif not _is_late_database(path):
            copy = scratch / STATE / relative
            copy.parent.mkdir(parents=True, exist_ok=True)
            try:
                yield name, Path(shutil.copy2(path, copy))
            except FileNotFoundError:
                continue  # a training's own, gone since it was listed


def _is_late_database(path: Path) -> bool:
    """A database made since the others were copied is of a later moment than they, and left out."""
    try:
        return is_sqlite(path)
    except FileNotFoundError:
        return True


def _describe(path: Path) -> ArchivedFile:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    status = path.stat()
    return ArchivedFile(digest, status.st_size, status.st_mode & 0o777)


@contextmanager
def _private(path: Path) -> Iterator[BinaryIO]:
    """A new file for its owner only, on the disk when the block ends."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _write_archive(
    file: BinaryIO, manifest: BackupManifest, sources: dict[str, Path], progress: Progress
) -> None:
    body = manifest.to_json()
    digest = hashlib.sha256(body).hexdigest().encode()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, text in ((MANIFEST, body), (MANIFEST_DIGEST, digest)):
            archive.addfile(_member(name, len(text), 0o600), BytesIO(text))
        for number, (name, path) in enumerate(sources.items(), start=1):
            entry = manifest.files[name]
            progress(f"{number}/{len(sources)} {name}")
            with path.open("rb") as content:
                hashing = _Hashing(content)
                archive.addfile(_member(name, entry.bytes, entry.mode), hashing)
            if hashing.digest.hexdigest() != entry.sha256:
                raise BackupFailedError(f"{name} changed while it was backed up.", hint="Run it again.")


def _member(name: str, size: int, mode: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, mode
    return member


class _Hashing:
    """A file that hashes what is read of it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(size)
        self.digest.update(chunk)
        return chunk
