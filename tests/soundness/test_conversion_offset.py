"""A conversion metric that looks back moves its base events and what they led to, together."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any

import duckdb
import pytest

from semantic import MetricQuery, SemanticLayer
from tests.seeds import seeded
from tests.semantic.retailer import TABLES, manifest
from tests.soundness.test_time_offset import back, start

FIRST, LAST = dt.date(2023, 11, 1), dt.date(2024, 6, 30)
DAYS = [FIRST + dt.timedelta(n) for n in range((LAST - FIRST).days + 1)]
WINDOW_DAYS = 7
Event = tuple[str, dt.date]


def events(name: str) -> dict[str, Any]:
    return {
        "name": name, "primary_entity": name[:-1],
        "node_relation": {"alias": name, "schema_name": "main", "relation_name": f"main.{name}"},
        "entities": [{"name": "user", "type": "foreign", "expr": "user_id"}],
        "dimensions": [{"name": "day", "type": "time", "type_params": {"time_granularity": "day"}}],
        "measures": [{"name": f"{name}_count", "agg": "sum", "expr": "1"}],
        "defaults": {"agg_time_dimension": "day"},
    }  # fmt: skip


def layer(count: int, grain: str) -> SemanticLayer:
    raw = manifest()
    raw["semantic_models"] += [events("visits"), events("buys")]
    for name, calculation in (("bought", "conversions"), ("rate", "conversion_rate")):
        how = {
            "entity": "user", "calculation": calculation, "base_measure": {"name": "visits_count"},
            "conversion_measure": {"name": "buys_count"},
            "window": {"count": WINDOW_DAYS, "granularity": "day"},
        }  # fmt: skip
        earlier = {"name": name, "alias": "earlier", "offset_window": {"count": count, "granularity": grain}}
        raw["metrics"] += [
            {"name": name, "type": "conversion", "type_params": {"conversion_type_params": how}},
            {"name": f"{name}_before", "type": "derived",
             "type_params": {"expr": "earlier", "metrics": [earlier]}},
        ]  # fmt: skip
    return SemanticLayer.from_dict(raw)


@pytest.fixture(scope="module")
def happened() -> tuple[list[Event], list[Event]]:
    """Visits, one a person and day, and buys."""
    rng = seeded()
    until_may = [d for d in DAYS if d < dt.date(2024, 5, 1)]
    visits = {(f"u{rng.randint(1, 9)}", rng.choice(until_may)) for _ in range(120)}
    visits |= {("u1", d) for d in until_may if d.day > 27}
    return sorted(visits), [(f"u{rng.randint(1, 9)}", rng.choice(DAYS)) for _ in range(80)]


@pytest.fixture(scope="module")
def tables(happened: tuple[list[Event], list[Event]]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(TABLES)
    connection.execute("DELETE FROM time_spine")
    connection.executemany("INSERT INTO time_spine VALUES (?)", [[day] for day in DAYS])
    for name, rows in zip(("visits", "buys"), happened, strict=True):
        connection.execute(f"CREATE TABLE {name} (user_id VARCHAR, day DATE)")
        connection.executemany(f"INSERT INTO {name} VALUES (?, ?)", [list(row) for row in rows])
    return connection


def credited(visits: list[Event], buys: list[Event]) -> dict[dt.date, int]:
    """Conversions by the day of the visit that led to them: the last one within the window."""
    counts: dict[dt.date, int] = defaultdict(int)
    for user, day in buys:
        window = [v for u, v in visits if u == user and day - dt.timedelta(WINDOW_DAYS) < v <= day]
        if window:
            counts[max(window)] += 1
    return counts


@pytest.mark.parametrize(
    ("count", "grain", "by"),
    [(1, "month", "month"), (1, "quarter", "quarter"), (7, "day", "day"), (7, "day", "week"),
     (1, "month", "week"), (1, "month", "day")],
)  # fmt: skip
def test_conversions_move_with_their_visits(
    count: int, grain: str, by: str, happened: tuple[list[Event], list[Event]],
    tables: duckdb.DuckDBPyConnection,
) -> None:  # fmt: skip
    visits, buys = happened
    by_visit_day = credited(visits, buys)
    months = {"month": count, "quarter": 3 * count}.get(grain)
    bought: dict[dt.date, int] = defaultdict(int)
    visited: dict[dt.date, int] = defaultdict(int)

    def looking_back(label: dt.date, day: dt.date) -> None:
        bought[start(label, by)] += by_visit_day.get(day, 0)
        visited[start(label, by)] += sum(v == day for _, v in visits)

    for day in DAYS:
        if months is None:
            looking_back(day, day - dt.timedelta(count))
        elif by == "day":
            looking_back(day, back(day, months))
        elif (label := back(day, -months)) <= LAST:
            looking_back(label, day)

    asked = MetricQuery(["bought_before", "rate_before"], [f"metric_time__{by}"])
    rows = tables.execute(layer(count, grain).compile(asked).sql).fetchall()
    answer = {at.date() if isinstance(at, dt.datetime) else at: rest for at, *rest in rows}
    expected = {
        label: [bought[label] or None, bought[label] / total if bought[label] else None]
        for label, total in visited.items()
        if total
    }
    assert {at: [n, rate and pytest.approx(rate)] for at, (n, rate) in answer.items()} == expected
