"""Restore a backup: everything is unpacked and checked beside the state, then takes its place at once."""

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
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from api.backup.databases import load_postgresql
from api.backup.manifest import (
    MANIFEST,
    MANIFEST_DIGEST,
    OPS,
    OPS_ANCHOR,
    OPS_SQL,
    OPS_SQLITE,
    STATE,
    BackupManifest,
    product_version,
)
from api.backup.relocate import relocate_models
from api.backup.swap import replace_folder
from api.errors import BackupFailedError, BackupInvalidError, StateNotEmptyError
from api.settings import Settings
from governance.disk import raise_on_disk_full
from governance.store import OpsStore
from governance.store.migrate import is_known_revision

Progress = Callable[[str], None]
_CHUNK = 1 << 20


@dataclass(frozen=True)
class RestoreReport:
    """What was restored, from which version, and where the state that was there before has gone."""

    files: int
    product_version: str
    created_at: str
    includes_secrets: bool
    moved_aside: tuple[str, ...]


def restore_backup(
    settings: Settings, archive: Path, *, force: bool = False, progress: Progress = lambda _: None
) -> RestoreReport:
    """Put the state of `archive` where `settings` says that state is.

    Raises StateNotEmptyError if there is one and `force` was not given (with it, the old state is moved
    aside, never removed), BackupInvalidError naming the first file that is damaged or missing,
    BackupFailedError or DiskFullError; in each case the old state stays as it was. Servers that run must be
    started again.
    """
    place = settings.var_dir.resolve()
    manifest = read_manifest(archive)
    _check_fits(settings, manifest)
    _check_empty(settings, force)
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    suffix = f".before-restore-{stamp}"
    place.parent.mkdir(parents=True, exist_ok=True)
    with raise_on_disk_full("the restore"), _scratch(place) as scratch:
        _unpack(archive, manifest, scratch, progress)
        fresh = scratch / STATE
        fresh.mkdir(exist_ok=True)
        if manifest.current:
            (fresh / "current").symlink_to(manifest.current)
        relocate_models(fresh, manifest.state_folder, str(place))
        moved = _place_ops(settings, scratch / OPS, fresh, suffix)
        old = place.with_name(place.name + suffix)
        progress("putting it in place")
        try:
            if place.exists():
                moved.append(str(old))
            replace_folder(fresh, place, old)
        except OSError as error:
            raise BackupFailedError(
                f"{place} cannot be replaced: {error.strerror}.",
                hint="If it is a mount, restore into a new folder below it, which STEELYARD_VAR_DIR names.",
            ) from error
    return RestoreReport(
        len(manifest.files),
        manifest.product_version,
        manifest.created_at,
        manifest.includes_secrets,
        tuple(moved),
    )


def read_manifest(archive: Path) -> BackupManifest:
    """What the archive says it holds. Raises BackupInvalidError."""
    with _reading(archive) as tar:
        texts = {}
        for name in (MANIFEST, MANIFEST_DIGEST):
            member = tar.next()
            content = tar.extractfile(member) if member is not None and member.name == name else None
            if content is None:
                raise BackupInvalidError(f"{archive.name} is not a backup of Steelyard: {name} is missing.")
            texts[name] = content.read()
    return BackupManifest.from_json(texts[MANIFEST], texts[MANIFEST_DIGEST].decode(errors="replace"))


@contextmanager
def _reading(archive: Path) -> Iterator[tarfile.TarFile]:
    unreadable = f"{archive} cannot be read as a backup"
    try:
        tar = tarfile.open(archive, "r:")  # noqa: SIM115  closed below: an OSError there is of writing
    except (tarfile.TarError, OSError) as error:
        raise BackupInvalidError(f"{unreadable}: {error}.") from error
    try:
        yield tar
    except tarfile.TarError as error:
        raise BackupInvalidError(f"{unreadable}: {error}.") from error
    finally:
        tar.close()


def _check_fits(settings: Settings, manifest: BackupManifest) -> None:
    kind = make_url(settings.ops_store_url).get_backend_name()
    if manifest.ops_kind not in ("none", kind):
        raise BackupInvalidError(
            f"The backup's ops store is {manifest.ops_kind}, STEELYARD_OPS_URL names {kind}.",
            hint=f"Set STEELYARD_OPS_URL to a {manifest.ops_kind} database.",
        )
    if manifest.ops_revision is not None and not is_known_revision(manifest.ops_revision):
        raise BackupInvalidError(
            f"The backup was made by Steelyard {manifest.product_version}, whose ops store this version "
            f"({product_version()}) does not know.",
            hint=f"Restore it with Steelyard {manifest.product_version} or newer.",
        )


def _check_empty(settings: Settings, force: bool) -> None:
    """Raises StateNotEmptyError for what is there, if nobody said that it may be moved aside."""
    if force:
        return
    there = settings.var_dir.resolve()
    ops = _sqlite_path(settings)
    if there.is_dir() and any(there.iterdir()):
        raise StateNotEmptyError(f"There is a state in {there}.", hint=_FORCE)
    if ops is not None and ops.exists():
        raise StateNotEmptyError(f"There is an ops store in {ops}.", hint=_FORCE)
    if ops is None and _has_tables(settings):
        raise StateNotEmptyError("There is an ops store in the database of STEELYARD_OPS_URL.", hint=_FORCE)


_FORCE = "`--force` moves it aside, under a name that the command prints; nothing is deleted."


def _has_tables(settings: Settings) -> bool:
    store = OpsStore(settings.ops_store_url)
    try:
        with store.read() as connection:
            return bool(sa.inspect(connection).get_table_names())
    finally:
        store.close()


@contextmanager
def _scratch(place: Path) -> Iterator[Path]:
    """A folder beside the state, on its disk, that is gone at the end; a kill leaves it, hidden."""
    with ExitStack() as stack:
        scratch = Path(tempfile.mkdtemp(prefix=f".{place.name}.restore-", dir=place.parent))
        stack.callback(shutil.rmtree, scratch, ignore_errors=True)
        yield scratch


def _unpack(archive: Path, manifest: BackupManifest, scratch: Path, progress: Progress) -> None:
    """Every file of the manifest, in its order, each checked; no other."""
    with _reading(archive) as tar:
        for _ in (MANIFEST, MANIFEST_DIGEST):
            tar.next()
        for number, name in enumerate(manifest.files, start=1):
            progress(f"{number}/{len(manifest.files)} {name}")
            try:
                member = tar.next()
                if member is None or member.name != name or not member.isreg():
                    raise BackupInvalidError(f"{name} is damaged or missing in {archive.name}.", hint=_OTHER)
                _unpack_one(tar, member, manifest, scratch / name)
            except tarfile.TarError as error:
                raise BackupInvalidError(
                    f"{name} is damaged in {archive.name}: {error}.", hint=_OTHER
                ) from error
        if (member := tar.next()) is not None:
            raise BackupInvalidError(
                f"{member.name} is in {archive.name}, and its manifest does not name it."
            )


_OTHER = "Nothing was restored. Take another backup, or another copy of this one."


def _unpack_one(tar: tarfile.TarFile, member: tarfile.TarInfo, manifest: BackupManifest, path: Path) -> None:
    entry = manifest.files[member.name]
    content = tar.extractfile(member)
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        while content is not None and (chunk := content.read(_CHUNK)):
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(entry.mode & 0o777)
    if digest.hexdigest() != entry.sha256:
        raise BackupInvalidError(f"{member.name} was changed after the backup was made.", hint=_OTHER)


def _place_ops(settings: Settings, unpacked: Path, fresh: Path, suffix: str) -> list[str]:
    """The ops store goes with the state folder if it belongs there, else to its own place; answers what was
    moved aside for it."""
    target = _sqlite_path(settings)
    if target is None:
        dump = unpacked / Path(OPS_SQL).name
        if not dump.exists():
            return []
        aside = suffix.removeprefix(".").replace("-", "_").lower() if _has_tables(settings) else None
        load_postgresql(make_url(settings.ops_store_url), dump, aside=aside)
        return [] if aside is None else [f"schema {aside}"]
    place = settings.var_dir.resolve()
    names = {OPS_SQLITE: target, OPS_ANCHOR: target.with_name(target.name + ".audit-anchor")}
    moved = []
    for name, path in names.items():
        source = unpacked / Path(name).name
        if path.is_relative_to(place):
            if source.exists():
                inside = fresh / path.relative_to(place)
                inside.parent.mkdir(parents=True, exist_ok=True)
                source.rename(inside)
            continue
        moved += _replace_outside(source, path, suffix)
    return moved


def _replace_outside(source: Path, path: Path, suffix: str) -> list[str]:
    moved = []
    for old in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        if old.exists():
            aside = old.with_name(old.name + suffix)
            old.rename(aside)
            moved.append(str(aside))
    if source.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(source, path)
    return moved


def _sqlite_path(settings: Settings) -> Path | None:
    url = make_url(settings.ops_store_url)
    return Path(url.database or "").resolve() if url.get_backend_name() == "sqlite" else None
