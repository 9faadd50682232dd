"""Aggregate, then accumulate by a window function: for cumulative metrics of decomposable measures."""

from __future__ import annotations

from .ask import Ask
from .leaf import Named
from .plan import Select
from .rows import Context


def can_run(context: Context, ask: Ask, named: Named) -> bool:
    return False


def running(context: Context, ask: Ask, named: Named) -> Select:
    raise NotImplementedError
