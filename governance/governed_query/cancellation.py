"""Whether the work of one request is still wanted: set from outside, seen by whatever works for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from semantic.errors import QueryCancelledError


class Cancellation:
    """One request's. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callbacks: dict[object, Callable[[], None]] = {}
        self._cancelled = False

    @property
    def is_cancelled(self) -> bool:
        return self._cancelled

    def cancel(self) -> None:
        """Nobody waits for the answer any more. Calling it again changes nothing."""
        with self._lock:
            self._cancelled = True
            callbacks, self._callbacks = list(self._callbacks.values()), {}
        for callback in callbacks:
            callback()

    @contextmanager
    def calls(self, callback: Callable[[], None]) -> Iterator[None]:
        """Call `callback`, from any thread, if the work is cancelled meanwhile, or was before."""
        mark = object()
        with self._lock:
            already = self._cancelled
            if not already:
                self._callbacks[mark] = callback
        if already:
            callback()
        try:
            yield
        finally:
            with self._lock:
                self._callbacks.pop(mark, None)


CURRENT: ContextVar[Cancellation | None] = ContextVar("cancellation", default=None)
"""Of the request that this thread works for; None if nobody can cancel it."""


def check_wanted() -> None:
    """Raises QueryCancelledError if who asked has gone."""
    current = CURRENT.get()
    if current is not None and current.is_cancelled:
        raise QueryCancelledError("Who asked has gone.")
