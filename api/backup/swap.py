"""Put a folder in the place of another: at every moment the one or the other is there, whole."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_UNSUPPORTED = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)


def replace_folder(fresh: Path, place: Path, aside: Path) -> None:
    """`fresh` becomes `place`; what was there becomes `aside`. Both are in one folder. Raises OSError.

    The two are exchanged in one step of the kernel. Where it cannot do so, there is a moment between two
    renames in which `place` is missing and both folders are there under their other names.
    """
    if not place.exists():
        fresh.rename(place)
    elif _exchange(fresh, place):
        fresh.rename(aside)
    else:
        place.rename(aside)
        fresh.rename(place)
    _fsync(place.parent)


def _exchange(one: Path, other: Path) -> bool:
    """False if this system does not know how."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    done = renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    if done == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNSUPPORTED:
        return False
    raise OSError(number, os.strerror(number), str(other))


def _fsync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
