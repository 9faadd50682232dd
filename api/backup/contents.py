"""Which files of a state folder belong into a backup."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from api.doctor.safety import SECRET_FILES

_SKIPPED_FOLDERS = ("cache", "logs", "bench", "_work", ".building-*")  # made again, or half-made
_SKIPPED_FILES = ("*.lock", "_lock", "*-wal", "*-shm", "*-journal", ".*.part", ".current")
_SQLITE_HEADER = b"SQLite format 3\0"


def files_of(var_dir: Path) -> Iterator[Path]:
    """Paths relative to `var_dir`, in order of name, without locks, caches, logs and half-made releases.

    Links to folders are followed, but for `current`, which the manifest names.
    """
    for folder, folders, names in os.walk(var_dir, followlinks=True):
        relative = Path(folder).relative_to(var_dir)
        is_top = relative == Path()
        folders[:] = sorted(
            name
            for name in folders
            if not any(fnmatch(name, pattern) for pattern in _SKIPPED_FOLDERS)
            and not (is_top and name == "current")
        )
        for name in sorted(names):
            if not any(fnmatch(name, pattern) for pattern in _SKIPPED_FILES):
                yield relative / name


def is_secret(relative: Path) -> bool:
    """Whether a file holds a key or a password. The audit's anchor does not: without it no chain holds."""
    name = relative.as_posix()
    return any(fnmatch(name, pattern) for pattern in SECRET_FILES) and not name.endswith(".audit-anchor")


def is_immutable(relative: Path) -> bool:
    """Files of a release and of a landed batch are never written again, only removed as a whole."""
    parts = relative.parts
    in_release = len(parts) > 2 and parts[0] == "releases"
    return in_release or (len(parts) > 3 and parts[0] == "landing" and parts[2].startswith("batch="))


def is_sqlite(path: Path) -> bool:
    """By its first bytes: such a file is copied through SQLite, since half of it may be in its log."""
    with path.open("rb") as file:
        return file.read(len(_SQLITE_HEADER)) == _SQLITE_HEADER
