"""The semantic layer over the released warehouse, compared with numbers that were made by hand."""

import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import pytest

from semantic import Engine, MetricQuery, SemanticLayer
from tests.dbt_project.oracles import ORACLES
from tests.dbt_project.oracles.landed import prepare
from tests.dbt_project.oracles.numbers import Numbers, plain


@pytest.fixture(scope="package")
def layer(release_dir: Path) -> SemanticLayer:
    return SemanticLayer.from_manifest(str(release_dir / "semantic_manifest.json"))


@pytest.fixture(scope="package")
def marts(release_dir: Path, tmp_path_factory: pytest.TempPathFactory):
    """A connection for hand-written SQL.

    DuckDB refuses two configurations of one path in one process, so this one comes by a path of its own.
    """
    link = tmp_path_factory.mktemp("marts") / "warehouse.duckdb"
    os.link(release_dir / "warehouse.duckdb", link)
    con = duckdb.connect(str(link), read_only=True)
    con.execute("set threads = 2")
    yield con
    con.close()


@pytest.fixture(scope="package")
def query_metrics(layer: SemanticLayer, release_dir: Path):
    """Numbers of several metrics by groups, each without the groups in which it has none."""
    engine = Engine(
        release_dir / "warehouse.duckdb", max_rows=200_000, timeout_seconds=120, memory_limit="3GB"
    )

    def run(metrics: Sequence[str], groups: Sequence[str], **limits) -> dict[str, Numbers]:
        query = MetricQuery(metrics=list(metrics), group_by=list(groups), **limits)
        rows = engine.run(layer.compile(query, dialect="duckdb")).to_pylist()
        numbers: dict[str, Numbers] = {metric: {} for metric in metrics}
        for row in rows:
            key = tuple(plain(value) for value in list(row.values())[: len(groups)])
            for metric in metrics:
                if row[metric] is not None:
                    numbers[metric][key] = float(plain(row[metric]))
        return numbers

    yield run
    engine.close()


@pytest.fixture(scope="package")
def query_metric(query_metrics):
    """Numbers of one metric by groups, as any reader gets them."""

    def run(metric: str, groups: Sequence[str], **limits) -> Numbers:
        return query_metrics([metric], groups, **limits)[metric]

    return run


@pytest.fixture(scope="package")
def landed(var_dir: Path):
    """The landed files, prepared for counting by hand; no mart is read."""
    folder = var_dir / "landing"
    if not folder.exists():
        pytest.fail(f"no landing below {var_dir}: `make pipeline` fills it")
    con = prepare(folder)
    yield con
    con.close()


@pytest.fixture(scope="package")
def compare() -> Callable[..., str | None]:
    """What differs between a metric as served and as worked out by hand; None where nothing does."""

    def check(metric: str, groups: Sequence[str], expected: Numbers, got: Numbers) -> str | None:
        oracle, name = ORACLES[metric], f"{metric} by {list(groups)}"
        if not (expected or oracle.empty):
            return f"{name}: found nothing by hand, so the comparison proves nothing"
        if got.keys() != expected.keys():
            more, less = got.keys() - expected.keys(), expected.keys() - got.keys()
            return f"{name}: only served {_some(more)}, only by hand {_some(less)}"
        wrong = {
            k: (got[k], v)
            for k, v in expected.items()
            if not math.isclose(got[k], v, rel_tol=oracle.rel, abs_tol=oracle.abs)
        }
        return f"{name}: (served, by hand) {dict(list(wrong.items())[:5])}" if wrong else None

    return check


@pytest.fixture(scope="package")
def agree(query_metric, compare) -> Callable[[str, Sequence[str], Numbers], None]:
    """Fails unless the metric has the groups given and, as near as its oracle says, their numbers."""

    def check(metric: str, groups: Sequence[str], expected: Numbers) -> None:
        difference = compare(metric, groups, expected, query_metric(metric, groups))
        assert difference is None, difference

    return check


def _some(keys: set[tuple]) -> str:
    return f"{len(keys)} such as {sorted(keys, key=str)[:3]}" if keys else "none"
