"""Running totals under a floor on groups: values, who is behind them, and the probe, against brute force."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import duckdb
import pytest

from semantic import MetricQuery, MinimumGroup, Restriction, SemanticLayer
from semantic.plan.suppression_probe import GroupProbe
from tests.seeds import seeded

from ..retailer import TABLES, manifest

FIRST, DAYS = dt.date(2024, 1, 1), 91
SEGMENTS = {"c1": "gold", "c2": "gold", "c3": "new", "c4": None, "c5": "new", "c6": "gold"}
DEPARTMENTS = {"p1": "GROCERY", "p2": "GROCERY", "p3": "DRUG"}


@dataclass(frozen=True)
class Running:
    """A cumulative metric: its window in days, or the grain at which it starts anew."""

    name: str
    days: int | None = None
    since: str | None = None
    period_agg: str = "last"

    def metric(self) -> dict[str, Any]:
        window = {"count": self.days, "granularity": "day"} if self.days else None
        how = {"window": window, "grain_to_date": self.since, "period_agg": self.period_agg}
        params = {"measure": {"name": "sales_amount"}, "cumulative_type_params": how}
        return {"name": self.name, "type": "cumulative", "type_params": params}

    def holds(self, at: dt.date, row: dt.date) -> bool:
        start = at - dt.timedelta(days=self.days) if self.days else dt.date.min
        if self.since:
            start = period(at, self.since) - dt.timedelta(days=1)
        return start < row <= at


METRICS = [
    Running("ever"),
    Running("year_to_date", since="year"),
    Running("month_to_date", since="month"),
    Running("month_to_date_first", since="month", period_agg="first"),
    Running("week_trailing", days=7),
    Running("month_trailing", days=28),
]


def period(day: dt.date, grain: str) -> dt.date:
    if grain == "week":
        return day - dt.timedelta(days=day.weekday())
    return day.replace(day=1, month=day.month if grain == "month" else 1) if grain != "day" else day


@pytest.fixture(scope="module")
def layer() -> SemanticLayer:
    raw = manifest()
    raw["metrics"] += [m.metric() for m in METRICS]
    return SemanticLayer.from_dict(raw)


Sale = tuple[dt.date, str | None, str | None, float, int, int]


def _sales(rng: random.Random) -> tuple[duckdb.DuckDBPyConnection, list[Sale]]:
    """Sales in a database, and as (day, department, customer, amount, bucket, hash)."""
    connection = duckdb.connect()
    connection.execute(TABLES)
    connection.execute("DELETE FROM fct_sales; DELETE FROM dim_customer")
    connection.executemany("INSERT INTO dim_customer VALUES (?, ?, true)", list(SEGMENTS.items()))
    for number in range(rng.choice([3, 25, 60])):
        day = FIRST + dt.timedelta(days=rng.randrange(DAYS))
        product = rng.choice([*DEPARTMENTS, "p9", None])
        customer = rng.choice([*SEGMENTS, None])
        row = [str(number), day, product, "l1", customer, "store", float(rng.randint(-5, 50)), 1]
        connection.execute("INSERT INTO fct_sales VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    sales = connection.execute(
        "SELECT date_day, product_id, customer_id, amount, hash(customer_id) % 128,"
        f" hash(sale_id) % {2**40} FROM fct_sales"
    ).fetchall()
    return connection, [(d, DEPARTMENTS.get(p), c, a, b, h) for d, p, c, a, b, h in sales]


@dataclass(frozen=True)
class Asked:
    how: Running
    grain: str
    by_department: bool
    segment: str | None
    days: tuple[dt.date, dt.date] | None
    size: int

    def query(self) -> MetricQuery:
        by = [f"metric_time__{self.grain}", *(["product__department"] if self.by_department else [])]
        where = [f"{{{{ Dimension('customer__segment') }}}} = '{self.segment}'"] if self.segment else []
        constraint = tuple(map(str, self.days)) if self.days else None
        return MetricQuery([self.how.name], by, where, time_constraint=constraint)  # type: ignore[arg-type]

    def matches(self, sale: Sale) -> bool:
        return self.segment is None or SEGMENTS.get(sale[2] or "") == self.segment

    def key(self, sale: Sale) -> tuple[str | None, ...]:
        return (sale[1],) if self.by_department else ()

    def instants(self, sales: list[Sale]) -> dict[dt.date, dt.date]:
        """The instant that shows for each period: the last (or first) at which anything is accumulated."""
        instant_of: dict[dt.date, dt.date] = {}
        for number in range(DAYS):
            at = FIRST + dt.timedelta(days=number)
            start = period(at, self.grain)
            ends = [period(day, self.grain) for day in self.days or (at, at)]  # ranges are of whole periods
            some = any(self.matches(s) and self.how.holds(at, s[0]) for s in sales)
            shows = self.how.period_agg == "last" or start not in instant_of
            if some and shows and ends[0] <= start <= ends[1]:
                instant_of[start] = at
        return instant_of

    def expected(self, sales: list[Sale]) -> list[tuple[object, ...]]:
        rows: list[tuple[object, ...]] = []
        for start, at in self.instants(sales).items():
            groups: dict[tuple[str | None, ...], list[Sale]] = defaultdict(list)
            for sale in sales:
                if self.matches(sale) and self.how.holds(at, sale[0]):
                    groups[self.key(sale)].append(sale)
            for key, behind in groups.items():
                if len({s[2] for s in behind} - {None}) >= self.size:
                    rows.append((str(start), *key, sum(s[3] for s in behind)))
        return sorted(rows, key=str)

    def expected_probe(self, sales: list[Sale]) -> dict[tuple[object, ...], tuple[int, dict[int, int]]]:
        """Entities and sketch by the finest groups: period, department, segment and whether it matches."""
        cells: dict[tuple[object, ...], list[Sale]] = defaultdict(list)
        for start, at in self.instants(sales).items():
            for sale in sales:
                if sale[2] is not None and self.how.holds(at, sale[0]):
                    finer = (SEGMENTS.get(sale[2]),) if self.segment else ()
                    match = "true" if self.matches(sale) else "false"
                    cells[(str(start), *self.key(sale), *finer, match)].append(sale)
        return {cell: (len({s[2] for s in behind}), _sketch(behind)) for cell, behind in cells.items()}


def _sketch(behind: list[Sale]) -> dict[int, int]:
    sketch: dict[int, int] = defaultdict(int)
    for sale in behind:
        sketch[sale[4]] = (sketch[sale[4]] + sale[5]) % 2**64
    return dict(sketch)


def _probe_answer(
    connection: duckdb.DuckDBPyConnection, probe: GroupProbe
) -> dict[tuple[object, ...], object]:
    cells: dict[tuple[object, ...], object] = {}
    for cell, answer_key, entities, sketch in connection.execute(probe.sql).fetchall():
        start, *rest = json.loads(cell)
        assert (answer_key is not None) == (rest[-1] == "true")
        assert answer_key is None or json.loads(answer_key)[0] == start
        cells[(start[:10], *rest)] = (entities, {s["bucket"]: s["weight"] for s in sketch})
    return cells


def test_values_and_their_contributing_entities(layer: SemanticLayer) -> None:
    rng = seeded()
    rows_checked = 0
    for _ in range(20):
        connection, sales = _sales(rng)
        start = FIRST + dt.timedelta(days=rng.randrange(60))
        asked = Asked(
            rng.choice(METRICS),
            rng.choice(["day", "week", "month"]),
            rng.random() < 0.7,
            rng.choice(["gold", "new", None]),
            rng.choice([None, (start, start + dt.timedelta(days=rng.randrange(40)))]),
            rng.choice([1, 2, 3]),
        )
        restriction = Restriction(minimum_group=MinimumGroup(asked.size))
        compiled = layer.compile(asked.query(), restriction=restriction)
        assert "entity_count" in compiled.sql  # no range join
        rows = [(str(r[0])[:10], *r[1:]) for r in connection.execute(compiled.sql).fetchall()]
        assert sorted(rows, key=str) == asked.expected(sales), asked
        (probe,) = compiled.probes
        assert _probe_answer(connection, probe) == asked.expected_probe(sales), asked
        rows_checked += len(rows)
    assert rows_checked > 20


def test_what_is_suppressed_does_not_show(layer: SemanticLayer) -> None:
    connection, _ = _sales(seeded())
    query = MetricQuery(["year_to_date"], ["metric_time__month", "product__department"])
    floor = MinimumGroup(1)
    compiled = layer.compile(query, restriction=Restriction(minimum_group=floor))
    (probe,) = compiled.probes
    names = [row[1] for row in connection.execute(probe.sql).fetchall()]
    some = frozenset((probe.name, name) for name in names[::2])
    fewer = layer.compile(query, restriction=Restriction(minimum_group=MinimumGroup(1, suppressed=some)))
    assert fewer.probes[0].name == probe.name
    left = connection.execute(fewer.sql).fetchall()
    assert len(left) == len(connection.execute(compiled.sql).fetchall()) - len(some)
    assert set(left) < set(connection.execute(compiled.sql).fetchall())
