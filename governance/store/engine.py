"""One engine for SQLite and PostgreSQL, with serialised writes.

Writes are short and few (people decide), so they queue: SQLite by BEGIN IMMEDIATE, PostgreSQL by an advisory
lock. That makes the audit chain's "read the head, append" safe and leaves no deadlocks to reason about.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, Table, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from governance.errors import StoreUnavailableError
from governance.store.anchor import Anchor, AnchorLine
from governance.store.audit_keys import AuditKeys
from governance.store.chain import PendingEntries
from governance.store.pages import CursorSeal

_log = logging.getLogger(__name__)
_WRITE = "steelyard_write"
_ADVISORY_LOCK = 0x57EE17A2D  # any constant that only this store uses
_BUSY_TIMEOUT_MS = 30_000


@dataclass
class Transaction:
    """One open write: its connection, and the audit entries that are sealed just before it is committed."""

    conn: Connection
    pending: PendingEntries

    def touch(self, table: Table, *keys: object) -> None:
        """Rows of a bound table that were written: their digests go into the audit. Keys are primary keys."""
        self.pending.touch(table.name, [key if isinstance(key, tuple) else (key,) for key in keys])


class OpsStore:
    """The store at `url` (`sqlite:///…` or `postgresql+psycopg://…`).

    `anchor` is the file outside the store that keeps the audit heads; for SQLite it defaults to a file
    beside the database. `second_anchor` is another, best on another machine's disk. `keys` seal the audit;
    without them it is chained by plain hashes, and no row is bound to it. `cursor_secret` seals the cursors
    of pages; without one they hold as long as this object. Raises StoreUnavailableError when the database
    cannot be opened.
    """

    def __init__(
        self,
        url: str,
        *,
        anchor: Path | None = None,
        second_anchor: Path | None = None,
        keys: AuditKeys | None = None,
        cursor_secret: str = "",
    ) -> None:
        self.url = url
        self.keys = keys
        self.cursors = CursorSeal(cursor_secret)
        try:
            parsed = make_url(url)
            self.is_sqlite = parsed.get_backend_name() == "sqlite"
            database = Path(parsed.database) if self.is_sqlite and parsed.database else None
            if database is not None:
                database.parent.mkdir(parents=True, exist_ok=True)
                anchor = anchor or database.with_name(database.name + ".audit-anchor")
            self.engine = _sqlite(url) if self.is_sqlite else create_engine(url, pool_pre_ping=True)
        except (ArgumentError, NoSuchModuleError, ImportError, OSError) as error:
            raise StoreUnavailableError(
                f"The ops store cannot be opened: {error}.",
                hint="use sqlite:///path or postgresql+psycopg://…",
            ) from error
        self.anchors = tuple(Anchor(path) for path in (anchor, second_anchor) if path is not None)
        self._one_writer = threading.Lock()
        self._page_turns = threading.BoundedSemaphore(2 * (os.cpu_count() or 1))
        self._late_head: AnchorLine | None = None

    @property
    def anchor(self) -> Anchor | None:
        """The first place of the audit heads."""
        return self.anchors[0] if self.anchors else None

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """One serialised transaction: all of it is committed, or none.

        The anchor is opened first, so that a store whose audit could not be anchored refuses to act. If
        the disk gives out between commit and anchor, what was committed stays true; its head is anchored
        before anything else is written. Before the very first audit row the empty chain is anchored: a store
        that is killed in between is told apart from one whose anchor was taken away.
        """
        for anchor in self.anchors:
            anchor.check_writable()
        with self._one_writer:
            self._anchor_late_head()
            try:
                with self.engine.connect() as conn:
                    conn.execution_options(**{_WRITE: True})
                    with conn.begin():
                        if not self.is_sqlite:
                            conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
                        self._anchor_empty_chain(conn)
                        transaction = Transaction(conn, PendingEntries(conn, self.keys))
                        yield transaction
                        head = transaction.pending.seal()
            except SQLAlchemyError as error:
                raise StoreUnavailableError(
                    f"The ops store refused the write: {_cause(error)}.",
                    hint="see that it answers (STEELYARD_OPS_URL), then try again",
                ) from error
            self._anchor(head)

    def _anchor_empty_chain(self, conn: Connection) -> None:
        empty = [anchor for anchor in self.anchors if anchor.is_empty()]
        if not empty or not inspect(conn).has_table("audit_log"):
            return
        if conn.execute(text("SELECT 1 FROM audit_log LIMIT 1")).first() is None:
            for anchor in empty:
                anchor.begin()

    def _anchor_late_head(self) -> None:
        self._anchor(self._late_head)
        if self._late_head is not None:
            raise StoreUnavailableError(
                "The head of the last audit row could not be anchored yet, so nothing more is written.",
                hint="free some space where the audit anchor is",
            )

    def _anchor(self, head: AnchorLine | None) -> None:
        """Keeps the head for later if it cannot be anchored."""
        if head is None:
            return
        try:
            for anchor in self.anchors:
                anchor.append(head)
            self._late_head = None
        except OSError as error:
            self._late_head = head
            _log.error("audit row %d is committed, its head not anchored yet: %s", head.seq, error)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection whose reads see one snapshot."""
        try:
            with self.engine.connect() as conn, conn.begin():
                yield conn
        except SQLAlchemyError as error:
            raise StoreUnavailableError(f"The ops store cannot be read: {_cause(error)}.") from error

    @contextmanager
    def read_page(self) -> Iterator[Connection]:
        """As `read`, for a page of many rows. Beyond two a core they wait their turn: threads that all make
        rows only hold each other up (a third fewer pages a second at 16 clients).
        """
        with self._page_turns, self.read() as conn:
            yield conn

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def _cause(error: SQLAlchemyError) -> str:
    """The driver's own sentence, without the statement and its parameters."""
    return str(getattr(error, "orig", None) or type(error).__name__).strip().splitlines()[0]


def _sqlite(url: str) -> Engine:
    engine = create_engine(
        url, connect_args={"timeout": _BUSY_TIMEOUT_MS / 1000, "check_same_thread": False}, pool_timeout=60
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver must not begin transactions on its own
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout={_BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(conn: Connection) -> None:
        write = conn.get_execution_options().get(_WRITE, False)
        conn.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine
