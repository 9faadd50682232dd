"""Near misses for names that do not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def near(name: str, names: Iterable[str], limit: int = 3) -> str:
    """A hint such as "Did you mean net_sales?", empty if nothing comes close."""
    matches = near_misses(name, names, limit)
    return f"Did you mean {' or '.join(matches)}?" if matches else ""


def near_misses(name: str, names: Iterable[str], limit: int = 3) -> list[str]:
    """The names that come close whatever their case, best first; those that end alike after `__` come last.

    >>> near_misses("net_sale", ["net_sales", "orders"])
    ['net_sales']
    >>> near_misses("NET_SALES", ["Net_Sales", "orders"])
    ['Net_Sales']
    """
    by_lower = {candidate.lower(): candidate for candidate in sorted(set(names), reverse=True)}
    candidates, wanted = sorted(by_lower), name.lower()[:200]
    matches = difflib.get_close_matches(wanted, candidates, n=limit, cutoff=0.5)
    last = wanted.rsplit("__", 1)[-1]
    matches += [c for c in candidates if c.rsplit("__", 1)[-1] == last and c not in matches]
    return [by_lower[match] for match in matches[:limit]]
