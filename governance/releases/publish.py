"""Which release serves: a symlink, changed by one rename."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from governance.disk import raise_on_disk_full
from governance.releases.errors import ReleaseBusyError, ReleaseCorruptError, ReleaseNotFoundError
from governance.releases.layout import Release, check_warehouse, open_release, seal
from semantic.suggest import near

BUILDING = ".building-"
_STAMP = "%Y%m%dT%H%M%S"


@dataclass(frozen=True)
class ReleaseStore:
    """Releases below `var_dir/releases`, with `var_dir/current` pointing at the one that serves.

    Publishing is `rename()` of a new symlink over the old one, so a reader sees the old release or
    the new one and never a mixture. Readers keep what they have open.
    """

    var_dir: Path

    @property
    def folder(self) -> Path:
        return self.var_dir / "releases"

    @property
    def pointer(self) -> Path:
        return self.var_dir / "current"

    @contextmanager
    def building(self, fingerprint: str) -> Iterator[Path]:
        """A new folder `.building-<release id>`. Becomes a release, or vanishes on an exception.

        A kill leaves a `.building-` folder that nobody reads; the next build sweeps it away. One build at a
        time, or the one would sweep the other's folder: raises ReleaseBusyError.
        """
        with raise_on_disk_full("the build of a release"), self._alone("building"):
            yield from self._build(fingerprint)

    def _build(self, fingerprint: str) -> Iterator[Path]:
        self.sweep()
        created_at = datetime.now(UTC)
        release_id = f"{self._next_stamp(created_at)}-{fingerprint[:8]}"
        work = self.folder / f"{BUILDING}{release_id}"
        work.mkdir()
        try:
            yield work
            seal(work, release_id, created_at.isoformat(timespec="seconds"), fingerprint)
            _fsync_tree(work)
            work.rename(self.folder / release_id)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise

    def _next_stamp(self, now: datetime) -> str:
        """The moment, or a second after the newest release: ids rise also if the clock went back, since
        roll back and prune go by them."""
        newest = max((_stamped(name) for name in self.ids()), default=now - timedelta(seconds=1))
        return f"{max(now, newest + timedelta(seconds=1)):{_STAMP}}"

    def sweep(self) -> None:
        """Remove folders of builds that died."""
        for left_over in self.folder.glob(f"{BUILDING}*"):
            shutil.rmtree(left_over, ignore_errors=True)

    def ids(self) -> list[str]:
        """Release ids, oldest first, complete or not."""
        if not self.folder.is_dir():
            return []
        return sorted(p.name for p in self.folder.iterdir() if p.is_dir() and not p.name.startswith("."))

    def list(self) -> list[Release]:
        """Releases that hold against their seal, oldest first."""
        sound = []
        for release_id in self.ids():
            with suppress(ReleaseCorruptError):
                sound.append(open_release(self.folder / release_id))
        return sound

    def get(self, release_id: str) -> Release:
        """Raises ReleaseNotFoundError (with the near miss) or ReleaseCorruptError."""
        ids = self.ids()
        if release_id not in ids:  # also keeps path parts such as '..' out
            hint = near(release_id, ids, 1) or "`steelyard release list` shows them."
            raise ReleaseNotFoundError(f"There is no release {release_id!r}.", hint=hint)
        return open_release(self.folder / release_id)

    def current_id(self) -> str | None:
        """Name of the published release, or None. One readlink: cheap enough for every request."""
        try:
            return self.pointer.readlink().name
        except OSError:
            return None

    def current(self) -> Release:
        """The published release. Raises ReleaseNotFoundError if none is."""
        release_id = self.current_id()
        if release_id is None:
            raise ReleaseNotFoundError(
                f"No release is published yet in {self.pointer.parent.resolve()}.",
                hint="`make pipeline` builds the first one; STEELYARD_VAR_DIR names another place.",
            )
        return self.get(release_id)

    def serving(self) -> Release:
        """The release to answer from: the published one or, if that is damaged, the last good one before it.

        Raises ReleaseCorruptError if there is none. What builds on a release asks for `current` instead.
        """
        try:
            return self.current()
        except ReleaseCorruptError:
            published = self.current_id() or ""
            older = [release for release in self.list() if release.release_id < published]
            if not older:
                raise
            return older[-1]

    def publish(self, release_id: str) -> Release:
        """Point `current` at a release that holds against its seal, byte by byte."""
        with raise_on_disk_full("publishing"), self._alone("publishing", wait=True):
            release = self.get(release_id)
            check_warehouse(release)
            fresh = self.var_dir / ".current"
            fresh.unlink(missing_ok=True)  # of a publication that was killed
            fresh.symlink_to(Path("releases") / release_id)
            fresh.rename(self.pointer)
            _fsync(self.var_dir)
        return release

    @contextmanager
    def unchanging(self) -> Iterator[None]:
        """While this lasts no release is published or pruned; who wants to waits. For those who copy."""
        with self._alone("publishing", wait=True):
            yield

    def rollback(self) -> Release:
        """Publish the newest sound release older than the current one."""
        now = self.current_id()
        older = [r for r in self.list() if now is not None and r.release_id < now]
        if not older:
            raise ReleaseNotFoundError(
                "No older release to roll back to.", hint="`steelyard release list` shows them."
            )
        return self.publish(older[-1].release_id)

    def prune(self, keep: int) -> tuple[str, ...]:
        """Remove all but the newest `keep` releases; answers the ids that went.

        The one that serves stays, and so does every newer one and the one that a roll back would go to. What
        is removed can no longer be asked for with `--release`; audit and decisions keep its name.
        """
        with self._alone("publishing", wait=True):
            sound = [release.release_id for release in self.list()]
            current = self.current_id()
            older = [name for name in sound if current is None or name < current]
            stay = {*sound[-max(keep, 1) :], *older[-1:], *(name for name in sound if name not in older)}
            gone = [name for name in self.ids() if name not in stay and name in older]
            for name in gone:
                leaving = self.folder / f"{BUILDING}{name}"  # a kill in between leaves it to the next sweep
                (self.folder / name).rename(leaving)
                shutil.rmtree(leaving, ignore_errors=True)  # a build that begins now sweeps it, too
        return tuple(gone)

    def keep_only(self, release_id: str) -> tuple[str, ...]:
        """Remove every other release, sound or not, and what builds have left; answers the ids that went.

        For rows that nobody may ask for again: nothing is left to roll back to until the next build. Raises
        ReleaseNotFoundError or ReleaseCorruptError, and then nothing is removed.
        """
        with self._alone("publishing", wait=True):
            self.get(release_id)
            gone = [name for name in self.ids() if name != release_id]
            for name in gone:
                (self.folder / name).rename(self.folder / f"{BUILDING}{name}")
            self.sweep()
        return tuple(gone)

    @contextmanager
    def _alone(self, what: str, *, wait: bool = False) -> Iterator[None]:
        """Nobody else is `what` in this store meanwhile; the lock of a process that ended is free."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f".{what}.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ReleaseBusyError(
                    f"Another process is {what} a release in {self.folder}.",
                    hint="Wait for it to end, then run again.",
                ) from error
            yield


def _stamped(release_id: str) -> datetime:
    """The moment that an id names; the beginning of time for a folder that is named otherwise."""
    try:
        return datetime.strptime(release_id.partition("-")[0], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _fsync_tree(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_file():
            _fsync(path)
    _fsync(folder)
