"""The as-of day of a release: the newest day of its data, which `CURRENT_DATE` and `NOW()` mean.

It is the newest day on which any fact has a row, within the daily time spine (which ends with the data) and
not after the day on which the release was built: forecasts, promises and due dates are not data yet.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from types import MappingProxyType
from typing import Any

from sqlglot import exp

from ..ast.as_of import at_day, says_today
from ..ast.bind import bind, named_table
from ..ast.constructors import cast, moment
from .catalog import Catalog

LastDay = Callable[[str], dt.date | None]
"""The one day that a statement answers; None if there is none, or it cannot be answered."""


def as_of_day(catalog: Catalog, last_day: LastDay, built: dt.date | None = None) -> dt.date | None:
    """The as-of day of a warehouse, asked by `last_day`; None if no fact has a day."""
    spine = catalog.spine("day")
    ends = [built, last_day(_newest(spine.relation, spine.column)) if spine is not None else None]
    end = min((day for day in ends if day is not None), default=None)
    newest = [day for relation, time in _facts(catalog) if (day := _until(relation, time, end, last_day))]
    return max(newest, default=None)


def _facts(catalog: Catalog) -> Iterable[tuple[str, str]]:
    """The table of each fact, and the time by which it is aggregated."""
    for model in catalog.models.values():
        time = model.dimensions.get(model.agg_time or "")
        if time is not None:
            yield model.relation, time.expr


def _until(relation: str, time: str, end: dt.date | None, last_day: LastDay) -> dt.date | None:
    newest = last_day(_newest(relation, time))
    if newest is None or end is None or newest <= end:
        return newest
    return last_day(_newest(relation, time, end))


def _newest(relation: str, time: str, end: dt.date | None = None) -> str:
    """The newest day of a table, up to `end`."""
    value = bind(time, "rows")
    table = exp.alias_(named_table(relation), "rows", table=True)
    query = exp.select(cast(exp.Max(this=value), exp.DType.DATE)).from_(table)
    if end is not None:
        query = query.where(exp.LT(this=value.copy(), expression=moment(_midnight_after(end))))
    return query.sql("duckdb")


def _midnight_after(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time()) + dt.timedelta(days=1)


def dated(catalog: Catalog, day: dt.date) -> Catalog:
    """The definitions with today and now, in expressions and filters, as the as-of day."""
    result: Catalog = _Dating(day).value(catalog)
    return result


class _Dating:
    """What is the same object stays one: models are held by several look-ups."""

    def __init__(self, day: dt.date) -> None:
        self._day = day
        self._done: dict[int, tuple[Any, Any]] = {}

    def value(self, value: Any) -> Any:
        if id(value) not in self._done:
            self._done[id(value)] = (value, self._dated(value))
        return self._done[id(value)][1]

    def _dated(self, value: Any) -> Any:
        if isinstance(value, tuple):
            items = tuple(self.value(item) for item in value)
            return value if all(a is b for a, b in zip(items, value, strict=True)) else items
        if isinstance(value, Mapping):
            entries = {key: self.value(item) for key, item in value.items()}
            return value if all(entries[key] is value[key] for key in value) else MappingProxyType(entries)
        if not is_dataclass(value) or isinstance(value, type):
            return value
        changed = {f.name: self._field(f.name, getattr(value, f.name)) for f in fields(value)}
        changed = {name: new for name, new in changed.items() if new is not getattr(value, name)}
        return replace(value, **changed) if changed else value

    def _field(self, name: str, value: Any) -> Any:
        if name == "expr" and isinstance(value, str):
            return at_day(value, self._day) if says_today(value) else value
        if name == "filters":
            texts = tuple(at_day(text, self._day) if says_today(text) else text for text in value)
            return value if texts == value else texts
        return value if isinstance(value, str) or name == "meta" else self.value(value)
