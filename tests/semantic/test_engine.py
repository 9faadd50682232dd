# ruff: noqa: E501 - tables of cases read better in one line
"""The engine: Arrow out, and no way past its locks."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from semantic import Engine, MetricQuery, SemanticLayer
from semantic.errors import EngineBusyError, ExecutionError, QueryTimeoutError, ResultTooLargeError

from .retailer import TABLES


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(TABLES)
    return path


def test_runs_to_arrow(layer: SemanticLayer, warehouse: Path) -> None:
    compiled = layer.compile(MetricQuery(metrics=["net_sales"], group_by=["product__department"]))
    with Engine(warehouse) as engine:
        table = engine.run(compiled)
        assert table.column_names == ["product__department", "net_sales"]
        assert sum(table["net_sales"].to_pylist()) == 130.0
        assert engine.run(compiled) is table


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/hostname')", "ATTACH '/tmp/other.duckdb'", "COPY fct_sales TO '/tmp/x.csv'",
        "SET enable_external_access = true", "INSTALL httpfs", "DELETE FROM fct_sales", "SET lock_configuration = false",
    ],
)  # fmt: skip
def test_is_locked(layer: SemanticLayer, warehouse: Path, sql: str) -> None:
    compiled = replace(layer.compile(MetricQuery(metrics=["net_sales"])), sql=sql)
    with Engine(warehouse) as engine, pytest.raises(ExecutionError) as caught:
        engine.run(compiled)
    assert sql not in str(caught.value)


def test_rows_and_time_are_bounded(layer: SemanticLayer, warehouse: Path) -> None:
    compiled = layer.compile(MetricQuery(metrics=["net_sales"], group_by=["metric_time__day"]))
    with Engine(warehouse, max_rows=3) as engine, pytest.raises(ResultTooLargeError):
        engine.run(compiled)
    slow = replace(
        compiled, sql="SELECT COUNT(*) FROM range(1000000) a, range(1000000) b WHERE a.range + b.range = 1"
    )
    with Engine(warehouse, timeout_seconds=0.2) as engine, pytest.raises(QueryTimeoutError):
        engine.run(slow)


ENDLESS = "SELECT COUNT(*) FROM range(1000000) a, range(1000000) b WHERE a.range + b.range = {}"


def test_the_same_query_runs_once(
    layer: SemanticLayer, warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = layer.compile(MetricQuery(metrics=["net_sales"]))
    runs, everyone = [], threading.Barrier(8)
    with Engine(warehouse) as engine, ThreadPoolExecutor(8) as people:
        execute = engine._execute

        def slowly(sql: str, query_id: str | None):
            runs.append(sql)
            threading.Event().wait(0.3)  # the others come meanwhile
            return execute(sql, query_id)

        monkeypatch.setattr(engine, "_execute", slowly)

        def answer(_: int):
            everyone.wait()
            return engine.run(compiled)

        answers = list(people.map(answer, range(8)))
    assert len(runs) == 1 and len({id(answer) for answer in answers}) == 1


def test_a_query_that_fails_tells_all_who_wait_and_can_be_asked_again(
    layer: SemanticLayer, warehouse: Path
) -> None:
    compiled = replace(layer.compile(MetricQuery(metrics=["net_sales"])), sql=ENDLESS.format(1))
    with Engine(warehouse, timeout_seconds=0.3) as engine, ThreadPoolExecutor(4) as people:
        errors = [future.exception() for future in [people.submit(engine.run, compiled) for _ in range(4)]]
        assert all(isinstance(error, QueryTimeoutError) for error in errors)
        with pytest.raises(QueryTimeoutError):
            engine.run(compiled)


def test_queries_take_turns_and_say_so_when_none_comes(layer: SemanticLayer, warehouse: Path) -> None:
    compiled = layer.compile(MetricQuery(metrics=["net_sales"]))
    long = replace(compiled, sql=ENDLESS.format(2))
    with Engine(warehouse, timeout_seconds=0.5, at_once=1) as engine, ThreadPoolExecutor(1) as people:
        engine._turns.acquire()
        with pytest.raises(EngineBusyError):
            engine.run(compiled)
        engine._turns.release()
        running = people.submit(engine.run, long, query_id="mine")
        while not engine.cancel("mine"):
            assert not running.done()
        assert isinstance(running.exception(), QueryTimeoutError)
        assert engine.run(compiled).num_rows == 1  # its turn is free again


def test_missing_warehouse(tmp_path: Path) -> None:
    with pytest.raises(ExecutionError):
        Engine(tmp_path / "none.duckdb")


def test_statistics_change_plans_but_no_answer(layer: SemanticLayer, warehouse: Path) -> None:
    with Engine(warehouse) as engine:
        informed = SemanticLayer(layer.catalog, engine.statistics(layer.catalog))
        for metric in (
            "net_sales",
            "sales_to_date",
            "inventory_on_hand_units",
            "inventory_last_day_units",
            "sales_growth",
        ):
            query = MetricQuery(metrics=[metric], group_by=["metric_time__day", "product__department"])
            plain, faster = layer.compile(query), informed.compile(query)
            assert plain.sql != faster.sql
            answers = []
            for compiled in (plain, faster):
                rows = [tuple(row.values()) for row in engine.run(compiled).to_pylist()]
                answers.append(sorted([str(day)[:10], *map(str, rest)] for day, *rest in rows))
            assert answers[0] == answers[1]
