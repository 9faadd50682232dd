"""Who has which pseudonym: a secret table, outside landing and releases.

Raw keys are not in it: rows are found by an HMAC of the raw key. A pseudonym is drawn at random, so that
without the row nothing leads from one to the other, not even for who holds key and raw key. Erasure deletes
the row and keeps the HMAC, so that a later export of the same source does not bring the customer back.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from integrations.errors import PseudonymsMissingError
from integrations.pseudonyms.columns import ERASED

KEY, TABLE = "key", "pseudonyms.db"
_NEXT_KEY = ".key.next"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS pseudonyms (
    digest TEXT PRIMARY KEY, pseudonym TEXT NOT NULL UNIQUE
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS erasures (
    digest TEXT PRIMARY KEY, erased_at TEXT NOT NULL, pseudonym TEXT
) WITHOUT ROWID;
"""
_BATCH = 500


@dataclass(frozen=True)
class Erasure:
    """Somebody who was erased. `pseudonym` is None when nothing is left to do."""

    digest: str
    erased_at: str
    pseudonym: str | None


@dataclass(frozen=True)
class PseudonymTable:
    """The table of one installation, in `folder`; for its owner's eyes only."""

    folder: Path
    key: bytes = field(repr=False)

    @classmethod
    def open(cls, folder: Path) -> PseudonymTable:
        """The table, made with a new key if there is none, or if a kill left it half made.

        Raises PseudonymsMissingError if one of its two files is there without the other.
        """
        key, table = folder / KEY, folder / TABLE
        is_half_made = table.exists() and not cls.exists(folder)
        if key.exists() != table.exists() and not is_half_made:
            there, gone = (key, table) if key.exists() else (table, key)
            raise PseudonymsMissingError(
                f"{there} is there and {gone} is not: customers would get new pseudonyms.",
                hint="Put it back from a backup with secrets.",
            )
        if not key.exists():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            table.touch(mode=0o600)
            _write(folder / _NEXT_KEY, secrets.token_bytes(32))
            (folder / _NEXT_KEY).replace(key)  # whole or not at all: a key cut short would be a weak one
        opened = cls(folder, key.read_bytes())
        with opened._connection() as connection:
            connection.executescript(_SCHEMA)
        return opened

    @classmethod
    def exists(cls, folder: Path) -> bool:
        """Whether there is one already: an empty file has never been one."""
        table = folder / TABLE
        return table.exists() and table.stat().st_size > 0

    def digest(self, raw: str) -> str:
        """What stands for a raw key in this table and in the audit: a keyed hash of it."""
        return hmac.new(self.key, raw.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]

    def find(self, raw: str) -> str | None:
        """The pseudonym of a raw key; None if it has none, erased or never seen."""
        with self._connection() as connection:
            row = connection.execute(
                "SELECT pseudonym FROM pseudonyms WHERE digest = ?", [self.digest(raw)]
            ).fetchone()
        return None if row is None else str(row[0])

    def assign(self, raws: Iterable[str], *, published: bool = False) -> dict[str, str]:
        """The pseudonym of each raw key, drawn for those that have none; ERASED for those who were erased.

        `published` keys are public already (the demo's households): their pseudonyms are derived, so that the
        demo is the same everywhere.
        """
        by_digest = {self.digest(raw): raw for raw in raws}
        with self._connection() as connection:
            assigned = {d: str(p) for d, p in self._rows_of(connection, "pseudonyms", list(by_digest))}
            erased = [digest for digest, _ in self._rows_of(connection, "erasures", list(by_digest))]
            assigned.update(dict.fromkeys(erased, ERASED))
            fresh = [
                (digest, _derived(raw) if published else _drawn())
                for digest, raw in by_digest.items()
                if digest not in assigned
            ]
            connection.executemany("INSERT INTO pseudonyms VALUES (?, ?)", fresh)
        assigned.update(fresh)
        return {raw: assigned[digest] for digest, raw in by_digest.items()}

    def begin_erasure(self, digest: str, *, at: str) -> None:
        """From now on this customer is not landed again. What is landed is found by `pending`."""
        with self._connection() as connection:
            connection.execute(
                "INSERT INTO erasures SELECT ?, ?, (SELECT pseudonym FROM pseudonyms WHERE digest = ?) "
                "ON CONFLICT (digest) DO UPDATE SET pseudonym = excluded.pseudonym "
                "WHERE excluded.pseudonym IS NOT NULL",
                [digest, at, digest],
            )

    def finish_erasures(self, digests: Iterable[str]) -> None:
        """Nothing landed names them any more: their pseudonyms are forgotten."""
        with self._connection() as connection:
            for digest in digests:
                connection.execute("DELETE FROM pseudonyms WHERE digest = ?", [digest])
                connection.execute("UPDATE erasures SET pseudonym = NULL WHERE digest = ?", [digest])

    def erasures(self) -> list[Erasure]:
        """Everybody who was erased, oldest first."""
        with self._connection() as connection:
            rows = connection.execute("SELECT * FROM erasures ORDER BY erased_at, digest").fetchall()
        return [Erasure(*row) for row in rows]

    def pending(self) -> list[Erasure]:
        """Erasures that were begun, and whose rows may be landed still."""
        return [erasure for erasure in self.erasures() if erasure.pseudonym is not None]

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """One transaction. Deleted rows are overwritten, not only marked as free."""
        connection = sqlite3.connect(self.folder / TABLE, timeout=30)
        try:
            connection.execute("PRAGMA secure_delete = ON")
            with connection:
                yield connection
        finally:
            connection.close()

    @staticmethod
    def _rows_of(
        connection: sqlite3.Connection, table: str, digests: list[str]
    ) -> Iterator[tuple[str, str | None]]:
        for start in range(0, len(digests), _BATCH):
            part = digests[start : start + _BATCH]
            marks = ", ".join("?" * len(part))
            yield from connection.execute(
                f"SELECT digest, pseudonym FROM {table} WHERE digest IN ({marks})", part
            )


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _drawn() -> str:
    return "p" + secrets.token_hex(8)


def _derived(raw: str) -> str:
    return "p" + hashlib.sha256(b"published:" + raw.encode("utf-8", "surrogatepass")).hexdigest()[:16]
