"""Random questions in three languages: the metric query, semantic SQL as tools write it, and SQL by hand."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Key:
    """A group: `name` in a metric query ("" if it has none), `sql` in semantic SQL, `by_hand` over `{}`."""

    name: str
    sql: str
    by_hand: str
    dimension: str = ""

    @property
    def is_time(self) -> bool:
        return not self.dimension


@dataclass(frozen=True)
class Condition:
    """A filter in the three languages. Of metric time, if `dimension` is None."""

    query: str
    sql: str
    by_hand: str
    dimension: str | None = None


@dataclass(frozen=True)
class Question:
    metrics: tuple[str, ...]
    keys: tuple[Key, ...] = ()
    conditions: tuple[Condition, ...] = ()
    days: tuple[str, str] | None = None
    """A range of days that `conditions` hold, too; the metric query says it as its time constraint."""

    @property
    def has_query(self) -> bool:
        """Whether a metric query can ask it; some expressions of time are of SQL alone."""
        return all(key.name for key in self.keys)

    def body(self) -> dict[str, Any]:
        """The body of `POST /v1/query`."""
        where = [c.query for c in self.conditions if c.query]
        body: dict[str, Any] = {
            "metrics": list(self.metrics), "group_by": [k.name for k in self.keys], "where": where,
        }  # fmt: skip
        return body | ({"time_constraint": list(self.days)} if self.days else {})

    def arguments(self) -> list[str]:
        """Of `steelyard metric query`."""
        body = self.body()
        pairs = [("-m", v) for v in body["metrics"]] + [("-g", v) for v in body["group_by"]]
        pairs += [("-w", v) for v in body["where"]]
        pairs += [("--from", self.days[0]), ("--to", self.days[1])] if self.days else []
        return [part for pair in pairs for part in pair]

    def semantic_sql(self) -> str:
        keys = [f"{key.sql} AS k{n}" for n, key in enumerate(self.keys)]
        items = ", ".join([*keys, *(f"MEASURE({m}) AS v{n}" for n, m in enumerate(self.metrics))])
        where = " AND ".join(c.sql for c in self.conditions)
        group = ", ".join(str(n + 1) for n in range(len(self.keys)))
        return (
            f"SELECT {items} FROM metrics"
            + (f" WHERE {where}" if where else "")
            + (f" GROUP BY {group}" if group else "")
        )


def period(rng: random.Random, grain: str) -> Key:
    """A period of metric time, said by its name or by an expression of one of the tools."""
    spellings = [
        f"metric_time__{grain}",
        f"DATE_TRUNC('{grain}', metric_time)",
        f"DATE_TRUNC('{grain.upper()}', CAST(metric_time AS TIMESTAMP))",
    ]
    if grain != "hour":
        spellings += [
            f"CAST(DATE_TRUNC('{grain}', metric_time) AS DATE)",
            f"CAST(DATE_TRUNC('{grain.upper()}', CAST(metric_time AS TIMESTAMP)) AS DATE)",
        ]
    return Key(f"metric_time__{grain}", rng.choice(spellings), f"DATE_TRUNC('{grain}', {{}})")


def expression(rng: random.Random, days: tuple[str, str]) -> Key:
    """A key that computes with time."""
    middle = _day(rng, days)
    return rng.choice(
        [
            Key("metric_time__extract_month", "EXTRACT(MONTH FROM metric_time)", "EXTRACT(month FROM {})"),
            Key("metric_time__extract_quarter", "QUARTER(metric_time)", "QUARTER({})"),
            Key("", "STRFTIME(metric_time, '%Y-%m')", "STRFTIME({}, '%Y-%m')"),
            Key("", "TO_CHAR(metric_time, 'Mon YYYY')", "STRFTIME({}, '%b %Y')"),
            Key("", "EXTRACT(YEAR FROM metric_time) * 100 + EXTRACT(MONTH FROM metric_time)",
                "YEAR({0}) * 100 + MONTH({0})"),
            Key("", f"CASE WHEN metric_time < '{middle}' THEN 'early' ELSE 'late' END",
                f"CASE WHEN {{}} < DATE '{middle}' THEN 'early' ELSE 'late' END"),
            Key("", "DATE_TRUNC('week', metric_time + INTERVAL 1 DAY) - INTERVAL 1 DAY",
                "DATE_TRUNC('week', {} + INTERVAL 1 DAY) - INTERVAL 1 DAY"),
        ]
    )  # fmt: skip


def of_dimension(rng: random.Random, name: str) -> Key:
    """A dimension, plain or, in SQL alone, in a CASE."""
    if rng.random() < 0.15:
        return Key("", f"COALESCE(UPPER({name}), 'none')", "COALESCE(UPPER({}), 'none')", dimension=name)
    return Key(name, name, "{}", dimension=name)


def condition(rng: random.Random, name: str, values: list[str]) -> Condition:
    value, other = rng.choice(values), rng.choice(values)
    test = rng.choice(
        [
            f"{{}} = '{value}'", f"{{}} <> '{value}'", f"{{}} IN ('{value}', '{other}')", "{} IS NOT NULL",
            f"({{0}} = '{value}' OR {{0}} IS NULL)", f"LOWER({{}}) LIKE '{value[:2].lower()}%'",
            f"NOT {{}} IN ('{value}')",
        ]
    )  # fmt: skip
    template = "{{ Dimension('" + name + "') }}" if name.count("__") == 1 else name
    return Condition(test.format(template), test.format(name), test, dimension=name)


def on_time(rng: random.Random, days: tuple[str, str], *, finest: str = "day") -> Condition:
    """A filter on metric time: a day, a month, an hour, or days before today."""
    day = _day(rng, days)
    name = "{{ TimeDimension('metric_time', 'day') }}"
    month = f"{day[:7]}-01"
    choices = [
        Condition(f"{name} >= '{day}'", f"metric_time >= '{day}'", f"{{}} >= DATE '{day}'"),
        Condition(f"{name} < '{day}'", f"metric_time < DATE '{day}'", f"{{}} < DATE '{day}'"),
        Condition(
            "{{ TimeDimension('metric_time', 'month') }} <= '" + month + "'",
            f"DATE_TRUNC('month', metric_time) <= '{month}'", f"DATE_TRUNC('month', {{}}) <= DATE '{month}'",
        ),
        Condition(
            f"{name} > CURRENT_DATE - INTERVAL 60 DAY", "metric_time__day > DATEADD(day, -60, CURRENT_DATE)",
            "CAST({} AS DATE) > DATE '{{today}}' - 60",
        ),
    ]  # fmt: skip
    if finest == "hour":
        hours = f"{day} 06:00:00"
        choices.append(
            Condition(
                "{{ TimeDimension('metric_time', 'hour') }} >= '" + hours + "'",
                f"metric_time__hour >= TIMESTAMP '{hours}'",
                f"DATE_TRUNC('hour', {{}}) >= TIMESTAMP '{hours}'",
            )
        )  # fmt: skip
    return rng.choice(choices)


def in_days(rng: random.Random, days: tuple[str, str]) -> tuple[tuple[str, str], Condition]:
    """A range of days, both included."""
    first, last = sorted((_day(rng, days), _day(rng, days)))
    by_hand = f"CAST({{}} AS DATE) BETWEEN DATE '{first}' AND DATE '{last}'"
    return (first, last), Condition("", f"metric_time__day BETWEEN '{first}' AND '{last}'", by_hand)


def _day(rng: random.Random, days: tuple[str, str]) -> str:
    first, last = map(dt.date.fromisoformat, days)
    return (first + dt.timedelta(days=rng.randrange((last - first).days + 1))).isoformat()
