"""Slips in a query are the asker's, in words; faults of the engine stay faults."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from semantic import Engine, MetricQuery, SemanticLayer, parse_semantic_sql
from semantic.errors import ExecutionError, InvalidQueryError, InvalidValueError

from .retailer import TABLES, manifest


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    path = tmp_path_factory.mktemp("engine") / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(TABLES)
    return Engine(Path(path))


@pytest.fixture(scope="module")
def layer() -> SemanticLayer:
    return SemanticLayer.from_dict(manifest())


SLIPS = [
    "metric_time__day >= '2017-13-45'", "metric_time__day >= 'last 7 days'", "location__region > 5",
    "location__region IS TRUE", "CAST(location__region AS INTEGER) = 1",
    "CAST(3000000000 * LENGTH(location__region) AS INTEGER) > 0",
    "CAST(99999999999 AS INTEGER) = 1", "REGEXP_MATCHES(location__region, '(')",
    "STRPTIME(location__region, '%Y') IS NOT NULL",
]  # fmt: skip


@pytest.mark.parametrize("where", SLIPS)
def test_a_slip_is_named_without_names_or_values(engine: Engine, layer: SemanticLayer, where: str) -> None:
    with pytest.raises(InvalidValueError) as refused:
        engine.run(layer.compile(MetricQuery(["net_sales"], where=[where])))
    text = f"{refused.value.message} {refused.value.hint}"
    assert refused.value.hint
    assert not any(word in text for word in ("East", "fct_", "dim_", "region", "LINE", "VARCHAR"))


def test_slips_around_an_answer(engine: Engine, layer: SemanticLayer) -> None:
    sql = "SELECT SUM(r) AS s FROM (SELECT location__region AS r FROM metrics) AS q"
    with pytest.raises(InvalidValueError):
        engine.run(parse_semantic_sql(layer, sql))
    inner = "SELECT MEASURE(net_sales) AS s FROM metrics"
    for sql in (f"{inner} HAVING (1, 2)", f"SELECT s FROM ({inner}) AS q HAVING (1, 2)"):
        with pytest.raises(InvalidQueryError):
            parse_semantic_sql(layer, sql)


@pytest.mark.parametrize(
    "fault",
    [duckdb.IOException("disk"), duckdb.InternalException("x"), duckdb.BinderException("x not found")],
)
def test_a_fault_of_the_engine_stays_one(
    engine: Engine, layer: SemanticLayer, fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise fault

    monkeypatch.setattr(engine, "_bounded", fail)
    with pytest.raises(ExecutionError) as failed:
        engine.run(layer.compile(MetricQuery(["units_sold"], ["metric_time__day"])))
    assert failed.value.__cause__ is fault
