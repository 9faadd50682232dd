"""Runs compiled queries on a release: read-only, locked, bounded in time, rows and memory. Arrow out."""

from __future__ import annotations

import datetime as dt
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from sqlglot import exp

from .definitions.as_of import as_of_day
from .definitions.catalog import Catalog
from .definitions.time_zone import UTC
from .errors import (
    EngineBusyError,
    ExecutionError,
    InvalidValueError,
    QueryTimeoutError,
    ResultTooLargeError,
)
from .plan.compiled import CompiledQuery
from .plan.suppression_probe import GroupProbe
from .rules import Statistics
from .sql.quoting import literal


class Engine:
    """A locked DuckDB connection on one warehouse file. Safe to share between threads.

    max_rows: larger results raise ResultTooLargeError. timeout_seconds: longer queries are interrupted and
    raise QueryTimeoutError. memory_limit: DuckDB's syntax, e.g. "2GB". cache_size: results remembered, which
    is sound because a release never changes. at_once: queries that run together (two a core unless told; more
    would only slow one another and share out the memory); further ones wait their turn for as long as a query
    may run, then raise EngineBusyError. A query that is running already is joined, not run again.
    time_zone: where an instant with a zone falls on a day, whatever zone the machine is in.
    """

    def __init__(
        self, warehouse: Path | str, *, max_rows: int = 100_000, timeout_seconds: float = 30.0,
        memory_limit: str = "2GB", threads: int | None = None, cache_size: int = 256,
        at_once: int | None = None, time_zone: str = UTC,
    ) -> None:  # fmt: skip
        self.warehouse = Path(warehouse)
        self.max_rows = max_rows
        self.timeout_seconds = timeout_seconds
        config: dict[str, Any] = {"memory_limit": memory_limit, "enable_external_access": "false"}
        if threads is not None:
            config["threads"] = str(threads)
        if not self.warehouse.exists():
            raise ExecutionError(
                f"The warehouse {self.warehouse.name} does not exist.", hint="Run make pipeline."
            )
        try:
            self._connection = duckdb.connect(str(self.warehouse), read_only=True, config=config)
        except duckdb.Error as error:
            raise ExecutionError(f"The warehouse {self.warehouse.name} cannot be opened.") from error
        locked = self._connection.execute("SELECT current_setting('lock_configuration')").fetchone()
        if locked is None or not locked[0]:  # a second engine on one file shares the first one's instance
            self._use_time_zone(time_zone)
            self._connection.execute("SET lock_configuration = true")
        self._cache: OrderedDict[str, pa.Table] = OrderedDict()
        self._cache_size = cache_size
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(at_once or 2 * (os.cpu_count() or 1))
        self._flights: dict[str, Future[pa.Table]] = {}
        self._active: dict[str, Any] = {}

    def _use_time_zone(self, time_zone: str) -> None:
        """Set it for every cursor. Raises ExecutionError if the engine does not know the zone."""
        try:
            self._connection.execute(f"SET GLOBAL TimeZone = {literal(time_zone)}")
        except duckdb.Error as error:
            self._connection.close()
            raise ExecutionError(f"The time zone {time_zone!r:.80} is not known.") from error

    def run(self, compiled: CompiledQuery | GroupProbe, *, query_id: str | None = None) -> pa.Table:
        """The answer of a compiled query. A `query_id` makes it one's own, to `cancel`.

        Raises QueryTimeoutError, ResultTooLargeError, EngineBusyError or ExecutionError.
        """
        sql, own_flight = compiled.sql, Future[pa.Table]()
        with self._lock:
            if (cached := self._cache.get(sql)) is not None:
                self._cache.move_to_end(sql)
                return cached
            joined = self._flights.setdefault(sql, own_flight) if query_id is None else own_flight
        if joined is not own_flight:
            return joined.result()
        try:
            with self._turn():
                table = self._execute(sql, query_id)
        except BaseException as error:
            self._land(sql, own_flight)
            own_flight.set_exception(error)
            del joined, own_flight  # an error that held itself would hold the warehouse open
            raise
        self._land(sql, own_flight, table)
        own_flight.set_result(table)
        return table

    def _land(self, sql: str, flight: Future[pa.Table], table: pa.Table | None = None) -> None:
        """Let later callers find the answer, or ask again where there is none."""
        with self._lock:
            if self._flights.get(sql) is flight:
                del self._flights[sql]
            if table is not None:
                self._cache[sql] = table
                while len(self._cache) > self._cache_size:
                    self._cache.popitem(last=False)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=self.timeout_seconds):
            raise EngineBusyError(
                f"Other queries took every turn for {self.timeout_seconds:g} seconds.",
                hint="Ask again in a moment.",
            )
        try:
            yield
        finally:
            self._turns.release()

    def _execute(self, sql: str, query_id: str | None) -> pa.Table:
        cursor = self._connection.cursor()
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            cursor.interrupt()

        timer = threading.Timer(self.timeout_seconds, expire)
        timer.daemon = True
        if query_id is not None:
            self._active[query_id] = (cursor, expired)
        timer.start()
        try:
            relation = cursor.sql(sql)
            if relation is None:
                raise ExecutionError("The SQL answers nothing.")
            return self._bounded(relation.to_arrow_reader(min(self.max_rows + 1, 100_000)))
        except duckdb.InterruptException as error:
            raise QueryTimeoutError(
                f"The query was stopped after {self.timeout_seconds:g} seconds.",
                hint="Ask for a shorter time range, fewer dimensions or a coarser grain.",
            ) from error
        except duckdb.OutOfMemoryException as error:
            raise ResultTooLargeError(
                "The query needs more memory than it may use.",
                hint="Ask for fewer dimensions or a shorter range.",
            ) from error
        except (duckdb.Error, pa.ArrowException) as error:
            if expired.is_set():
                raise QueryTimeoutError("The query was stopped.") from error
            raise refusal_of(error) from error
        finally:
            timer.cancel()
            if query_id is not None:
                self._active.pop(query_id, None)
            cursor.close()

    def _bounded(self, reader: pa.RecordBatchReader) -> pa.Table:
        batches, rows = [], 0
        for batch in reader:
            rows += batch.num_rows
            if rows > self.max_rows:
                raise ResultTooLargeError(
                    f"The result has more than {self.max_rows} rows.",
                    hint="Add a limit or coarser dimensions.",
                )
            batches.append(batch)
        return pa.Table.from_batches(batches, schema=reader.schema)

    def statistics(self, catalog: Catalog) -> Statistics:
        """Row counts, date and text columns of a catalog's tables: the warehouse's own metadata, no scan.

        Give them to `SemanticLayer.from_manifest(path, statistics)` for faster SQL with the same answers.
        """
        cursor = self._connection.cursor()
        sizes = cursor.execute("SELECT table_name, estimated_size FROM duckdb_tables()").fetchall()
        columns = cursor.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() "
            "WHERE data_type IN ('DATE', 'VARCHAR')"
        ).fetchall()
        cursor.close()
        relations: dict[str, list[str]] = {}
        for relation in (
            *(m.relation for m in catalog.models.values()),
            *(r.relation for r in catalog.rollups),
        ):
            name = exp.to_table(relation, dialect="duckdb").name
            if relation not in relations.setdefault(name, []):
                relations[name].append(relation)
        return Statistics(
            rows={r: size for name, size in sizes for r in relations.get(name, ())},
            dates=frozenset((r, c) for name, c, t in columns if t == "DATE" for r in relations.get(name, ())),
            texts=frozenset((r, c) for name, c, t in columns if t != "DATE" for r in relations.get(name, ())),
        )

    def as_of_day(self, catalog: Catalog, built: dt.date | None = None) -> dt.date | None:
        """The newest day of the data, not after the day on which they were built; None if there is none."""
        cursor = self._connection.cursor()

        def last_day(sql: str) -> dt.date | None:
            try:
                row = cursor.execute(sql).fetchone()
            except duckdb.Error:
                return None
            return row[0] if row is not None and isinstance(row[0], dt.date) else None

        try:
            return as_of_day(catalog, last_day, built)
        finally:
            cursor.close()

    def cancel(self, query_id: str) -> bool:
        """Stop a running query. False where none of that id runs."""
        execution = self._active.get(query_id)
        if execution is None:
            return False
        cursor, expired = execution
        expired.set()
        cursor.interrupt()
        return True

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_MISUSES: tuple[tuple[type[Exception], str, str], ...] = (
    (
        duckdb.ConversionException,
        "A value in the query cannot be read as the type of what it is compared with or converted to.",
        "Write days as '2017-06-01'; compare texts with texts in quotes, numbers with numbers.",
    ),
    (
        duckdb.OutOfRangeException,
        "A calculation in the query leaves the range of its numbers.",
        "Convert to DOUBLE before multiplying large numbers.",
    ),
    (
        duckdb.InvalidInputException,
        "A function in the query was given a value that it cannot work with.",
        "Check divisors, patterns and formats.",
    ),
    (
        duckdb.BinderException,
        "The query combines values of types that do not go together.",
        "Compare texts with texts in quotes, numbers with numbers, times with times.",
    ),
)
"""What the asker of a query can get wrong, by the engine's error: what is said of it, and what to do."""
_OURS = ("not found", "does not exist", "Referenced", "configuration", "read-only")
"""How the engine says that something is missing or locked: compiled SQL that is wrong is our fault."""


def refusal_of(error: Exception) -> InvalidValueError | ExecutionError:
    """What is said of an error of DuckDB, without its own words: they hold names and values."""
    for kind, message, hint in _MISUSES:
        if isinstance(error, kind) and not any(text in str(error) for text in _OURS):
            return InvalidValueError(message, hint=hint)
    return ExecutionError("The warehouse could not answer the query.", hint="The log holds the reason.")
