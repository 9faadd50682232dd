"""Numbers by groups: how the hand-written SQL is asked, and how two such answers are combined.

A number by groups is a dict from the tuple of group values to a float. Groups whose value is NULL are left
out: no number is no number, whether the group is missing or empty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import duckdb

Numbers = dict[tuple, float]
ByHand = Callable[[duckdb.DuckDBPyConnection, Sequence[str]], Numbers]

# What a reader may group by, over the aliases of the joins below.
GROUPS = {
    "product__department": "p.department",
    "product__category": "p.category",
    "product__brand": "p.brand",
    "product__package_size": "p.package_size",
    "location__region": "l.region",
    "location__location_type": "l.location_type",
    "location__store": "l.location_name",
    "location__serving_dc_id": "l.serving_dc_id",
    "customer__segment": "c.segment",
    "customer__loyalty_tier": "c.loyalty_tier",
    "customer__age_band": "c.age_band",
    "supplier__supplier_name": "v.supplier_name",
    "channel": "f.channel",
}
PRODUCT = "left join goods p on p.product_id = f.product_id"
LOCATION = "left join places l on l.location_id = f.location_id"
CUSTOMER = "left join households c on c.customer_id = f.customer_id"
SUPPLIER = "left join vendors v on v.supplier_id = f.supplier_id"


@dataclass(frozen=True)
class Oracle:
    """How a metric is worked out by hand, and what it is grouped by.

    `empty` where the demo has no such case yet; `alone` where the metric is 0 for groups that others bring.
    """

    number: ByHand
    groupings: tuple[tuple[str, ...], ...]
    rel: float = 1e-9
    abs: float = 1e-6
    empty: bool = False
    alone: bool = False


@dataclass(frozen=True)
class Fact:
    """A table of `landed` with the day its rows fall on and the joins to what they may be grouped by."""

    table: str
    joins: str = f"{PRODUCT} {LOCATION}"
    day: str = "f.day"
    groups: Mapping[str, str] = field(default_factory=dict)
    made_by: str = ""  # SQL of the rows, where they are no table of `landed` yet: run once

    def keys(self, groups: Sequence[str], day: str | None = None) -> list[str]:
        """SQL of the groups; `metric_time__GRAIN` is cut from the day."""
        columns = GROUPS | dict(self.groups)
        return [
            f"cast(date_trunc('{name.removeprefix('metric_time__')}', {day or self.day}) as date)"
            if name.startswith("metric_time__")
            else columns[name]
            for name in groups
        ]

    def total(self, con: duckdb.DuckDBPyConnection, value: str, groups: Sequence[str]) -> Numbers:
        """An aggregate over the rows of each group."""
        if self.made_by:
            con.execute(f"create table if not exists {self.table} as {self.made_by}")
        select = ", ".join([*self.keys(groups), value])
        return query(con, f"select {select} from {self.table} f {self.joins} {_by(groups)}")

    def last(
        self, con: duckdb.DuckDBPyConnection, column: str, groups: Sequence[str], holding: Sequence[str]
    ) -> Numbers:
        """A level: the last known value of every holding within each period, summed over the holdings."""
        time = [g for g in groups if g.startswith("metric_time__")]
        period = self.keys(time, self.day.replace("f.", "x."))[0] if time else "date '1900-01-01'"
        select = ", ".join([*self.keys(groups, "f.period"), "sum(level)"])
        keys = ", ".join(f"x.{key}" for key in holding)
        at = self.day.replace("f.", "x.")
        return query(
            con,
            f"""with f as (
                    select {period} as period, {keys}, arg_max(x.{column}, {at}) as level
                    from {self.table} x group by all)
                select {select} from f {self.joins} {_by(groups)}""",
        )


def _by(groups: Sequence[str]) -> str:
    return f"group by {', '.join(str(i + 1) for i in range(len(groups)))}" if groups else ""


_ASKED: dict[tuple[int, str], Numbers] = {}


def query(con: duckdb.DuckDBPyConnection, sql: str) -> Numbers:
    """Rows of group values followed by one number; the same SQL is run once (ratios share their parts)."""
    key = (id(con), sql)
    if key not in _ASKED:
        rows = con.execute(sql).fetchall()
        _ASKED[key] = {
            tuple(plain(v) for v in row[:-1]): float(plain(row[-1]))
            for row in rows
            if plain(row[-1]) is not None
        }
    return _ASKED[key]


def plain(value: object) -> object:
    """A value as Python compares it: dates without a time, decimals as floats."""
    if isinstance(value, datetime):
        return value.date()
    return float(value) if isinstance(value, Decimal) else value


def flow(fact: Fact, value: str) -> ByHand:
    """What happens over time: the rows of all days count."""
    return lambda con, groups: fact.total(con, value, groups)


def level(fact: Fact, column: str, holding: Sequence[str] = ("location_id", "product_id")) -> ByHand:
    """What is there at the end of a period."""
    return lambda con, groups: fact.last(con, column, groups, holding)


def formula(of: Callable[..., float], *parts: ByHand) -> ByHand:
    """The formula over the groups that every part has; a zero divisor gives no number."""

    def number(con: duckdb.DuckDBPyConnection, groups: Sequence[str]) -> Numbers:
        results = [part(con, groups) for part in parts]
        out = {}
        for key in set.intersection(*(set(part) for part in results)):
            try:
                out[key] = of(*(part[key] for part in results))
            except ZeroDivisionError:
                continue
        return out

    return number


def or_zero(part: ByHand, every: ByHand) -> ByHand:
    """Nothing happened where something could have: 0, not unknown, for every group that `every` has."""
    return lambda con, groups: dict.fromkeys(every(con, groups), 0.0) | part(con, groups)


def ratio(above: ByHand, below: ByHand) -> ByHand:
    return formula(lambda a, b: a / b, above, below)


def rate(fact: Fact, above: str, below: str) -> ByHand:
    """A ratio of two aggregates of one fact."""
    return ratio(flow(fact, above), flow(fact, below))
