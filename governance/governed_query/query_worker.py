"""A process that runs queries on one warehouse, so that a query that does not stop can be stopped with it.

Started as a file by `query_process`, on its own: it imports the engine and nothing of the product. It reads
requests from a socket that it inherits, and answers on it in any order:

    in   {"op": "run", "id": 7, "sql": …, "max_rows": …} · {"op": "interrupt", "id": 7}
    out  8 bytes of id (0 once, when it is ready), then b"T" and an Arrow stream, b"R" (too many rows), or
         b"E" and {"type", "message"}
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

_POLL_SECONDS = 0.25
OUT_OF_MEMORY = 77
"""Exit status of a process that took more memory than it may."""


class Worker:
    """Runs what is asked, each in a thread of its own cursor."""

    def __init__(self, socket: Connection, start: dict[str, Any]) -> None:
        self._socket = socket
        self._sending = threading.Lock()
        self._active: dict[int, duckdb.DuckDBPyConnection] = {}
        self._stopped: set[int] = set()
        self._connection = duckdb.connect(start["warehouse"], read_only=True, config=start["config"])
        self._connection.execute(f"SET GLOBAL TimeZone = '{start['time_zone']}'")
        self._connection.execute("SET lock_configuration = true")
        self._threads = ThreadPoolExecutor(start["threads"])
        if start["most_bytes"]:
            threading.Thread(target=_watch_memory, args=(start["most_bytes"],), daemon=True).start()

    def serve(self) -> None:
        """Until the other end is closed."""
        self._send(0, b"")
        while True:
            try:
                request = json.loads(self._socket.recv_bytes())
            except (EOFError, OSError):
                os._exit(0)  # a query that does not stop keeps no orphan alive
            if request["op"] == "run":
                self._threads.submit(self._run, request)
            else:
                self._interrupt(request["id"])

    def _interrupt(self, number: int) -> None:
        self._stopped.add(number)
        cursor = self._active.get(number)
        if cursor is not None:
            cursor.interrupt()

    def _run(self, request: dict[str, Any]) -> None:
        number, cursor = request["id"], self._connection.cursor()
        self._active[number] = cursor
        try:
            if number in self._stopped:
                raise duckdb.InterruptException("stopped before it began")
            kind, content = _answer(cursor, request["sql"], request["max_rows"])
        except Exception as error:  # whatever it is, who asked has to hear of it
            problem = {"type": type(error).__name__, "message": str(error)}
            kind, content = b"E", json.dumps(problem).encode()
        finally:
            self._active.pop(number, None)
            self._stopped.discard(number)
            cursor.close()
        self._send(number, kind + content)

    def _send(self, number: int, content: bytes) -> None:
        with self._sending:
            self._socket.send_bytes(number.to_bytes(8, "big") + content)


def _answer(cursor: duckdb.DuckDBPyConnection, sql: str, most_rows: int) -> tuple[bytes, bytes]:
    relation = cursor.sql(sql)
    if relation is None:
        raise duckdb.ParserException("it answers nothing")
    reader = relation.to_arrow_reader(min(most_rows + 1, 100_000))
    sink, rows = pa.BufferOutputStream(), 0
    with pa.ipc.new_stream(sink, reader.schema) as writer:
        for batch in reader:
            rows += batch.num_rows
            if rows > most_rows:
                return b"R", b""
            writer.write_batch(batch)
    return b"T", sink.getvalue().to_pybytes()


def _watch_memory(most_bytes: int) -> None:
    """The engine's own limit does not count what its functions make; this one ends the process."""
    page, statm = os.sysconf("SC_PAGE_SIZE"), Path("/proc/self/statm")
    while statm.exists():  # elsewhere the engine's own limit has to do
        if int(statm.read_text().split()[1]) * page > most_bytes:
            os._exit(OUT_OF_MEMORY)
        time.sleep(_POLL_SECONDS)


if __name__ == "__main__":
    Worker(Connection(int(sys.argv[1])), json.loads(sys.argv[2])).serve()
