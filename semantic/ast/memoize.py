"""Results remembered: by the identity of what they are of, or those that were used last."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import wraps
from typing import Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class LeastRecentlyUsed(Generic[R]):
    """At most `size` results by key; the least recently used goes first. Threads can share it."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._results: OrderedDict[Hashable, R] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> R | None:
        """What was put under a key; None if there is nothing, or the key cannot be one."""
        try:
            with self._lock:
                self._results.move_to_end(key)
                return self._results[key]
        except (KeyError, TypeError):
            return None

    def put(self, key: Hashable, result: R) -> None:
        with self._lock:
            self._results[key] = result
            self._results.move_to_end(key)
            while len(self._results) > self._size:
                self._results.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._results.clear()

    def __len__(self) -> int:
        return len(self._results)


def memoize_by_identity(max_results: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Remember a function of immutable objects and texts; `most` results, then it starts anew.

    The arguments are kept alive with their result, so no other object can take their identity.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        results: dict[tuple[object, ...], tuple[tuple[object, ...], R]] = {}

        @wraps(function)
        def memoized(*args: P.args, **kwargs: P.kwargs) -> R:
            key = tuple(a if isinstance(a, str) else id(a) for a in args)
            entry = results.get(key)
            if entry is None:
                result = function(*args, **kwargs)
                if len(results) >= max_results:
                    results.clear()
                entry = results[key] = (args, result)
            return entry[1]

        return memoized

    return decorate
