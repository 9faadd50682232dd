"""Whose turn it is: how much work runs at once, of one identity and in all, and who comes next.

What waits holds no thread. Identities take turns, so that who sends much waits behind their own requests and
nobody else's.
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from api.errors import TooManyRequestsError
from governance.governed_query.cancellation import Cancellation
from semantic.errors import EngineBusyError, QueryCancelledError


@dataclass(frozen=True)
class WorkLimits:
    """`at_once` requests are worked on together, of them `of_one` of one identity; `waiting_of_one` of one
    identity may wait, each for `patience_seconds`.
    """

    at_once: int
    of_one: int
    waiting_of_one: int
    patience_seconds: float


@dataclass(eq=False)
class _Waiter:
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[None]
    granted: bool = False

    def wake(self, error: Exception | None = None) -> None:
        """From any thread."""
        self.loop.call_soon_threadsafe(self._resolve, error)

    def _resolve(self, error: Exception | None) -> None:
        if self.future.done():
            return
        if error is None:
            self.future.set_result(None)
        else:
            self.future.set_exception(error)


class Admission:
    """Fair turns by identity. Safe to share between threads and event loops."""

    def __init__(self, limits: WorkLimits) -> None:
        self.limits = limits
        self._lock = threading.Lock()
        self._running: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[_Waiter]] = OrderedDict()

    @asynccontextmanager
    async def turn(self, identity: str, cancellation: Cancellation) -> AsyncIterator[None]:
        """Wait for a turn, then hold it.

        Raises TooManyRequestsError if too many of this identity wait already, EngineBusyError if no turn
        comes in time, QueryCancelledError if who asked has gone.
        """
        waiter = self._enter(identity)
        if waiter is not None:
            try:
                await self._wait(waiter, cancellation)
            except BaseException:
                if self._withdraw(identity, waiter):
                    self._leave(identity)
                raise
        try:
            yield
        finally:
            self._leave(identity)

    async def _wait(self, waiter: _Waiter, cancellation: Cancellation) -> None:
        gone = QueryCancelledError("Who asked has gone.")
        with cancellation.calls(lambda: waiter.wake(gone)):
            try:
                await asyncio.wait_for(asyncio.shield(waiter.future), self.limits.patience_seconds)
            except TimeoutError:
                raise EngineBusyError(
                    f"Other requests took every turn for {self.limits.patience_seconds:g} seconds.",
                    hint="Ask again in a moment.",
                ) from None

    def _enter(self, identity: str) -> _Waiter | None:
        """None if there is a turn now."""
        with self._lock:
            queue = self._waiting.get(identity)
            if not queue and self._has_turn(identity):
                self._running[identity] += 1
                return None
            if queue is not None and len(queue) >= self.limits.waiting_of_one:
                raise TooManyRequestsError(
                    f"{self.limits.waiting_of_one} of your requests wait already.",
                    retry_after_seconds=max(1, math.ceil(self.limits.waiting_of_one / 50)),
                )
            loop = asyncio.get_running_loop()
            waiter = _Waiter(loop, loop.create_future())
            self._waiting.setdefault(identity, deque()).append(waiter)
            return waiter

    def _has_turn(self, identity: str) -> bool:
        free = self._running.total() < self.limits.at_once
        return free and self._running[identity] < self.limits.of_one

    def _withdraw(self, identity: str, waiter: _Waiter) -> bool:
        """Wait no longer; whether the turn was given meanwhile."""
        with self._lock:
            if waiter.granted:
                return True
            self._waiting[identity].remove(waiter)
            if not self._waiting[identity]:
                del self._waiting[identity]
            return False

    def _leave(self, identity: str) -> None:
        """Give the turn back; who comes next is taken from each identity in rotation."""
        with self._lock:
            self._running[identity] -= 1
            if not self._running[identity]:
                del self._running[identity]
            woken = []
            while (following := self._next()) is not None:
                woken.append(following)
        for waiter in woken:
            waiter.wake()

    def _next(self) -> _Waiter | None:
        for identity, queue in self._waiting.items():
            if self._has_turn(identity):
                waiter = queue.popleft()
                waiter.granted = True
                self._running[identity] += 1
                self._waiting.move_to_end(identity)
                if not queue:
                    del self._waiting[identity]
                return waiter
        return None
