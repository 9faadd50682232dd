"""Pages of a query are its rows: each once, in one order, for the reader and the release that began."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import pytest

from governance.errors import InvalidCursorError
from governance.governed_query import GovernedAnswer, answer_page
from governance.identity import Principal
from governance.store.pages import CursorSeal
from semantic import Engine, MetricQuery, Restriction, SemanticLayer
from semantic.errors import UnknownNameError
from tests.seeds import sample, seeded
from tests.semantic.retailer import TABLES, manifest

METRICS = ["net_sales", "units_sold"]
KEYS = [
    "product__department",
    "product__brand",
    "location__region",
    "channel",
    "metric_time__day",
    "metric_time__month",
]


@dataclass(frozen=True)
class Releases:
    """Answers from releases by name, the last of which serves. `masked` is what readers see as a mask."""

    engines: dict[str, Engine]
    masked: frozenset[str] = frozenset()

    def answer(self, query: MetricQuery, reader: Principal | None, release_id: str | None) -> GovernedAnswer:
        name = release_id or list(self.engines)[-1]
        layer = SemanticLayer.from_dict(manifest())
        restriction = Restriction(masked_dimensions=self.masked) if self.masked else None
        compiled = layer.compile(query, restriction=restriction)
        return GovernedAnswer(self.engines[name].run(compiled), name, compiled)


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Releases]:
    """Two releases of some hundreds of sales, with many groups that tie."""
    folder, rng = tmp_path_factory.mktemp("paged"), seeded("sales")
    engines = {}
    for name in ("older", "newer"):
        with duckdb.connect(str(folder / name)) as connection:
            connection.execute(TABLES)
            rows = [
                (
                    f"x{n}", dt.date(2024, 1, 1) + dt.timedelta(days=rng.randrange(91)),
                    rng.choice(["p1", "p2", "p3", None]), rng.choice(["l1", "l2", None]), "c1",
                    rng.choice(["store", "web", None]), rng.randrange(3), 1,
                )
                for n in range(400)
            ]  # fmt: skip
            connection.executemany("INSERT INTO fct_sales VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        engines[name] = Engine(folder / name, cache_size=1)
    yield Releases(engines)
    for engine in engines.values():
        engine.close()


def _pages(
    releases: Any, query: MetricQuery, seal: CursorSeal, sizes: Iterator[int]
) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    cursor = None
    while True:
        asked = replace(query, limit=next(sizes))
        page = answer_page(releases, asked, None, None, cursor=cursor, seal=seal)
        rows += _rows(page.answer)
        cursor = page.next_cursor
        if cursor is None:
            return rows


def _rows(answer: GovernedAnswer) -> list[tuple[Any, ...]]:
    return list(zip(*(c.to_pylist() for c in answer.table.columns), strict=True))


def test_pages_are_the_rows_of_the_query(releases: Releases) -> None:
    rng, seal = seeded(), CursorSeal("secret")
    for _ in range(sample(25, full=400)):
        keys = rng.sample(KEYS, rng.randrange(1, 4))
        metrics = rng.sample(METRICS, rng.randrange(3))
        sortable = [*metrics, *keys]
        chosen = rng.sample(sortable, min(len(sortable), rng.randrange(3)))
        order = [rng.choice(["", "-"]) + name for name in chosen]
        offset = rng.choice([0, 0, 3])
        query = MetricQuery(metrics=metrics, group_by=keys, order_by=order, offset=offset)
        whole = _rows(releases.answer(query, None, None))
        sizes = iter(lambda: rng.choice([1, 7, 50, 400]), 0)
        rows = _pages(releases, query, seal, sizes)
        assert rows == _rows(releases.answer(replace(query, limit=10_000), None, None)), query
        assert len(set(rows)) == len(rows) and set(rows) == set(whole), query


def test_a_cursor_stays_with_the_release_that_it_began_in(releases: Releases) -> None:
    seal, query = CursorSeal(), MetricQuery(metrics=["units_sold"], group_by=["metric_time__day"], limit=10)
    first = answer_page(releases, query, None, "older", cursor=None, seal=seal)
    second = answer_page(releases, query, None, None, cursor=first.next_cursor, seal=seal)
    assert second.answer.release_id == "older"
    assert _rows(second.answer) == _rows(releases.answer(replace(query, offset=10), None, "older"))
    with pytest.raises(InvalidCursorError, match="another release"):
        answer_page(releases, query, None, "newer", cursor=first.next_cursor, seal=seal)


def test_a_cursor_is_of_one_query_and_opaque(releases: Releases) -> None:
    seal, query = CursorSeal(), MetricQuery(metrics=["units_sold"], group_by=["metric_time__day"], limit=10)
    cursor = answer_page(releases, query, None, None, cursor=None, seal=seal).next_cursor
    assert cursor is not None and "2024" not in cursor
    for other, given in [
        (replace(query, metrics=["net_sales"]), cursor),
        (replace(query, order_by=["-units_sold"]), cursor),
        (query, cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB")),
        (query, "eyJvZmZzZXQiOiAxfQ"),
        (replace(query, limit=None), cursor),
    ]:
        with pytest.raises(InvalidCursorError):
            answer_page(releases, other, None, None, cursor=given, seal=seal)
    with pytest.raises(InvalidCursorError):
        answer_page(releases, query, None, None, cursor=cursor, seal=CursorSeal())


def test_another_order_is_refused_rather_than_a_row_lost(releases: Releases) -> None:
    """What sums of floating point may do from one run to the next: the last group of the page moved."""
    seal = CursorSeal()
    query = MetricQuery(metrics=["units_sold"], group_by=["metric_time__day"], limit=10)

    class Moved:
        def answer(self, asked: MetricQuery, reader: None, release_id: str | None) -> GovernedAnswer:
            answer = releases.answer(asked, reader, release_id)
            return replace(answer, table=answer.table.slice(1)) if asked.offset else answer

    cursor = answer_page(releases, query, None, None, cursor=None, seal=seal).next_cursor  # type: ignore[arg-type]
    with pytest.raises(InvalidCursorError, match="another order"):
        answer_page(Moved(), query, None, None, cursor=cursor, seal=seal)  # type: ignore[arg-type]


def test_the_last_page_has_no_cursor(releases: Releases) -> None:
    seal, query = CursorSeal(), MetricQuery(metrics=["units_sold"], group_by=["location__region"])
    for limit, more in [(2, True), (3, False), (4, False), (0, False)]:
        page = answer_page(releases, replace(query, limit=limit), None, None, cursor=None, seal=seal)
        assert (page.next_cursor is not None) is more
        assert page.answer.table.num_rows == min(limit, 3)


def test_order_by_the_grain_that_was_asked_for(releases: Releases) -> None:
    """An hour on a metric that is known by the day shows the day, and orders by it."""
    query = MetricQuery(
        metrics=["net_sales"], group_by=["metric_time__hour"], order_by=["-metric_time__hour"], limit=2
    )
    days = [row[0] for row in _rows(releases.answer(query, None, None))]
    assert len(days) == 2 and days == sorted(days, reverse=True)
    with pytest.raises(UnknownNameError, match="metric_time__hour is not in the query"):
        releases.answer(replace(query, group_by=["metric_time__month"]), None, None)
