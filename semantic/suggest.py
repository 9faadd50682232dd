"""Near misses for names that do not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def near(name: str, known: Iterable[str], limit: int = 3) -> str:
    """A hint such as "Did you mean net_sales?", empty if nothing comes close."""
    matches = near_misses(name, known, limit)
    return f"Did you mean {' or '.join(matches)}?" if matches else ""


def near_misses(name: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """The names that come close, best first; those that end alike after `__` come last.

    >>> near_misses("net_sale", ["net_sales", "units_sold"])
    ['net_sales']
    """
    names = sorted(set(known))
    matches = difflib.get_close_matches(name.lower()[:200], names, n=limit, cutoff=0.5)
    last = name.lower().rsplit("__", 1)[-1]
    matches += [n for n in names if n.rsplit("__", 1)[-1] == last and n not in matches][
        : limit - len(matches)
    ]
    return matches
