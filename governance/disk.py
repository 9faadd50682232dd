"""Files that are there whole, old or new, whenever a process or the disk gives out; a full disk, reported."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from governance.errors import DiskFullError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FULL_MESSAGES = (*map(os.strerror, _FULL), "database or disk is full")  # the last is what SQLite says


def atomic_write(path: Path, text: str) -> None:
    """Put `text` in the place of the file by one rename; raises OSError, and the old file stays.

    What a kill leaves is a hidden file beside it that nobody reads; the next write removes it.
    """
    remove_stale_temp_files(path.parent, path.name)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def remove_stale_temp_files(folder: Path, name: str = "*") -> None:
    """Remove what writers left that were killed: hidden parts that name a process that is gone."""
    for part in folder.glob(f".{name}.*.part"):
        try:
            os.kill(int(part.name.split(".")[-2]), 0)
        except (ProcessLookupError, ValueError):
            part.unlink(missing_ok=True)
        except PermissionError:
            pass  # alive, and somebody else's


@contextmanager
def raise_on_disk_full(doing: str) -> Iterator[None]:
    """Raises DiskFullError in place of what a library says of a full disk, a quota or a limit of size."""
    try:
        yield
    except (OSError, duckdb.Error, sqlite3.OperationalError) as error:
        if not is_disk_full(error):
            raise
        reason = str(error).splitlines()[0]
        raise DiskFullError(
            f"The disk is full: {doing} stopped ({reason}).",
            hint="Free some space and run it again: nothing half-done is used; what served before serves.",
        ) from error


def is_disk_full(error: BaseException) -> bool:
    """Whether the error, or one that led to it, is that of a full disk."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return True
    if any(message in str(error) for message in _FULL_MESSAGES):
        return True
    return error.__cause__ is not None and is_disk_full(error.__cause__)
