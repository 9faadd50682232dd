"""An engine whose queries run in a process of their own: a deadline holds whatever a query does.

DuckDB looks at an interrupt between vectors of rows. A function that works on one value for minutes, or makes
gigabytes of it, is past that and past the memory limit. So a query is interrupted first, and if that does not
end it, its process is ended; the others that it ran are asked again of the next one.
"""

from __future__ import annotations

import json
import logging
import os
import re
import threading
import time
from concurrent.futures import TimeoutError as NotYetError
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from governance.governed_query.cancellation import CURRENT
from governance.governed_query.query_process import QueryProcess, Request, WorkerEndedError, WorkerSettings
from semantic import CompiledQuery, Engine
from semantic.engine import refusal_of
from semantic.errors import (
    EngineBusyError,
    ExecutionError,
    QueryCancelledError,
    QueryTimeoutError,
    ResultTooLargeError,
    SteelyardError,
)
from semantic.plan.suppression_probe import GroupProbe

_log = logging.getLogger("steelyard.governance")
GRACE_SECONDS = 2.0
"""For a query to end after it was interrupted."""
_MORE_THAN_LIMIT = 1.5
_OF_ITS_OWN = 512 * 2**20  # bytes of a process that is not the engine's memory
_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNITS |= {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}


class IsolatedEngine(Engine):
    """As `semantic.Engine`, on which it also relies for what is known of the warehouse.

    A query is stopped, besides, if its Cancellation says that who
    asked has gone. Raises QueryTimeoutError, ResultTooLargeError (rows, or memory of the process).
    """

    def __init__(self, warehouse: Path | str, *, memory_limit: str = "2GB", **settings: Any) -> None:
        super().__init__(warehouse, memory_limit=memory_limit, **settings)
        config = {"memory_limit": memory_limit, "enable_external_access": "false"}
        if settings.get("threads") is not None:
            config["threads"] = str(settings["threads"])
        row = self._connection.execute("SELECT current_setting('TimeZone')").fetchone()
        self.process = QueryProcess(
            WorkerSettings(
                warehouse=str(self.warehouse.resolve()),
                config=config,
                time_zone=settings.get("time_zone") or (str(row[0]) if row else "UTC"),
                threads=settings.get("at_once") or 2 * (os.cpu_count() or 1),
                most_bytes=most_bytes(memory_limit),
            )
        )
        self.process.start()
        self._asked: dict[str, Request] = {}

    def run(self, compiled: CompiledQuery | GroupProbe, *, query_id: str | None = None) -> pa.Table:
        """As `Engine.run`; if the one whose running query was joined has gone, it is asked anew."""
        while True:
            try:
                return super().run(compiled, query_id=query_id)
            except QueryCancelledError:
                current = CURRENT.get()
                if query_id is not None or (current is not None and current.is_cancelled):
                    raise

    def cancel(self, query_id: str) -> bool:
        """As `Engine.cancel`."""
        request = self._asked.get(query_id)
        if request is None:
            return False
        request.interrupt()
        return True

    def close(self) -> None:
        self.process.close()
        super().close()

    def _execute(self, sql: str, query_id: str | None) -> pa.Table:
        deadline = None
        for is_last in (False, True):
            request = self.process.submit(sql, self.max_rows)
            deadline = deadline or time.monotonic() + self.timeout_seconds  # without the start of the process
            if query_id is not None:
                self._asked[query_id] = request
            try:
                return self._table(*self._wait(request, deadline))
            except WorkerEndedError as ended:
                if ended.is_guilty or is_last:
                    raise _why_it_ended(ended) from ended
            finally:
                self._asked.pop(query_id or "", None)
        raise AssertionError("one of both returned or raised")

    def _wait(self, request: Request, deadline: float) -> tuple[bytes, bytes]:
        """The answer, in time and while it is wanted; else the end of the query, or of its process."""
        current, settled = CURRENT.get(), threading.Event()
        request.answer.add_done_callback(lambda _: settled.set())
        with current.calls(settled.set) if current is not None else nullcontext():
            settled.wait(max(deadline - time.monotonic(), 0))
        gone = current is not None and current.is_cancelled
        if request.answer.done() and not gone:
            return request.answer.result()
        request.interrupt()
        try:
            request.answer.result(GRACE_SECONDS)
        except NotYetError:
            _log.warning("a query did not stop when it was interrupted: its process is ended")
            request.kill()
        except WorkerEndedError:
            pass
        if gone:
            raise QueryCancelledError("Who asked has gone.")
        raise self._too_late()

    def _too_late(self) -> QueryTimeoutError:
        return QueryTimeoutError(
            f"The query was stopped after {self.timeout_seconds:g} seconds.",
            hint="Ask for a shorter time range, fewer dimensions or a coarser grain.",
        )

    def _table(self, kind: bytes, content: bytes) -> pa.Table:
        if kind == b"T":
            return pa.ipc.open_stream(pa.py_buffer(content)).read_all()
        if kind == b"R":
            raise ResultTooLargeError(
                f"The result has more than {self.max_rows} rows.", hint="Add a limit or coarser dimensions."
            )
        problem = json.loads(content)
        error = getattr(duckdb, problem["type"], duckdb.Error)(problem["message"])
        if isinstance(error, duckdb.InterruptException):
            raise self._too_late() from error
        if isinstance(error, duckdb.OutOfMemoryException):
            raise _too_much_memory() from error
        raise refusal_of(error) from error


def most_bytes(memory_limit: str) -> int:
    """What the process may take at most: half more than the engine, and its own. 0 if that is not known."""
    match = re.fullmatch(r"\s*([\d.]+)\s*([A-Za-z]*)\s*", memory_limit)
    unit = _UNITS.get(match.group(2).upper()) if match else None
    return int(float(match.group(1)) * unit * _MORE_THAN_LIMIT) + _OF_ITS_OWN if match and unit else 0


def _why_it_ended(ended: WorkerEndedError) -> SteelyardError:
    if not ended.is_guilty:
        return EngineBusyError("The process that ran the query ended.", hint="Ask again in a moment.")
    if ended.by_memory:
        return _too_much_memory()
    return ExecutionError("The query ended the process that ran it.", hint="The log holds the reason.")


def _too_much_memory() -> ResultTooLargeError:
    return ResultTooLargeError(
        "The query needs more memory than it may use.", hint="Ask for fewer dimensions or a shorter range."
    )
