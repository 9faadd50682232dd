"""Rows of different languages, made comparable: numbers to seven digits, times without their form, sorted."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*")


def normalised(rows: Iterable[Sequence[object]]) -> list[tuple[str, ...]]:
    """Each value as text, all rows in one order."""
    return sorted(tuple(map(_plain, row)) for row in rows)


def _plain(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "∅"
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return f"{float(value):.7g}"
    if isinstance(value, dt.date):
        value = value.isoformat()
    text = str(value)
    if _TIME.fullmatch(text):
        text = text.replace("T", " ").removesuffix(" 00:00:00")
    return text
