"""Fixtures: the tiny retailer, as a layer and as a database."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import pytest

from semantic import MetricQuery, Restriction, SemanticLayer

from .retailer import database, manifest

Answer = Callable[..., list[tuple[object, ...]]]


@pytest.fixture(scope="session")
def layer() -> SemanticLayer:
    return SemanticLayer.from_dict(manifest())


@pytest.fixture(scope="session")
def tables() -> duckdb.DuckDBPyConnection:
    return database()


@pytest.fixture(scope="session")
def answer(layer: SemanticLayer, tables: duckdb.DuckDBPyConnection) -> Answer:
    """Rows of a query, sorted by text, dates as ISO text."""

    def run(
        *metrics: str, by: tuple[str, ...] = (), restriction: Restriction | None = None, **rest: object
    ) -> list[tuple[object, ...]]:
        query = MetricQuery(metrics=metrics, group_by=by, **rest)  # type: ignore[arg-type]
        sql = layer.compile(query, restriction=restriction).sql
        rows = [tuple(_plain(v) for v in row) for row in tables.execute(sql).fetchall()]
        return rows if rest.get("order_by") else sorted(rows, key=str)

    return run


def _plain(value: object) -> object:
    if hasattr(value, "strftime"):
        return value.strftime("%Y-%m-%d")
    return round(value, 6) if isinstance(value, float) else value
