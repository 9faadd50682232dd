"""A release whose rollup is not its fact summed up is not built: stale, partial or wrongly declared."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from governance.releases import ReleaseBuildFailedError
from governance.releases.checks import check_definitions_against_data
from governance.releases.layout import WAREHOUSE
from tests.governance.releases.test_state_aware import MODELS, Shop
from tests.semantic.retailer import TABLES
from tests.semantic.rollup_retailer import DECLARED, fill, rich_manifest


def _folder(path: Path) -> Path:
    """What a build has written before it seals: two manifests and the warehouse."""
    nodes = {
        name: {
            "resource_type": "model", "name": name, "relation_name": f"main.{name}",
            "config": {"materialized": "table", "meta": {"steelyard": {"rollup": declared}}},
        }
        for name, declared in DECLARED.items()
    }  # fmt: skip
    (path / "manifest.json").write_text(json.dumps({"nodes": nodes}))
    (path / "semantic_manifest.json").write_text(json.dumps(rich_manifest()))
    with duckdb.connect(str(path / WAREHOUSE)) as connection:
        connection.execute(TABLES)
        fill(connection)
    return path


def test_a_stale_rollup_fails_the_build(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    check_definitions_against_data(folder)
    with duckdb.connect(str(folder / WAREHOUSE)) as connection:
        connection.execute("INSERT INTO fct_sales SELECT '9', '2024-03-31', 'p1', 'l1', 'c1', 'store', 1, 1")
    with pytest.raises(ReleaseBuildFailedError, match="sales_by_day differs from fct_sales in 1 groups"):
        check_definitions_against_data(folder)


def test_a_rollup_of_nothing_fails_the_build(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    declared = "{of: sales, keeps: {product: product}, measures: {lines: count}}"
    name = "  - name: fct_by_product\n"
    shop.rewrite(MODELS, name, f"{name}    config: {{meta: {{steelyard: {{rollup: {declared}}}}}}}\n")
    with pytest.raises(ReleaseBuildFailedError, match="sales, which is no semantic model"):
        shop.build()
    assert shop.store.list() == []
