# ruff: noqa: E501, PLR0917 — hand-written SQL stands in one piece
"""KPIs by hand: plain SQL on the marts, without one word of the semantic YAML.

A number by groups is a dict from the tuple of group values to a float; groups whose value is NULL are left out, so that
a ratio over two facts agrees whether or not a group occurs in both.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

import duckdb

Numbers = Mapping[tuple, float]

PRODUCT = "left join dim_product p on p.product_id = f.product_id"
LOCATION = "left join dim_location l on l.location_id = f.location_id"
SUPPLIER = "left join dim_supplier s on s.supplier_id = f.supplier_id"
CUSTOMER = "left join dim_customer c on c.customer_id = f.customer_id"
PROMOTION = "left join dim_promotion pr on pr.promotion_id = f.promotion_id"

# What a reader may group by, and the SQL for it over the aliases above.
GROUPS = {
    "product__department": "p.department",
    "product__category": "p.category",
    "product__brand": "p.brand",
    "location__region": "l.region",
    "location__location_type": "l.location_type",
    "location__store": "l.store",
    "customer__segment": "c.segment",
    "customer__loyalty_tier": "c.loyalty_tier",
    "supplier__supplier_name": "s.supplier_name",
    "promotion__promo_type": "pr.promo_type",
    "channel": "f.channel",
}


def plain(value: object) -> object:
    """A value as Python compares it: dates without a time, decimals as floats."""
    if isinstance(value, datetime):
        return value.date()
    return float(value) if isinstance(value, Decimal) else value


def numbers(rows: Sequence[Sequence]) -> dict[tuple, float]:
    """Rows of group values followed by one number."""
    return {
        tuple(plain(v) for v in row[:-1]): float(plain(row[-1])) for row in rows if plain(row[-1]) is not None
    }


def group_sql(groups: Sequence[str], day: str) -> list[str]:
    """SQL of the groups; `metric_time__GRAIN` is cut from the fact's day."""
    return [
        f"cast(date_trunc('{name.removeprefix('metric_time__')}', {day}) as date)"
        if name.startswith("metric_time__")
        else GROUPS[name]
        for name in groups
    ]


def flow(
    con: duckdb.DuckDBPyConnection,
    table: str,
    joins: str,
    value: str,
    groups: Sequence[str],
    day: str = "f.date_day",
) -> dict[tuple, float]:
    """An aggregate of what happens over time: rows of all days add up."""
    keys = [*group_sql(groups, day), value]
    by = f"group by {', '.join(str(i + 1) for i in range(len(groups)))}" if groups else ""
    return numbers(con.execute(f"select {', '.join(keys)} from {table} f {joins} {by}").fetchall())


def balance(
    con: duckdb.DuckDBPyConnection,
    table: str,
    joins: str,
    column: str,
    groups: Sequence[str],
    keys: Sequence[str] = ("location_id", "product_id"),
) -> dict[tuple, float]:
    """A level: the last known value of every key within each period, then the sum over the keys."""
    grains = [g for g in groups if g.startswith("metric_time__")]
    period = group_sql(grains, "x.date_day")[0] if grains else "date '1900-01-01'"
    names = [
        f"cast(f.period as date) as g{i}" if g in grains else f"{GROUPS[g]} as g{i}"
        for i, g in enumerate(groups)
    ]
    key_list = ", ".join(f"x.{k}" for k in keys)
    by = f"group by {', '.join(f'g{i}' for i in range(len(groups)))}" if groups else ""
    return numbers(
        con.execute(f"""
            with f as (
                select {period} as period, {key_list}, arg_max(x.{column}, x.date_day) as level
                from {table} x group by all)
            select {", ".join([*names, "sum(level)"])} from f {joins} {by}""").fetchall()
    )


def combine(formula: Callable[..., float], *parts: Numbers) -> dict[tuple, float]:
    """The formula over the groups that every part has; a zero divisor gives no number."""
    shared = set.intersection(*(set(p) for p in parts))
    out = {}
    for key in shared:
        try:
            out[key] = formula(*(p[key] for p in parts))
        except ZeroDivisionError:
            continue
    return out


def days(con: duckdb.DuckDBPyConnection, groups: Sequence[str]) -> dict[date | None, int]:
    """Days of each period on which stock was counted; the key None where nothing is grouped by time."""
    grains = [g for g in groups if g.startswith("metric_time__")]
    period = group_sql(grains, "f.date_day")[0] if grains else "cast(null as date)"
    rows = con.execute(
        f"select {period}, count(distinct date_day) from fct_inventory_daily f group by 1"
    ).fetchall()
    return {plain(r[0]): r[1] for r in rows}
