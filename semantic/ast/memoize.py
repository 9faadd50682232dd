"""Results remembered by which objects they are of: for frozen plan nodes, whose contents are slow to hash."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def by_identity(most: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Remember a function of immutable objects and texts; `most` results, then it starts anew.

    The arguments are kept alive with their result, so no other object can take their identity.
    """

    def remembering(function: Callable[P, R]) -> Callable[P, R]:
        known: dict[tuple[object, ...], tuple[tuple[object, ...], R]] = {}

        @wraps(function)
        def remembered(*args: P.args, **kwargs: P.kwargs) -> R:
            key = tuple(a if isinstance(a, str) else id(a) for a in args)
            found = known.get(key)
            if found is None:
                result = function(*args, **kwargs)
                if len(known) >= most:
                    known.clear()
                found = known[key] = (args, result)
            return found[1]

        return remembered

    return remembering
