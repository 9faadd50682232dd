"""Queries in a process of their own: equal answers and refusals, and an end to whatever does not end."""

from __future__ import annotations

import os
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path

import duckdb
import pytest

from governance.governed_query.cancellation import CURRENT, Cancellation
from governance.governed_query.isolated_engine import GRACE_SECONDS, IsolatedEngine, most_bytes
from semantic import Engine
from semantic.errors import (
    ExecutionError,
    InvalidValueError,
    QueryCancelledError,
    QueryTimeoutError,
    ResultTooLargeError,
    SteelyardError,
)
from semantic.plan.compiled import CompiledQuery

DEAF = "SELECT levenshtein(repeat('a', 300000), repeat('b', 300000)) AS n"
"""Works on one value for minutes, and hears no interrupt meanwhile."""
ENDLESS = "SELECT COUNT(*) AS n FROM range(1000000) a, range(1000000) b WHERE a.range + b.range = {}"


def compiled(sql: str) -> CompiledQuery:
    return CompiledQuery(sql=sql, dialect="duckdb", columns=(), lineage={})


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("isolated") / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE t AS SELECT i, i % 7 AS k, DATE '2017-01-01' + i::INT AS d, "
            "CASE WHEN i % 5 = 0 THEN NULL ELSE 'é' || i END AS s, i * 1.5 AS x FROM range(1000) r(i)"
        )
    return path


@pytest.fixture(scope="module")
def engine(warehouse):
    with IsolatedEngine(warehouse, timeout_seconds=20, cache_size=0) as engine:
        yield engine


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM t ORDER BY i",
        "SELECT k, SUM(x)::DECIMAL(38, 2) AS x, MAX(s) AS s FROM t GROUP BY k ORDER BY k",
        "SELECT * FROM t WHERE false",
        "SELECT [1, 2] AS l, {'a': 1} AS s, TIMESTAMPTZ '2017-01-01 00:00:00+02' AS z, INTERVAL 1 DAY AS w",
        "SELECT CAST('x' AS INTEGER)",
        "SELECT no_such_column FROM t",
        "SELECT * FROM read_text('/etc/hostname')",
        "SET enable_external_access = true",
        "COPY t TO '/tmp/x.csv'",
        "DELETE FROM t",
        "not SQL",
    ],
)
def test_answers_and_refusals_are_those_of_an_engine_here(engine, warehouse, sql):
    def outcome_of(one: Engine):
        try:
            return one.run(compiled(sql))
        except SteelyardError as error:
            return type(error), error.message, error.hint

    with Engine(warehouse) as here:
        expected = outcome_of(here)
    answer = outcome_of(engine)
    assert answer == expected
    if not isinstance(answer, tuple):
        assert answer.schema == expected.schema


def test_instants_fall_on_the_days_of_the_retailers_zone(warehouse, tmp_path):
    own = shutil.copy(warehouse, tmp_path)
    with IsolatedEngine(own, time_zone="America/New_York") as engine:
        days = engine.run(compiled("SELECT TIMESTAMPTZ '2017-01-01 03:00:00+00'::DATE::TEXT AS d"))
    assert days["d"].to_pylist() == ["2016-12-31"]


def test_rows_are_bounded(warehouse):
    with IsolatedEngine(warehouse, max_rows=10) as engine:
        assert engine.run(compiled("SELECT i FROM t LIMIT 10")).num_rows == 10
        with pytest.raises(ResultTooLargeError, match="more than 10 rows"):
            engine.run(compiled("SELECT i FROM t"))


def test_an_interrupt_is_enough_for_a_query_that_hears_it(warehouse):
    with IsolatedEngine(warehouse, timeout_seconds=0.5) as engine:
        engine.run(compiled("SELECT 1 AS n"))
        with pytest.raises(QueryTimeoutError):
            engine.run(compiled(ENDLESS.format(1)))
        assert engine.run(compiled("SELECT 2 AS n")).num_rows == 1 and engine.process.started == 1


def test_a_query_that_does_not_stop_ends_with_its_process_and_others_are_answered(warehouse):
    with IsolatedEngine(warehouse, timeout_seconds=4, at_once=4) as engine, ThreadPoolExecutor(2) as people:
        engine.run(compiled("SELECT 1 AS n"))
        started = time.monotonic()
        deaf = people.submit(engine.run, compiled(DEAF))
        time.sleep(2.5)  # the other one is running still when the process ends
        other = people.submit(engine.run, compiled("SELECT COUNT(*) AS n FROM range(500000000) a"))
        assert isinstance(deaf.exception(), QueryTimeoutError)
        assert time.monotonic() - started < 4 + GRACE_SECONDS + 3
        assert other.exception() is None or isinstance(other.exception(), QueryTimeoutError)
        assert engine.run(compiled("SELECT 3 AS n"))["n"].to_pylist() == [3]
        assert engine.process.started == 2


def test_a_process_that_dies_is_replaced_and_its_query_asked_again_or_refused(warehouse):
    with IsolatedEngine(warehouse, timeout_seconds=20) as engine, ThreadPoolExecutor(2) as people:
        engine.run(compiled("SELECT 1 AS n"))
        oldest = people.submit(engine.run, compiled(ENDLESS.format(3)))
        time.sleep(0.5)
        younger = people.submit(engine.run, compiled("SELECT SUM(sqrt(range)) AS n FROM range(100000000)"))
        time.sleep(0.3)
        os.kill(engine.process._worker._process.pid, 9)
        assert isinstance(oldest.exception(), ExecutionError)
        assert younger.exception() is None
        assert engine.process.started == 2


def test_memory_that_the_engine_does_not_count_is_bounded(warehouse, tmp_path):
    own = shutil.copy(warehouse, tmp_path)  # one file has one configuration in a process
    with IsolatedEngine(own, memory_limit="50MB", timeout_seconds=20) as engine:
        greedy = "SELECT MAX(lpad('x', 60000000 + range::INT, 'y')) AS s, MAX(length(s)) FROM (SELECT lpad('x', 400000000, 'y') AS s, range FROM range(8))"  # noqa: E501
        with pytest.raises((ResultTooLargeError, InvalidValueError)):
            engine.run(compiled(greedy))
        assert engine.run(compiled("SELECT 3 AS n"))["n"].to_pylist() == [3]


def test_work_that_nobody_waits_for_is_stopped(engine):
    gone = Cancellation()
    CURRENT.set(gone)
    context = copy_context()
    CURRENT.set(None)
    with ThreadPoolExecutor(2) as people:
        running = people.submit(context.run, engine.run, compiled(ENDLESS.format(4)))
        time.sleep(0.3)
        threading.Timer(0.2, gone.cancel).start()
        started = time.monotonic()
        assert isinstance(running.exception(), QueryCancelledError)
        assert time.monotonic() - started < GRACE_SECONDS + 2


def test_who_joined_a_query_of_somebody_who_went_gets_an_answer(engine):
    gone, sql = Cancellation(), "SELECT SUM(sin(range)) AS n FROM range(40000000)"
    CURRENT.set(gone)
    context = copy_context()
    CURRENT.set(None)
    with ThreadPoolExecutor(2) as people:
        first = people.submit(context.run, engine.run, compiled(sql))
        time.sleep(0.1)
        second = people.submit(engine.run, compiled(sql))
        time.sleep(0.1)
        gone.cancel()
        assert isinstance(first.exception(), QueryCancelledError) or first.exception() is None
        assert second.result().num_rows == 1


def test_no_process_is_left_behind(warehouse):
    engine = IsolatedEngine(warehouse)
    engine.run(compiled("SELECT 1 AS n"))
    process = engine.process._worker._process
    engine.close()
    assert process.wait(10) is not None
    forgotten = IsolatedEngine(warehouse)
    forgotten.run(compiled("SELECT 1 AS n"))
    process = forgotten.process._worker._process
    del forgotten
    assert process.wait(10) is not None


@pytest.mark.parametrize(
    ("limit", "most"), [("2GB", 3 * 10**9 + 2**29), ("1 GiB", 3 * 2**29 + 2**29), ("80%", 0), ("x", 0)]
)
def test_the_bound_of_the_process_follows_the_limit(limit, most):
    assert most_bytes(limit) == most
