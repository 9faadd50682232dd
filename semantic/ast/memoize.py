"""Results remembered by which objects they are of: for frozen plan nodes, whose contents are slow to hash."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


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
