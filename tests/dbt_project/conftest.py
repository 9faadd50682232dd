"""The semantic layer over the released warehouse, compared with numbers that were made by hand."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import pytest

from semantic import Engine, MetricQuery, SemanticLayer
from tests.dbt_project.oracle import Numbers, plain


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
def ask(layer: SemanticLayer, release_dir: Path):
    """Numbers of one metric by groups, as any reader gets them."""
    engine = Engine(
        release_dir / "warehouse.duckdb", max_rows=200_000, timeout_seconds=120, memory_limit="3GB"
    )

    def run(metric: str, groups: Sequence[str], **limits) -> dict[tuple, float]:
        compiled = layer.compile(
            MetricQuery(metrics=[metric], group_by=list(groups), **limits), dialect="duckdb"
        )
        rows = [tuple(r.values()) for r in engine.run(compiled).to_pylist()]
        return {
            tuple(plain(v) for v in r[:-1]): float(plain(r[-1])) for r in rows if plain(r[-1]) is not None
        }

    yield run
    engine.close()


@pytest.fixture(scope="package")
def agree(ask) -> Callable[[str, Sequence[str], Numbers], None]:
    """Fails unless the metric has the same groups and, to nine digits, the same numbers as those given."""

    def check(metric: str, groups: Sequence[str], expected: Numbers) -> None:
        assert expected, (
            f"the hand-written SQL of {metric} by {list(groups)} found nothing: the test proves nothing"
        )
        got = ask(metric, groups)
        assert got.keys() == expected.keys()
        wrong = {
            k: (got[k], v) for k, v in expected.items() if got[k] != pytest.approx(v, rel=1e-9, abs=1e-6)
        }
        assert not wrong, f"{metric} by {list(groups)}: (semantic, by hand) {dict(list(wrong.items())[:5])}"

    return check
