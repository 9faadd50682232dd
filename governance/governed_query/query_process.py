"""The other end of `query_worker`: asks it, stops it, ends it if it does not stop, and starts another."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from governance.governed_query.query_worker import OUT_OF_MEMORY
from semantic.errors import EngineBusyError

_ENVIRONMENT = ("PATH", "HOME", "TMPDIR", "LANG")
_START_SECONDS = 60
_WORKER = Path(__file__).with_name("query_worker.py")
_log = logging.getLogger("steelyard.governance")


class WorkerEndedError(Exception):
    """The process ended before it answered, `by_memory` if it took more than it may.

    `is_guilty`: this query had run longest when it did. Nobody ended it on purpose.
    """

    def __init__(self, *, by_memory: bool, is_guilty: bool) -> None:
        super().__init__("the query process ended")
        self.by_memory = by_memory
        self.is_guilty = is_guilty


@dataclass(frozen=True)
class WorkerSettings:
    """What a worker opens, and within which limits. `most_bytes` of the whole process, 0 for no limit."""

    warehouse: str
    config: dict[str, str]
    time_zone: str
    threads: int
    most_bytes: int

    def as_json(self) -> str:
        return json.dumps(vars(self))


@dataclass
class Request:
    """One query that a worker has. `answer` gets its kind (b"T", b"R", b"E") and content."""

    sql: str
    max_rows: int
    number: int
    worker: _Worker
    answer: Future[tuple[bytes, bytes]] = field(default_factory=Future)
    started: float = field(default_factory=time.monotonic)

    def interrupt(self) -> None:
        """Ask it to stop; it may not."""
        self.worker.send({"op": "interrupt", "id": self.number})

    def kill(self) -> None:
        """End the process that runs it, and with it whatever else it runs."""
        self.worker.kill()


class QueryProcess:
    """One worker at a time; the next one is started by the next query. Safe to share between threads."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._closed = False
        self._lock = threading.Lock()
        self._worker: _Worker | None = None
        self.started = 0

    def start(self) -> _Worker:
        """The worker, ready or not yet; a new one if there is none. Raises EngineBusyError if closed."""
        with self._lock:
            if self._closed:
                raise EngineBusyError("The warehouse was closed.", hint="Ask again.")
            if self._worker is None or self._worker.has_ended:
                self._worker = _Worker(self._settings)
                self.started += 1
            return self._worker

    def submit(self, sql: str, max_rows: int) -> Request:
        """Send a query. Its answer raises WorkerEndedError if the process ends. Raises EngineBusyError."""
        for _ in range(2):
            worker = self.start()
            worker.ready.wait(_START_SECONDS)
            request = worker.submit(sql, max_rows)
            if request is not None:
                return request
        raise EngineBusyError("The query process could not be started.", hint="Ask again in a moment.")

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """End the worker."""
        with self._lock:
            self._closed = True
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.kill()


class _Worker:
    """A running process and who waits for it."""

    def __init__(self, settings: WorkerSettings) -> None:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-I", str(_WORKER), str(theirs.fileno()), settings.as_json()]
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        with theirs:
            self._process = subprocess.Popen(
                command,
                pass_fds=[theirs.fileno()],
                env=environment,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # a key pressed at the server's terminal is not for it
            )
        self._socket = Connection(ours.detach())
        self._lock = threading.Lock()
        self._requests: dict[int, Request] = {}
        self._last = 0
        self.ready = threading.Event()
        self._killed = False
        self.has_ended = False
        threading.Thread(target=self._listen, name="query-process", daemon=True).start()

    def submit(self, sql: str, max_rows: int) -> Request | None:
        """None if the process has ended."""
        with self._lock:
            if self.has_ended:
                return None
            self._last += 1
            request = Request(sql, max_rows, self._last, self)
            self._requests[request.number] = request
        self.send({"op": "run", "id": request.number, "sql": sql, "max_rows": max_rows})
        return request

    def send(self, message: dict[str, object]) -> None:
        """What does not arrive is heard of by who waits: the listener sees the end first."""
        with self._lock:
            try:
                self._socket.send_bytes(json.dumps(message).encode())
            except (OSError, ValueError):
                _log.debug("the query process has ended")

    def kill(self) -> None:
        """On purpose: the queries that it ran are not to blame."""
        self._killed = True
        self._process.kill()

    def _listen(self) -> None:
        while True:
            try:
                message = self._socket.recv_bytes()
            except (EOFError, OSError):
                break
            self.ready.set()
            with self._lock:
                request = self._requests.pop(int.from_bytes(message[:8], "big"), None)
            if request is not None:
                request.answer.set_result((message[8:9], message[9:]))
        self._process.kill()
        status = self._process.wait()
        with self._lock:
            self.has_ended = True
            unanswered, self._requests = list(self._requests.values()), {}
            self._socket.close()
        self.ready.set()  # for nothing, and who waits sees that it has ended
        if not self._killed:
            _log.error("the query process ended with status %d, %d queries in it", status, len(unanswered))
        for at, request in enumerate(sorted(unanswered, key=lambda one: one.started)):
            guilty = at == 0 and not self._killed
            ended = WorkerEndedError(by_memory=status == OUT_OF_MEMORY, is_guilty=guilty)
            request.answer.set_exception(ended)
