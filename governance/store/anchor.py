"""The audit heads, kept in a file outside the store: a chain that was cut or rewritten no longer fits them.

One line a commit: sequence number and hash of the newest audit row. Lines are only appended, in one write
each, so that processes need no lock; their order does not matter. Put the file where whoever may write
the store may not write, and the chain is as safe as that place.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from governance.errors import AuditBrokenError, StoreUnavailableError

_CUT_SHORT = re.compile(r"\d*|\d+ [0-9a-f]{0,63}")


@dataclass(frozen=True)
class AnchorLine:
    """The newest audit row at one commit."""

    seq: int
    hash: str


GENESIS = AnchorLine(0, "0" * 64)  # the chain before its first row


class Anchor:
    """The append-only file of audit heads at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def check_writable(self) -> None:
        """Raises StoreUnavailableError before anything is done, rather than after."""
        with self._needed():
            os.close(self._open())

    def begin(self) -> None:
        """Anchor the empty chain. Raises StoreUnavailableError."""
        with self._needed():
            self.append(GENESIS)

    @contextmanager
    def _needed(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreUnavailableError(
                f"The audit anchor {self.path} cannot be written: {error}."
            ) from error

    def is_empty(self) -> bool:
        """Whether no whole line was ever written; a file that is not there is empty."""
        try:
            return self.path.stat().st_size < len(_line(GENESIS))
        except FileNotFoundError:
            return True

    def append(self, head: AnchorLine) -> None:
        """Durable once this returns. Raises OSError; `leading_hashes` skips a line that was cut short."""
        line = _line(head)
        descriptor = self._open()
        try:
            if self._ends_within_a_line():
                line = b"\n" + line
            if os.write(descriptor, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def leading_hashes(self) -> dict[int, str]:
        """Hash by sequence number; empty when nothing was anchored yet.

        The beginning of a line, which a full disk leaves, says nothing. Raises AuditBrokenError on any other
        line that is not a head, or on two heads for one row.
        """
        if not self.path.exists():
            return {}
        leading_hashes: dict[int, str] = {}
        for number, line in enumerate(self.path.read_text().splitlines(), start=1):
            if _CUT_SHORT.fullmatch(line):
                continue
            seq, _, digest = line.partition(" ")
            if not seq.isdigit() or leading_hashes.setdefault(int(seq), digest) != digest:
                raise AuditBrokenError(f"Line {number} of the audit anchor {self.path.name} does not hold.")
        return leading_hashes

    def _ends_within_a_line(self) -> bool:
        with self.path.open("rb") as file:
            if not file.seek(0, os.SEEK_END):
                return False
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"

    def _open(self) -> int:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def _line(head: AnchorLine) -> bytes:
    return f"{head.seq} {head.hash}\n".encode()
